#include "formats/line.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::formats {
namespace {

std::string line(std::string_view value) {
  std::string out = "before\n";
  append_line(out, value);
  REQUIRE(out.rfind("before\n", 0) == 0);
  return out.substr(7);
}

}  // namespace

TEST_CASE("A value without line breaks is written as it stands") {
  CHECK(line(R"({"a": 1,	"b" : [ 2 ]})") == "{\"a\": 1,\t\"b\" : [ 2 ]}\n");
  CHECK(line("null") == "null\n");
  CHECK(line(R"("a\nb")") == "\"a\\nb\"\n");
}

TEST_CASE("A value with line breaks loses the white space between its tokens") {
  CHECK(line("{\n  \"a\": 1,\r\n\t\"b\": [\n 2, 3 ]\n}") == "{\"a\":1,\"b\":[2,3]}\n");
  CHECK(line("[1,\n2]") == "[1,2]\n");
  CHECK(line("[1,\r2]") == "[1,2]\n");
  CHECK(line("[\ntrue , null , -1.5e3 ]") == "[true,null,-1.5e3]\n");
}

TEST_CASE("White space inside strings stays") {
  CHECK(line("{\n \"a b\" : \" c  d \" }") == "{\"a b\":\" c  d \"}\n");
  CHECK(line("[\n\"\\\" x\" , \" \\\\\" , \"\\\\\\\" y \" ]") == "[\"\\\" x\",\" \\\\\",\"\\\\\\\" y \"]\n");
  CHECK(line("[\n\"\\u0041 \\n \" ]") == "[\"\\u0041 \\n \"]\n");
  CHECK(line("[\n\"\",\" \"\n]") == "[\"\",\" \"]\n");
}

TEST_CASE("Bytes that were never walked harm nobody") {
  CHECK(line("[\n\"open \\") == "[\"open \\\n");
  CHECK(line("\n") == "\n");
  CHECK(line("") == "\n");
}

}  // namespace colloquium::formats
