#include "json/canonical.h"

#include <catch2/catch.hpp>
#include <string>

#include "json/testing/json_texts.h"

namespace colloquium::json {
namespace {

using testing::RandomText;
using testing::Walked;

std::string canonical(const std::string& text) {
  const Walked walked(text, {.depth = 100'000});
  REQUIRE(walked.good);
  std::string out = "+";
  write_canonical(walked.root(), out);
  return out.substr(1);
}

}  // namespace

TEST_CASE("Canonical text has no white space and ascending keys") {
  CHECK(canonical(R"( { "b" : 1 , "a" : [ true , null ] , "c" : { } } )") == R"({"a":[true,null],"b":1,"c":{}})");
  CHECK(canonical(R"({"b":{"d":1,"c":2},"a":{"f":[],"e":[[]]}})") ==
        R"({"a":{"e":[[]],"f":[]},"b":{"c":2,"d":1}})");
  CHECK(canonical("[ ]") == "[]");
  CHECK(canonical(R"([{"b":1,"a":2},{"a":3}])") == R"([{"a":2,"b":1},{"a":3}])");
}

TEST_CASE("Keys ascend by the bytes of their decoded UTF-8") {
  CHECK(canonical(R"({"é":1,"z":2,"Z":3,"":4,"ab":5,"a":6,"😀":7,"\uffff":8})") ==
        "{\"\":4,\"Z\":3,\"a\":6,\"ab\":5,\"z\":2,\"é\":1,\"\uffff\":8,\"😀\":7}");
  CHECK(canonical(R"({"\u0062":1,"a":2})") == R"({"a":2,"b":1})");
}

TEST_CASE("Of duplicate keys the last counts") {
  CHECK(canonical(R"({"a":1,"b":2,"a":3})") == R"({"a":3,"b":2})");
  CHECK(canonical(R"({"\u0061":1,"a":2,"b":0,"\u0061":{"x":1}})") == R"({"a":{"x":1},"b":0})");
  CHECK(canonical(R"([{"a":{"q":1,"q":2},"a":{"q":3,"q":4}}])") == R"([{"a":{"q":4}}])");
}

TEST_CASE("Strings escape only what must be") {
  CHECK(canonical(R"("\u0041\/\u00e9\u001F\u000a\"\\")") == "\"A/é\\u001f\\n\\\"\\\\\"");
  CHECK(canonical("\"é\"") == "\"é\"");
}

TEST_CASE("Numbers have one text per value") {
  CHECK(canonical("0") == "0");
  CHECK(canonical("-0") == "0");
  CHECK(canonical("-0.0") == "0");
  CHECK(canonical("1.0") == "1");
  CHECK(canonical("1.50") == "1.5");
  CHECK(canonical("1e3") == "1000");
  CHECK(canonical("1e21") == "1e+21");
  CHECK(canonical("9223372036854775807") == "9223372036854775807");
  CHECK(canonical("9223372036854775808") == "9223372036854775808");
  CHECK(canonical("18446744073709551615") == "18446744073709551615");
  CHECK(canonical("18446744073709551616") == "18446744073709552000");
  CHECK(canonical("-9223372036854775809") == "-9223372036854776000");
  CHECK(canonical("123456789012345678901234567890") == "1.2345678901234568e+29");
}

TEST_CASE("A deeply nested value costs no stack") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(canonical(deep) == deep);
}

TEST_CASE("Canonical text reads as the value did, and is its own canonical text") {
  RandomText random(9);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = random.document();
    const std::string once = canonical(text);
    REQUIRE(canonical(once) == once);
    // A double without a fraction becomes an integer, so numbers are compared in their canonical form.
    REQUIRE(canonical(testing::nlohmann_text(once)) == canonical(testing::nlohmann_text(text)));
  }
}

}  // namespace colloquium::json
