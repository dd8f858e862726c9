#include "computo/text.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/pointer.h"
#include "computo/suggest.h"
#include "computo/testing.h"
#include "computo/timestamp.h"

namespace colloquium::computo {
namespace {

std::string written(const Value& number) {
  char digits[kNumberBound];
  return std::string(digits, write_number(number, digits));
}

std::string quoted(std::string_view text, bool& escaped) {
  std::string out(escaped_bound(text.size()), '?');
  escaped = false;
  out.resize(static_cast<size_t>(write_string(text, out.data(), escaped) - out.data()));
  return out;
}

std::string timestamp(int64_t ms) {
  char text[kTimestampBytes];
  format_timestamp(ms, text);
  return std::string(text, kTimestampBytes);
}

std::string suggested(std::string_view wanted, std::initializer_list<std::string_view> candidates) {
  Suggestion suggestion(wanted);
  for (const std::string_view candidate : candidates) suggestion.offer(candidate);
  return suggestion.best();
}

}  // namespace

TEST_CASE("strings are written with the few escapes that canonical text has") {
  bool escaped = false;
  CHECK(quoted("", escaped) == R"("")");
  CHECK(quoted("plain / é \x7f", escaped) == "\"plain / é \x7f\"");
  CHECK_FALSE(escaped);
  CHECK(quoted("a\"b\\c\b\f\n\r\t\x01\x1f", escaped) == R"("a\"b\\c\b\f\n\r\t\u0001\u001f")");
  CHECK(escaped);
  // The one that needs an escape at every place of a long text.
  for (size_t at = 0; at < 70; ++at) {
    std::string text(70, 'x');
    text[at] = '"';
    const std::string wanted = "\"" + text.substr(0, at) + "\\\"" + text.substr(at + 1) + "\"";
    CHECK(quoted(text, escaped) == wanted);
  }
  CHECK(quoted(std::string(100, '\x01'), escaped).size() == escaped_bound(100));
}

TEST_CASE("numbers are written as section 2.4 has them") {
  CHECK(written(int_value(INT64_MIN)) == "-9223372036854775808");
  CHECK(written(uint_value(UINT64_MAX)) == "18446744073709551615");
  CHECK(written(double_value(-0.0)) == "0");
  CHECK(written(double_value(100)) == "100");
  CHECK(written(double_value(1e21)) == "1e+21");
  CHECK(written(double_value(-1.7976931348623157e308)).size() <= kNumberBound);
}

TEST_CASE("a spelled number gets the token a walk would give it") {
  for (const char* text : {"0", "-9223372036854775808", "9223372036854775807", "9223372036854775808",
                           "-9223372036854775809", "1.5", "1e+21", "123456789012345680000", "-0.000001"}) {
    INFO(text);
    const testing::Text walked(text);
    const NumberToken token = number_token(text);
    CHECK(token.type == walked.view().type());
    CHECK(token.flags == walked.view().token().flags);
  }
}

TEST_CASE("nesting beyond the walk's limit is told from other errors") {
  CHECK(nests_too_deep(std::string(2000, '['), 1024));
  CHECK(nests_too_deep(testing::nested(1500, "{\"a\\\"[\":", "1", "}"), 1500 * 8));
  CHECK_FALSE(nests_too_deep("\"" + std::string(2000, '[') + "\" x", 2003));
  CHECK_FALSE(nests_too_deep(testing::nested(1024, "[", "x", "]"), 1024));
  CHECK_FALSE(nests_too_deep("[],[],x", 6));
}

TEST_CASE("pointers are split and unescaped once") {
  Steps steps;
  CHECK(pointer_problem("a", "\"a\"") == "expected a JSON Pointer, empty or beginning with '/', got \"a\"");
  CHECK(pointer_problem("/a~2", "\"/a~2\"") ==
        "in a JSON Pointer '~' stands only in ~0 (for '~') and ~1 (for '/'), got \"/a~2\"");
  REQUIRE(split_pointer("/a~1b/~0~01//12/", steps));
  REQUIRE(steps.size() == 5);
  CHECK(steps[0].key == "a/b");
  CHECK(steps[1].key == "~~1");
  CHECK(steps[2].key.empty());
  CHECK(steps[3].index == 12);
  CHECK(steps[4].key.empty());
  for (const auto& [token, index] :
       std::initializer_list<std::pair<const char*, uint64_t>>{{"/0", 0},
                                                               {"/01", kNoIndex},
                                                               {"/-", kNoIndex},
                                                               {"/+1", kNoIndex},
                                                               {"/1e0", kNoIndex},
                                                               {"/ 1", kNoIndex},
                                                               {"/999999999999999999", 999999999999999999u},
                                                               {"/9999999999999999999", kNoIndex}}) {
    INFO(token);
    Steps one;
    REQUIRE(split_pointer(token, one));
    CHECK(one[0].index == index);
  }
  for (const char* bad : {"a", "#/a", "/~", "/~2", "/a/b~x"}) {
    INFO(bad);
    Steps none;
    CHECK_FALSE(split_pointer(bad, none));
  }
  Steps whole;
  CHECK(split_pointer("", whole));
  CHECK(whole.empty());
}

TEST_CASE("the nearest name is offered, the first in byte order of several") {
  CHECK(suggested("mpa", {"zip", "map", "max"}) == "map");
  CHECK(suggested("cat", {"cbr", "car", "bat"}) == "bat");
  CHECK(suggested("filtr", {"filter", "fil"}) == "filter");
  CHECK(suggested("xyz", {"abc"}).empty());
  CHECK(suggested("ab", {"xy"}).empty());
  CHECK(suggested("X", {"x", "y"}) == "x");
  CHECK(suggested("", {"a"}).empty());
}

TEST_CASE("timestamps are RFC 3339 in UTC with milliseconds") {
  CHECK(timestamp(0) == "1970-01-01T00:00:00.000Z");
  CHECK(timestamp(1709251199999) == "2024-02-29T23:59:59.999Z");
  CHECK(timestamp(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(timestamp(-62167219200000) == "0000-01-01T00:00:00.000Z");
  CHECK(timestamp(INT64_MIN) == "0000-01-01T00:00:00.000Z");
  CHECK(timestamp(INT64_MAX) == "9999-12-31T23:59:59.999Z");
}

}  // namespace colloquium::computo
