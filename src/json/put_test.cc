#include "json/put.h"

#include <catch2/catch.hpp>
#include <string>

#include "json/walk.h"

using namespace colloquium;
using namespace colloquium::json;

namespace {

std::optional<std::string> with(const std::string& text, std::string_view pointer, std::string_view value) {
  const auto document = parse(text, "test");
  REQUIRE(document);
  const auto path = parse_pointer(pointer);
  REQUIRE(path);
  std::string out = "before ";
  const bool done = put(ValueView(document->text.data(), document->tape.data(), 0), *path, value, out);
  if (!done) CHECK(out == "before ");
  return done ? std::optional(out.substr(7)) : std::nullopt;
}

}  // namespace

TEST_CASE("a value is put where a pointer says, and what is beside it keeps its bytes") {
  CHECK(with(R"({"a": 1.50, "b": {"c" : [1, 2]}})", "/b/c/1", "true") == R"({"a":1.50,"b":{"c":[1,true]}})");
  CHECK(with(R"({"a":1})", "/a", "\"x\"") == R"({"a":"x"})");
  CHECK(with(R"({"a":1})", "/b", "2") == R"({"a":1,"b":2})");
  CHECK(with("{}", "/b", "2") == R"({"b":2})");
  CHECK(with("{}", "/x/y/z", "2") == R"({"x":{"y":{"z":2}}})");
  CHECK(with(R"({"a":1})", "", "2") == "2");
  CHECK(with("7", "", "2") == "2");
  CHECK(with(R"([{"a":1}])", "/0/b", "2") == R"([{"a":1,"b":2}])");
}

TEST_CASE("keys are compared decoded, and of several of one name the last is changed") {
  CHECK(with(R"({"\u0061":1})", "/a", "2") == R"({"\u0061":2})");
  CHECK(with(R"({"a/b~":1})", "/a~1b~0", "2") == R"({"a/b~":2})");
  CHECK(with(R"({"a":1,"a":3})", "/a", "2") == R"({"a":1,"a":2})");
  CHECK(with("{}", "/a\"\n", "2") == R"({"a\"\n":2})");
  CHECK(with("{}", "/", "2") == R"({"":2})");
}

TEST_CASE("where the way leads nowhere nothing is put") {
  CHECK_FALSE(with("7", "/a", "2"));
  CHECK_FALSE(with(R"({"a":"text"})", "/a/b", "2"));
  CHECK_FALSE(with(R"({"a":null})", "/a/b", "2"));
  CHECK_FALSE(with("[1,2]", "/2", "2"));
  CHECK_FALSE(with("[1,2]", "/01", "2"));
  CHECK_FALSE(with("[1,2]", "/-", "2"));
  CHECK_FALSE(with("[1,2]", "/x", "2"));
}

TEST_CASE("what is no pointer is none") {
  CHECK_FALSE(parse_pointer("a"));
  CHECK_FALSE(parse_pointer("/a~"));
  CHECK_FALSE(parse_pointer("/a~2"));
  CHECK(parse_pointer("/a//b") == std::vector<std::string>{"a", "", "b"});
}
