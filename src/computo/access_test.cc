#include "computo/access.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "computo/compare.h"
#include "computo/render.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

// A machine that runs nothing, for its services; and values of JSON texts.
class Fixture {
 public:
  Fixture() : machine(testing::compiled("null"), Limits{}) { REQUIRE(machine.run({}, {})); }

  Value of(std::string_view text) {
    texts_.push_back(std::make_unique<testing::Text>(text));
    const json::ValueView view = texts_.back()->view();
    sources_.push_back(std::make_unique<Source>(Source{view.text(), view.root()}));
    return view_value(sources_.back().get(), 0);
  }
  std::string text(const Value& v, RenderAs as = RenderAs::kResult) {
    output_.start(false);
    REQUIRE(render(machine, output_, as, v));
    return std::string(output_.text());
  }
  Key key(std::string_view name) { return {name.data(), nullptr, static_cast<uint32_t>(name.size()), 0}; }

  Machine machine;

 private:
  std::vector<std::unique_ptr<testing::Text>> texts_;
  std::vector<std::unique_ptr<Source>> sources_;
  Output output_;
};

}  // namespace

TEST_CASE("elements are visited alike on a tape and in a built array") {
  Fixture f;
  const Value viewed = f.of("[[1, 2], \"x\", {\"a\": [3]}]");
  std::vector<Value> items;
  Elements elements(viewed);
  for (uint32_t i = array_size(viewed); i > 0; --i) items.push_back(elements.next());
  REQUIRE(items.size() == 3);
  CHECK(f.text(items[0]) == "[1, 2]");
  CHECK(f.text(items[2]) == "{\"a\": [3]}");
  const Value built = array_value(items.data(), 3);
  Elements again(built);
  again.next();
  CHECK(f.text(again.next()) == "\"x\"");
  CHECK(f.text(built) == "[[1, 2],\"x\",{\"a\": [3]}]");
}

TEST_CASE("pointers are followed through tapes and built values, and say where they stop") {
  Fixture f;
  const Value inner = f.of(R"({"k": [10, {"z": true}], "k2": 0})");
  const Value items[] = {null_value(), inner};
  const Value array = array_value(items, 2);
  Steps steps;
  REQUIRE(split_pointer("/1/k/1/z", steps));
  size_t failed = 99;
  uint64_t passed = 0;
  Value v = array;
  REQUIRE(follow(v, steps, failed, passed));
  CHECK(is_truthy(v));
  CHECK(passed == 2 + 2 + 1);
  for (const auto& [pointer, step] : std::initializer_list<std::pair<const char*, size_t>>{
           {"/2", 0}, {"/x", 0}, {"/1/nosuch/x", 1}, {"/1/k/2", 2}, {"/1/k/-", 2}, {"/1/k2/a", 2}, {"/0/a", 1}}) {
    INFO(pointer);
    Steps bad;
    REQUIRE(split_pointer(pointer, bad));
    v = array;
    CHECK_FALSE(follow(v, bad, failed, passed));
    CHECK(failed == step);
  }
}

TEST_CASE("members are found whatever spelling and duplicates the tape has") {
  Fixture f;
  const Value object = f.of(R"({"a":1,"\u0062":2,"a":3,"":4,"é":5,"b":6,"\u0061":7,"aa":8})");
  const auto found = [&](std::string_view name) {
    Value v = null_value();
    return find_member(object, name, v) ? f.text(v) : "none";
  };
  CHECK(found("a") == "7");
  CHECK(found("b") == "6");
  CHECK(found("") == "4");
  CHECK(found("é") == "5");
  CHECK(found("aa") == "8");
  CHECK(found("c") == "none");
  CHECK(found("\\u0062") == "none");
  Object members{};
  uint32_t count = 0;
  REQUIRE(members_of(f.machine, object, members, count));
  REQUIRE(count == 5);
  std::string keys;
  for (uint32_t i = 0; i < count; ++i)
    keys += std::string(members.keys[i].view()) + "=" + f.text(members.values[i]) + " ";
  CHECK(keys == "=4 a=7 aa=8 b=6 é=5 ");
}

TEST_CASE("an object builder sorts what comes and keeps the last of equal keys") {
  Fixture f;
  for (const std::vector<std::string>& names : {std::vector<std::string>{},
                                                {"a"},
                                                {"a", "b", "c"},
                                                {"c", "a", "b", "a"},
                                                {"a", "a"},
                                                {"b", "a", "b", "a", "b"}}) {
    ObjectBuilder builder(f.machine, static_cast<uint32_t>(names.size()));
    REQUIRE(builder.valid());
    for (size_t i = 0; i < names.size(); ++i) builder.add(f.key(names[i]), int_value(static_cast<int64_t>(i)));
    Value made;
    REQUIRE(builder.finish(made));
    std::vector<std::string> wanted = names;
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    REQUIRE(made.size == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      CHECK(made.object->keys[i].view() == wanted[i]);
      const auto last = std::find(names.rbegin(), names.rend(), wanted[i]);
      CHECK(made.object->values[i].integer == names.rend() - last - 1);
      Value v = null_value();
      CHECK(find_member(made, wanted[i], v));
    }
    Value v = null_value();
    CHECK_FALSE(find_member(made, "ab", v));
  }
}

TEST_CASE("a value and its canonical form are equal, hash alike and order alike") {
  Fixture f;
  const std::vector<std::string> texts = {"null",
                                          "true",
                                          "0",
                                          "-0.0",
                                          "1.50",
                                          "1e2",
                                          "123456789012345678901234567890",
                                          "\"\"",
                                          "\"a\\u0062\\n\"",
                                          "[]",
                                          "[1, [2]]",
                                          "{}",
                                          R"({"b":1,"a":[{"\u0063":2.0}],"b":3})",
                                          "[null,false]"};
  for (size_t i = 0; i < texts.size(); ++i) {
    const Value v = f.of(texts[i]);
    const Value canonical = f.of(f.text(v, RenderAs::kText));
    INFO(texts[i]);
    CHECK(equal(f.machine, v, canonical));
    CHECK(hash(f.machine, v) == hash(f.machine, canonical));
    CHECK(order(f.machine, v, canonical) == 0);
    CHECK(f.text(canonical, RenderAs::kText) == f.text(v, RenderAs::kText));
    CHECK(is_truthy(v) == is_truthy(canonical));
  }
  CHECK_FALSE(f.machine.failed());
}

TEST_CASE("the order of values is total: antisymmetric, transitive, and zero where they are equal") {
  Fixture f;
  std::vector<Value> values;
  for (const char* text : {"null",
                           "-1",
                           "0",
                           "0.5",
                           "1",
                           "1.0",
                           "18446744073709551615",
                           "\"\"",
                           "\"a\"",
                           "\"ab\"",
                           "\"b\"",
                           "false",
                           "true",
                           "[]",
                           "[null]",
                           "[1]",
                           "[1,0]",
                           "[true]",
                           "{}",
                           R"({"a":1})",
                           R"({"a":1,"b":0})",
                           R"({"a":2})",
                           R"({"b":0})",
                           R"({"b":0,"a":1})"}) {
    values.push_back(f.of(text));
  }
  const auto sign = [](int i) { return i < 0 ? -1 : i > 0; };
  for (const Value& a : values) {
    for (const Value& b : values) {
      const int ab = sign(order(f.machine, a, b));
      CHECK(ab == -sign(order(f.machine, b, a)));
      CHECK((ab == 0) == equal(f.machine, a, b));
      if (ab == 0) CHECK(hash(f.machine, a) == hash(f.machine, b));
      for (const Value& c : values) {
        if (ab < 0 && order(f.machine, b, c) < 0) CHECK(order(f.machine, a, c) < 0);
      }
    }
  }
}

TEST_CASE("comparing gives the memory it took back") {
  Fixture f;
  const Value a = f.of(R"({"b":[{"y":1,"x":"\u0041"}],"a":2})");
  const Value b = f.of(R"({"a":2,"b":[{"x":"A","y":1}]})");
  const Arena::Mark before = f.machine.arena().mark();
  CHECK(equal(f.machine, a, b));
  CHECK(order(f.machine, a, b) == 0);
  CHECK(hash(f.machine, a) == hash(f.machine, b));
  const Arena::Mark after = f.machine.arena().mark();
  CHECK(before.at == after.at);
  CHECK(before.block == after.block);
}

TEST_CASE("strings and keys are decoded only where they have escapes") {
  Fixture f;
  const Value plain = f.of("\"plain\"");
  std::string_view text;
  REQUIRE(text_of(f.machine, plain, text));
  CHECK(text.data() == plain.view().raw_string().data());
  const Value escaped = f.of(R"("\u00e9\n")");
  REQUIRE(text_of(f.machine, escaped, text));
  CHECK(text == "é\n");
}

TEST_CASE("a failure keeps the first reason") {
  Fixture f;
  CHECK_FALSE(f.machine.fail_argument(1, Category::kValue, "first"));
  CHECK_FALSE(f.machine.fail(Category::kLimit, "second"));
  CHECK(f.machine.failed());
  CHECK(f.machine.failure().problem == "first");
  CHECK(f.machine.failure().argument == 1);
  REQUIRE(f.machine.run({}, {}));
  CHECK_FALSE(f.machine.failed());
}

}  // namespace colloquium::computo
