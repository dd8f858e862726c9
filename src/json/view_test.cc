#include "json/view.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "json/number.h"
#include "json/rebase.h"
#include "json/testing/json_texts.h"
#include "json/utf8.h"

namespace colloquium::json {
namespace {

using testing::Walked;

double number_of(const std::string& text) {
  const Walked walked(text);
  REQUIRE(walked.good);
  return walked.root().number();
}

int64_t integer_of(const std::string& text) {
  const Walked walked(text);
  REQUIRE(walked.good);
  return walked.root().integer();
}

std::optional<uint64_t> unsigned_of(const std::string& text) {
  const Walked walked(text);
  REQUIRE(walked.good);
  return walked.root().unsigned_integer();
}

std::string string_of(const std::string& text) {
  const Walked walked(text);
  REQUIRE(walked.good);
  std::string scratch = "left over";
  return std::string(walked.root().string(scratch));
}

}  // namespace

TEST_CASE("Integers are exact") {
  CHECK(integer_of("0") == 0);
  CHECK(integer_of("-0") == 0);
  CHECK(integer_of("9007199254740993") == 9007199254740993);
  CHECK(integer_of("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CHECK(integer_of("-9223372036854775808") == std::numeric_limits<int64_t>::min());
}

TEST_CASE("Unsigned integers reach to 2^64 - 1") {
  CHECK(unsigned_of("0") == 0u);
  CHECK(unsigned_of("-0") == 0u);
  CHECK(unsigned_of("18446744073709551615") == std::numeric_limits<uint64_t>::max());
  CHECK(unsigned_of("18446744073709551616") == std::nullopt);
  CHECK(unsigned_of("-1") == std::nullopt);
  CHECK(unsigned_of("1.0") == std::nullopt);
  CHECK(unsigned_of("\"1\"") == std::nullopt);
}

TEST_CASE("Numbers are the nearest doubles") {
  CHECK(number_of("1") == 1.0);
  CHECK(number_of("0.1") == 0.1);
  CHECK(number_of("9007199254740993") == 9007199254740992.0);
  CHECK(number_of("18446744073709551616") == 18446744073709551616.0);
  CHECK(number_of("123456789012345678901234567890") == 123456789012345678901234567890.0);
  CHECK(number_of("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(number_of("5e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(number_of("2.5e-310") == 2.5e-310);
}

TEST_CASE("A number too small for a double is a zero of its sign") {
  CHECK(number_of("1e-400") == 0.0);
  CHECK_FALSE(std::signbit(number_of("2e-324")));
  CHECK(number_of("-1e-400") == 0.0);
  CHECK(std::signbit(number_of("-1e-400")));
  CHECK(number_of("1e-99999999999999999999") == 0.0);
}

TEST_CASE("Long literals are read exactly, however many zeros or digits they have") {
  const std::string zeros(70'000, '0');
  CHECK(to_double("0." + zeros + "1e70001") == 1.0);
  CHECK(to_double("-1" + zeros + "e-70000") == -1.0);
  CHECK(to_double("0." + zeros + "e99999999999999999999") == 0.0);
  CHECK(to_double("1" + zeros) == std::nullopt);
  CHECK(to_double("1" + zeros + "e-60000") == std::nullopt);
  CHECK(to_double("0." + std::string(500, '3')) == 1.0 / 3);
  CHECK(to_double("17976931348623157" + std::string(292, '0')) == std::numeric_limits<double>::max());
  CHECK(to_double("17976931348623159" + std::string(292, '0')) == std::nullopt);
  CHECK(to_double("0." + zeros + "17976931348623159e70309") == std::nullopt);
}

TEST_CASE("A long literal that has no finite double is refused by the walk") {
  const std::string zeros(70'000, '0');
  CHECK(Walked("[0." + zeros + "1e70001]").good);
  CHECK_FALSE(Walked("[0." + zeros + "1e71001]").good);
  CHECK(Walked("[1" + zeros + "e-70000]").good);
  CHECK_FALSE(Walked("[1" + zeros + "]").good);
}

TEST_CASE("Strings are decoded only where they are escaped") {
  CHECK(string_of(R"("plain")") == "plain");
  CHECK(string_of(R"("")").empty());
  CHECK(string_of(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(string_of(R"("a\u0041z")") == "aAz");
  CHECK(string_of(R"("\u0000")") == std::string(1, '\0'));
  CHECK(string_of(R"("\u007f\u0080\u07ff\u0800\uffff")") == "\x7f\u0080\u07ff\u0800\uffff");
  CHECK(string_of(R"("\ud83d\ude00\uDBFF\uDFFF\ud800\udc00")") == "\U0001f600\U0010ffff\U00010000");
  const Walked walked(R"("plain")");
  std::string scratch;
  CHECK(walked.root().string(scratch).data() == walked.text.view().data() + 1);
}

TEST_CASE("unescape appends") {
  std::string out = "a";
  unescape(R"(\nb\\)", out);
  CHECK(out == "a\nb\\");
}

TEST_CASE("A member is found by its decoded key, the last of several") {
  const Walked walked(R"({"a":1,"b":{"a":2},"\u0063":3,"a":4,"":5,"ab":6})");
  REQUIRE(walked.good);
  CHECK(walked.root().member("a")->integer() == 4);
  CHECK(walked.root().member("b")->member("a")->integer() == 2);
  CHECK(walked.root().member("c")->integer() == 3);
  CHECK(walked.root().member("")->integer() == 5);
  CHECK(walked.root().member("ab")->integer() == 6);
  CHECK_FALSE(walked.root().member("abc"));
  CHECK_FALSE(walked.root().member("x"));
  CHECK_FALSE(walked.root().member("\\u0063"));
}

TEST_CASE("A member with a unique key is found behind containers") {
  const Walked walked(R"({"a":[1,[2],{"z":3}],"z":{"a":0},"last":true})");
  REQUIRE(walked.good);
  CHECK(walked.root().member("z")->type() == TokenType::kObject);
  CHECK(walked.root().member("last")->type() == TokenType::kTrue);
}

TEST_CASE("Elements are found by index, beside containers and without") {
  const Walked flat("[10,11,12]");
  CHECK(flat.root().element(0)->integer() == 10);
  CHECK(flat.root().element(2)->integer() == 12);
  CHECK_FALSE(flat.root().element(3));
  const Walked mixed(R"([[1,2],{"a":[3]},"x"])");
  CHECK(mixed.root().element(0)->element(1)->integer() == 2);
  CHECK(mixed.root().element(1)->type() == TokenType::kObject);
  CHECK(mixed.root().element(2)->raw() == "\"x\"");
  CHECK_FALSE(mixed.root().element(3));
  CHECK_FALSE(mixed.root().element(UINT64_MAX));
  CHECK_FALSE(Walked("[]").root().element(0));
}

TEST_CASE("Iteration visits the elements and no more") {
  const Walked walked(R"([1,[2,3],{"a":4},5])");
  std::string seen;
  const ValueView root = walked.root();
  for (ValueView v = root.first_child(); !v.at_end_of(root); v = v.next()) seen += std::string(v.raw()) + ";";
  CHECK(seen == R"(1;[2,3];{"a":4};5;)");
  CHECK(root.count() == 4);
}

TEST_CASE("raw gives the bytes as written") {
  const Walked walked("  { \"a\" : [ 1 , 1.50 ] }  ");
  CHECK(walked.root().raw() == "{ \"a\" : [ 1 , 1.50 ] }");
  CHECK(walked.root().member("a")->raw() == "[ 1 , 1.50 ]");
  CHECK(walked.root().member("a")->element(1)->raw() == "1.50");
}

TEST_CASE("A value's part of the tape can be moved and stands by itself") {
  const Walked walked(R"([0, {"a":[1,2],"b":"x"}, 3])");
  const ValueView inner = *walked.root().element(1);
  std::vector<TapeToken> tape;
  append_rebased(tape_of(inner), inner.index(), 0, 0, tape);
  const ValueView moved(walked.text.view().data() + inner.token().offset, tape.data(), 0);
  CHECK(moved.raw() == inner.raw());
  CHECK(moved.member("a")->element(1)->integer() == 2);
  CHECK(moved.member("b")->raw_string() == "x");
  CHECK(tape.size() == 7);
}

TEST_CASE("The valid prefix of a text ends before the first malformed sequence") {
  CHECK(valid_utf8_prefix("") == 0);
  CHECK(valid_utf8_prefix("abc") == 3);
  CHECK(valid_utf8_prefix("é€😀") == 9);
  CHECK(valid_utf8_prefix("a\x80") == 1);
  CHECK(valid_utf8_prefix("a\xc3") == 1);
  CHECK(valid_utf8_prefix("a\xc0\xaf") == 1);
  CHECK(valid_utf8_prefix("\xed\xa0\x80") == 0);
  CHECK(valid_utf8_prefix("\xed\x9f\xbf\xf4\x90\x80\x80") == 3);
  CHECK(valid_utf8_prefix("\xf0\x9f\x98") == 0);
}

}  // namespace colloquium::json
