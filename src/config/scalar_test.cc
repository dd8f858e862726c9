#include "config/scalar.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "config/testing/components.h"

namespace colloquium::config {

TEST_CASE("a JSON number is what RFC 8259 says, character by character") {
  for (const char* text :
       {"0", "-0", "7", "10", "0.5", "-1.25", "1e5", "1E+05", "2.5e-3", "123456789012345678901"}) {
    INFO(text);
    CHECK(is_json_number(text));
  }
  for (const char* text : {"", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1.e3", "0x1", "1 ", " 1", "1_0",
                           "NaN", "inf", "--1", "1.5.2", "1e5.2"}) {
    INFO(text);
    CHECK_FALSE(is_json_number(text));
  }
}

TEST_CASE("any string is written as YAML that reads back as the same string") {
  const std::string texts[] = {
      "",          "plain", "null", "true", "12",    "1.5e3", "~",          "no",           "- a",
      "a: b",      "a #b",  "#x",   "'q'",  "\"q\"", "\\",    "line\nnext", "\ttab",        "trailing ",
      "*a",        "&a",    "!t",   "%d",   "@x",    "`x",    "[a]",        "{a}",          "a,b",
      "?",         "-",     "--",   "---",  "...",   "=",     "<<",         "\x01\x1f\x7f", "\u00e9\u4e2d",
      "a/b.c_d-e", "${X}",  "$$",   ">",    "|",     ".",     "0x1f"};
  for (const std::string& text : texts) {
    INFO(text);
    const ConfigNode in_block = testing::node_of("a: " + yaml_string(text));
    CHECK(in_block.find("a")->kind == ConfigNode::Kind::kString);
    CHECK(in_block.find("a")->text == text);
    CHECK(testing::node_of("[" + yaml_string(text) + ", x]").items[0].text == text);
  }
}

TEST_CASE("what needs no quotes has none") {
  CHECK(yaml_string("out/orders-%Y.ndjson") == "out/orders-%Y.ndjson");
  CHECK(yaml_string("127") == "\"127\"");
}

TEST_CASE("numbers are shown in their shortest form") {
  CHECK(show_number(0.1) == "0.1");
  CHECK(show_number(3) == "3");
  CHECK(show_number(-1e300) == "-1e+300");
}

TEST_CASE("a node made by hand is written as JSON all the same") {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kInteger;
  node.integer = 42;
  CHECK(node.to_json() == "42");
  node.kind = ConfigNode::Kind::kDouble;
  node.number = 0.25;
  CHECK(node.to_json() == "0.25");
  node.number = HUGE_VAL;
  CHECK(node.to_json() == "null");
  set_string(node, "a\"\\\n\t\r\x01\x7f");
  CHECK(node.to_json() == R"("a\"\\\n\t\r\u0001\u007f")");
}

}  // namespace colloquium::config
