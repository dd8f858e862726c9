#include "components/http/config_checks.h"

#include <catch2/catch.hpp>

#include "config/problems.h"

namespace colloquium::components {
namespace {

TEST_CASE("a header's name is a token, and its value cannot end the header") {
  for (const char* name : {"X-Tenant", "a", "!#$%&'*+-.^_`|~09azAZ"}) CHECK(is_header_name(name));
  for (const char* name : {"", "a b", "a:b", "a\r", "a\n", "\xC3\xA9", "(x)", "a,b", "\"q\""}) {
    INFO(name);
    CHECK_FALSE(is_header_name(name));
  }
  for (const char* value : {"", "plain", "with space\tand tab", "\xC3\xA9"}) CHECK(is_header_value(value));
  CHECK_FALSE(is_header_value("a\r\nb"));
  CHECK_FALSE(is_header_value("a\nb"));
  CHECK_FALSE(is_header_value(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_header_value("\x7f"));
}

TEST_CASE("a problem stands at its member, or at the whole where there is none") {
  ConfigNode path;
  path.kind = ConfigNode::Kind::kString;
  path.mark.line = 7;
  path.mark.column = 9;
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  node.mark.line = 6;
  node.members = {{"path", {}, path}};
  ConfigProblems problems;
  config::refuse(node, "path", "first", problems);
  config::refuse(node, "url", "second", problems);
  config::refuse(path, "path", "third", problems);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].mark.line == 7);
  CHECK(problems[0].mark.column == 9);
  CHECK(problems[0].message == "first");
  CHECK_FALSE(problems[0].warning);
  CHECK(problems[1].mark.line == 6);
  CHECK(problems[2].mark.line == 7);
}

}  // namespace
}  // namespace colloquium::components
