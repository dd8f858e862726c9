#include "config/problems.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/testing/components.h"

namespace colloquium::config {
namespace {

ConfigProblem at(const char* file, int line, int column, std::string message) {
  return {{std::make_shared<const std::string>(file), line, column}, std::move(message), false};
}

}  // namespace

TEST_CASE("what stands at a node is told with its value, or by its kind where it is long") {
  const std::pair<const char*, const char*> cases[] = {
      {"four", "found the string 'four'"}, {"'4'", "found the string '4'"}, {"4", "found the number 4"},
      {"4.50", "found the number 4.50"},   {"true", "found true"},          {"false", "found false"},
      {"null", "found nothing"},           {"[1]", "found a list"},         {"{a: 1}", "found a map"},
      {"1e999", "found the number 1e999"}, {"''", "found the string ''"},
  };
  for (const auto& [text, told] : cases) {
    INFO(text);
    CHECK(found(testing::node_of(text)) == told);
  }
}

TEST_CASE("the value of a secret is not told, only its kind") {
  CHECK(found(testing::node_of("hunter2"), true) == "found a string");
  CHECK(found(testing::node_of("12345"), true) == "found a number");
  ConfigNode node = testing::node_of("hunter2");
  node.secret = true;
  CHECK(found(node) == "found a string");
}

TEST_CASE("every kind of node has a name for messages") {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "nothing"}, {"true", "a boolean"}, {"1", "an integer"}, {"1.5", "a number"},
      {"x", "a string"},   {"[]", "a list"},      {"{}", "a map"},
  };
  for (const auto& [text, name] : cases) CHECK(testing::node_of(text).kind_name() == name);
}

TEST_CASE("alternatives are listed as one says them") {
  CHECK(alternatives({}) == "");
  CHECK(alternatives(std::vector<std::string>{"a"}) == "a");
  CHECK(alternatives(std::vector<std::string>{"a", "b"}) == "a or b");
  CHECK(alternatives(std::vector<std::string>{"a", "b", "c"}) == "a, b or c");
}

TEST_CASE("a suggestion is made where a name is near, and none where it is not") {
  const std::vector<std::string> names = {"compression", "partitions", "ack"};
  CHECK(suggestion("compresion", names) == "; did you mean 'compression'?");
  CHECK(suggestion("ak", names) == "; did you mean 'ack'?");
  CHECK(suggestion("retention", names) == "");
  CHECK(suggestion("", names) == "");
  CHECK(suggestion("ack", {}) == "");
}

TEST_CASE("paths are joined by dots and begin at the top") {
  CHECK(join_path("", "log") == "log");
  CHECK(join_path("log", "partitions") == "log.partitions");
  CHECK(join_path("sinks[0]", "when") == "sinks[0].when");
}

TEST_CASE("text from outside is shown cut and without control characters") {
  CHECK(quoted("plain") == "'plain'");
  CHECK(quoted("") == "''");
  CHECK(quoted("a\nb\x1b[31m") == "'a\\nb\\x1b[31m'");
  CHECK(quoted("\x7f\t") == "'\\x7f\\x09'");
  CHECK(quoted(std::string(60, 'x')) == "'" + std::string(60, 'x') + "'");
  CHECK(quoted(std::string(61, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(quoted(std::string(59, 'x') + "é") == "'" + std::string(59, 'x') + "…'");
}

TEST_CASE("a place is told as file, line and column as far as they are known") {
  CHECK(ConfigMark{}.describe() == "");
  CHECK((ConfigMark{nullptr, 3, 4}).describe() == "3:4");
  CHECK((ConfigMark{std::make_shared<const std::string>("--listen"), 0, 0}).describe() == "--listen");
  CHECK((ConfigProblem{{}, "no", false}).describe() == "error: no");
  CHECK((ConfigProblem{{std::make_shared<const std::string>("a"), 1, 2}, "no", true}).describe() ==
        "a:1:2: warning: no");
}

TEST_CASE("problems are put in the order of the files and of the lines in them") {
  ConfigProblems problems = {at("b", 2, 1, "1"), at("a", 9, 1, "2"), at("b", 1, 7, "3"), at("a", 3, 3, "4"),
                             at("b", 1, 2, "5")};
  sort_problems(problems);
  std::string order;
  for (const ConfigProblem& problem : problems) order += problem.message;
  CHECK(order == "53142");
}

TEST_CASE("problems of one place stay in the order of their finding") {
  ConfigProblems problems = {at("a", 2, 1, "x"), at("a", 1, 1, "second"), at("a", 1, 1, "first")};
  sort_problems(problems);
  CHECK(describe(problems) == "a:1:1: error: second\na:1:1: error: first\na:2:1: error: x\n");
}

TEST_CASE("warnings alone are no errors") {
  ConfigProblems problems;
  CHECK_FALSE(has_errors(problems));
  add_warning(problems, {}, "careful");
  CHECK_FALSE(has_errors(problems));
  add_error(problems, {}, "no");
  CHECK(has_errors(problems));
  CHECK(describe(problems) == "warning: careful\nerror: no\n");
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
  refuse(node, "path", "first", problems);
  refuse(node, "url", "second", problems);
  refuse(path, "path", "third", problems);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].mark.line == 7);
  CHECK(problems[0].mark.column == 9);
  CHECK(problems[0].message == "first");
  CHECK_FALSE(problems[0].warning);
  CHECK(problems[1].mark.line == 6);
  CHECK(problems[2].mark.line == 7);
}

}  // namespace colloquium::config
