#include "formats/line_writer.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace colloquium::formats {
namespace {

std::string lines_of(const std::vector<std::string>& values, std::string_view key = "") {
  BatchBuilder builder;
  for (const std::string& value : values) {
    EventMeta meta;
    if (!key.empty()) meta.key = key;
    builder.add(value, {}, meta);
  }
  std::string out = "before\n";
  append_lines(*builder.seal(std::make_shared<const BatchOrigin>(), 0), out);
  REQUIRE(out.starts_with("before\n"));
  return out.substr(7);
}

TEST_CASE("an event without line breaks is written as its bytes") {
  CHECK(lines_of({R"({ "a" : 1.0e0 })", "[ ]", "\"x\""}) == "{ \"a\" : 1.0e0 }\n[ ]\n\"x\"\n");
  CHECK(lines_of({}).empty());
}

TEST_CASE("an event with line breaks loses the white space between its tokens") {
  CHECK(lines_of({"{\n  \"a b\": [1,\t2 ,\r\n true ],\n  \"c\": \" \\\" \\n \" }", "[ 1 ]"}) ==
        "{\"a b\":[1,2,true],\"c\":\" \\\" \\n \"}\n[ 1 ]\n");
  CHECK(lines_of({"\r[]"}) == "[]\n");
}

TEST_CASE("a line break in a key changes no value") {
  CHECK(lines_of({"[ 1 ]"}, "k\ney") == "[ 1 ]\n");
}

TEST_CASE("a string that ends in an escaped backslash ends there") {
  CHECK(lines_of({"[\"a\\\\\",\n \"b\"]"}) == "[\"a\\\\\",\"b\"]\n");
}

TEST_CASE("a tombstone is null") {
  BatchBuilder builder;
  builder.add_tombstone({.key = "k"});
  std::string out;
  append_lines(*builder.seal(std::make_shared<const BatchOrigin>(), 0), out);
  CHECK(out == "null\n");
}

TEST_CASE("only the events of the batch are written, not those of its body") {
  BatchBuilder builder;
  for (const char* value : {"1", "2\n", "3"}) builder.add(value, {}, {});
  const auto all = builder.seal(std::make_shared<const BatchOrigin>(), 0);
  builder.keep(*all, 2);
  builder.keep(*all, 1);
  std::string out;
  append_lines(*builder.seal(std::make_shared<const BatchOrigin>(), 0), out);
  CHECK(out == "3\n2\n");
}

}  // namespace
}  // namespace colloquium::formats
