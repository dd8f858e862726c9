#include "json/walk.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "json/testing/json_texts.h"

namespace colloquium::json {
namespace {

using testing::PaddedText;
using testing::Walked;

struct Case {
  bool accept;
  uint64_t byte;
  std::string text;
};

std::string decode_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
    i += 2;
  }
  return out;
}

std::vector<Case> read_cases() {
  std::ifstream file(JSON_TESTDATA "/cases.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    if (line.rfind("accept ", 0) == 0) {
      cases.push_back({true, 0, decode_percent(line.substr(7))});
      continue;
    }
    const size_t blank = line.find(' ', 7);
    cases.push_back({false, std::stoull(line.substr(7)), decode_percent(line.substr(blank + 1))});
  }
  return cases;
}

// "type offset length next count flags" of every token.
std::string shape(const std::vector<TapeToken>& tape) {
  static const char* const kNames[] = {"null",   "false", "true",  "integer", "double",
                                       "string", "key",   "array", "object"};
  std::string out;
  for (const TapeToken& token : tape) {
    out += kNames[token.type_bits];
    for (const uint32_t field :
         {token.offset, token.length, token.next, uint32_t{token.count}, uint32_t{token.flags}}) {
      out += ' ' + std::to_string(field);
    }
    out += '\n';
  }
  return out;
}

std::string shape(std::string_view text) {
  const Walked walked(text);
  REQUIRE(walked.good);
  return shape(walked.tape);
}

WalkError refusal(std::string_view text, WalkLimits limits = {}) {
  const Walked walked(text, limits);
  INFO(text);
  REQUIRE_FALSE(walked.good);
  REQUIRE(walked.error.what != nullptr);
  return walked.error;
}

std::string nested(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace

TEST_CASE("The walk accepts and refuses the hand-written list, and names the first bad byte") {
  const std::vector<Case> cases = read_cases();
  REQUIRE(cases.size() >= 300);
  for (const Case& c : cases) {
    const Walked walked(c.text);
    INFO(c.text);
    CHECK(walked.good == c.accept);
    if (!c.accept && !walked.good) CHECK(walked.error.byte == c.byte);
    if (!walked.good) CHECK(walked.tape.empty());
  }
}

TEST_CASE(
    "nlohmann/json judges the hand-written list as the walk does, but for what it is known to do otherwise") {
  for (const Case& c : read_cases()) {
    if (testing::beyond_nlohmann(c.text)) continue;
    INFO(c.text);
    CHECK(testing::nlohmann_accepts(c.text) == c.accept);
  }
}

TEST_CASE("simdjson judges the hand-written list as the walk does, but for integers beyond 64 bits") {
  for (const Case& c : read_cases()) {
    if (testing::beyond_simdjson(Walked(c.text))) continue;
    INFO(c.text);
    CHECK(testing::simdjson_accepts(c.text) == c.accept);
  }
}

TEST_CASE("A scalar has one token") {
  CHECK(shape("null") == "null 0 4 1 0 0\n");
  CHECK(shape(" true ") == "true 1 4 1 0 0\n");
  CHECK(shape("\t-12") == "integer 1 3 1 0 0\n");
  CHECK(shape("1.5e3") == "double 0 5 1 0 0\n");
  CHECK(shape("\"a\\n\"") == "string 0 5 1 0 1\n");
}

TEST_CASE("A container's token counts its content and leads past it") {
  CHECK(shape("[]") == "array 0 2 1 0 0\n");
  CHECK(shape(" { } ") == "object 1 3 1 0 0\n");
  CHECK(shape("[1, [2,3], {}]") ==
        "array 0 14 6 3 0\ninteger 1 1 2 0 0\narray 4 5 5 2 0\ninteger 5 1 4 0 0\ninteger 7 1 5 0 0\nobject 11 2 "
        "6 0 0\n");
  CHECK(shape("{\"a\": {\"b\":null}, \"c\" :1}") ==
        "object 0 25 7 2 0\nkey 1 3 2 0 0\nobject 6 10 5 1 0\nkey 7 3 4 0 0\nnull 11 4 5 0 0\nkey 18 3 6 0 0\n"
        "integer 23 1 7 0 0\n");
}

TEST_CASE("Integers outside 64 signed bits are flagged") {
  CHECK(shape("9223372036854775807") == "integer 0 19 1 0 0\n");
  CHECK(shape("9223372036854775808") == "integer 0 19 1 0 4\n");
  CHECK(shape("-9223372036854775808") == "integer 0 20 1 0 0\n");
  CHECK(shape("-9223372036854775809") == "integer 0 20 1 0 4\n");
  CHECK(shape("100000000000000000000") == "integer 0 21 1 0 4\n");
}

TEST_CASE("The walk appends to the tape, counting from the event's own first token and byte") {
  const PaddedText text("[1] {\"a\":[2]}");
  Walker walker;
  std::vector<TapeToken> tape;
  WalkError error;
  REQUIRE(walker.walk(text.view().substr(0, 3), tape, error));
  REQUIRE(walker.walk(text.view().substr(4), tape, error));
  REQUIRE(tape.size() == 6);
  CHECK(shape({tape.begin() + 2, tape.end()}) == shape("{\"a\":[2]}"));
}

TEST_CASE("A refused text leaves the tape as it was") {
  const PaddedText good("[1]");
  const PaddedText bad("[1,2,{\"a\":}]");
  const PaddedText bad_utf8("[1,2,\"\xff\"]");
  Walker walker;
  std::vector<TapeToken> tape;
  WalkError error;
  REQUIRE(walker.walk(good.view(), tape, error));
  REQUIRE_FALSE(walker.walk(bad.view(), tape, error));
  CHECK(shape(tape) == shape("[1]"));
  REQUIRE_FALSE(walker.walk(bad_utf8.view(), tape, error));
  CHECK(shape(tape) == shape("[1]"));
  REQUIRE(walker.walk(good.view(), tape, error));
  CHECK(tape.size() == 4);
}

TEST_CASE("What is wrong is said in a few words") {
  CHECK(std::string(refusal("{\"a\" 1}").what) == "expected ':' after the key");
  CHECK(std::string(refusal("{1}").what) == "expected a key in quotes");
  CHECK(std::string(refusal("[1}").what) == "expected ',' or ']'");
  CHECK(std::string(refusal("{\"a\":1]").what) == "expected ',' or '}'");
  CHECK(std::string(refusal("[").what) == "unexpected end of the text");
  CHECK(std::string(refusal("1e999").what) == "the number is too large for a double");
  CHECK(std::string(refusal("\"\xff\"").what) == "invalid UTF-8");
}

TEST_CASE("Of two bad places the first is named") {
  CHECK(refusal("[x,\"\xff\"]").byte == 1);
  CHECK(refusal("[\"\xff\",x]").byte == 2);
  CHECK(refusal("[\"\xff\",\"\\q\"]").byte == 2);
  CHECK(refusal("[\"\\q\",\"\xff\"]").byte == 3);
}

TEST_CASE("Every prefix of a document is refused at its end") {
  const std::string document =
      "{\"id\": \"evt_1\", \"list\": [1, -2.5e+3, true, false, null, {}, []], \"text\": "
      "\"é\\u00e9\\ud83d\\ude00\\n\","
      " \"nested\": {\"a\": {\"b\": [[[\"\"]]]}},\n\t\"long\": \"" +
      std::string(100, 'x') + "\"}";
  REQUIRE(Walked(document).good);
  for (size_t size = 0; size < document.size(); ++size) {
    const std::string prefix = document.substr(0, size);
    const WalkError error = refusal(prefix);
    // Inside a character the sequence's first byte is named.
    CHECK(error.byte == size - ((size < document.size() && (document[size] & 0xc0) == 0x80) ? 1 : 0));
  }
}

TEST_CASE("Nesting is limited without using the stack") {
  CHECK(Walked(nested(1024)).good);
  CHECK(refusal(nested(1025)).byte == 1024);
  CHECK(refusal(std::string(10'000, '[')).byte == 1024);
  CHECK(std::string_view(refusal(nested(1025)).what) == "more than 1024 levels of nesting");
  CHECK(std::string_view(refusal(nested(3), {.depth = 2}).what) == "too many levels of nesting");
  CHECK(refusal(nested(3), {.depth = 2}).byte == 2);
  CHECK(refusal(nested(1), {.depth = 0}).byte == 0);
  CHECK(Walked("1", {.depth = 0}).good);
  CHECK(Walked(nested(1'000'000), {.depth = 1'000'000}).good);
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  CHECK(refusal(objects).byte == 1024 * 5);
}

TEST_CASE("A container of more than a million elements has a saturated count") {
  std::string text = "[0";
  for (uint32_t i = 1; i < kTokenCountMax + 5; ++i) text += ",0";
  text += ']';
  const Walked walked(text);
  REQUIRE(walked.good);
  CHECK(walked.tape[0].count == kTokenCountMax);
  CHECK(walked.tape[0].next == kTokenCountMax + 6);
  CHECK(walked.root().count() == kTokenCountMax + 5);
}

TEST_CASE("An object that holds a key twice is flagged, and no other") {
  const auto flagged = [](const std::string& text) {
    const Walked walked(text);
    REQUIRE(walked.good);
    return (walked.tape[0].flags & kTokenDuplicateKeys) != 0;
  };
  CHECK_FALSE(flagged("{}"));
  CHECK_FALSE(flagged(R"({"a":1,"b":{"a":2},"c":[{"a":3}]})"));
  CHECK(flagged(R"({"a":1,"a":2})"));
  CHECK(flagged(R"({"a":{"x":1},"b":[1,2,3],"a":2})"));
  CHECK(flagged(R"({"":1,"":2})"));
  CHECK_FALSE(flagged(R"({"":1,"a":2})"));
  CHECK(flagged(R"({"a":1,"\u0061":2})"));
  CHECK(flagged(R"({"\u0061":1,"a":2})"));
  CHECK(flagged(R"({"\u0061":1,"\u0061":2})"));
  CHECK_FALSE(flagged(R"({"\n":1,"n":2})"));
  CHECK(flagged("{\"b\" :1,\"b\":2}"));
}

TEST_CASE("Duplicates are found in objects of any size") {
  for (const size_t keys : {2, 5, 31, 32, 33, 34, 100, 5000}) {
    std::string text = "{\"k0\":{\"k1\":0}";
    for (size_t i = 1; i < keys; ++i) text += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
    const Walked unique(text + "}");
    REQUIRE(unique.good);
    CHECK((unique.tape[0].flags & kTokenDuplicateKeys) == 0);
    for (const size_t again : {size_t{0}, keys / 2, keys - 1}) {
      const Walked twice(text + ",\"k" + std::to_string(again) + "\":null}");
      REQUIRE(twice.good);
      INFO(keys << " keys, again " << again);
      CHECK((twice.tape[0].flags & kTokenDuplicateKeys) != 0);
      CHECK(twice.root().member("k" + std::to_string(again))->type() == TokenType::kNull);
    }
  }
}

TEST_CASE("A string may end anywhere in a block of marks") {
  for (size_t margin = 0; margin < 70; ++margin) {
    for (size_t size = 0; size < 140; size += margin % 3 + 1) {
      const std::string text = std::string(margin, ' ') + "[\"" + std::string(size, 'x') + "\",\"\\\"\"]";
      const Walked walked(text);
      REQUIRE(walked.good);
      REQUIRE(walked.tape.size() == 3);
      REQUIRE(walked.tape[1].length == size + 2);
      REQUIRE(walked.tape[2].offset == margin + size + 4);
    }
  }
}

TEST_CASE("A walk without checks gives the same tape as one with checks") {
  testing::RandomText random(11);
  Walker walker;
  for (int i = 0; i < 2000; ++i) {
    const Walked checked(random.document());
    REQUIRE(checked.good);
    std::vector<TapeToken> tape;
    walker.walk_unchecked(checked.text.view(), tape);
    REQUIRE(shape(tape) == shape(checked.tape));
  }
}

}  // namespace colloquium::json
