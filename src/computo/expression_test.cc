#include "computo/expression.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

const auto kFile = std::make_shared<const std::string>("p.yaml");

ConfigNode scalar(ConfigNode::Kind kind, std::string text, int line, int column) {
  ConfigNode node;
  node.kind = kind;
  node.text = std::move(text);
  node.mark = {kFile, line, column};
  return node;
}

ConfigNode string(std::string text, int line = 1, int column = 1) {
  return scalar(ConfigNode::Kind::kString, std::move(text), line, column);
}

ConfigNode number(std::string text, int line = 1, int column = 1) {
  return scalar(text.find('.') == std::string::npos ? ConfigNode::Kind::kInteger : ConfigNode::Kind::kDouble, text,
                line, column);
}

ConfigNode list(std::vector<ConfigNode> items, int line = 1, int column = 1) {
  ConfigNode node = scalar(ConfigNode::Kind::kList, "", line, column);
  node.items = std::move(items);
  return node;
}

}  // namespace

TEST_CASE("a YAML value becomes the JSON text it means") {
  ConfigNode map = scalar(ConfigNode::Kind::kMap, "", 2, 3);
  ConfigNode truth = scalar(ConfigNode::Kind::kBool, "true", 2, 9);
  truth.boolean = true;
  map.members.push_back({"a\"b", {kFile, 2, 3}, truth});
  map.members.push_back({"n", {kFile, 3, 3}, scalar(ConfigNode::Kind::kNull, "", 3, 6)});
  const ConfigNode node = list({string("obj"), number("123456789012345678901234567890"), number("1.50"), map});
  const ExpressionText text = expression_text(node);
  CHECK(text.json == R"(["obj",123456789012345678901234567890,1.50,{"a\"b":true,"n":null}])");
  CHECK(text.positions.front().byte == 0);
  CHECK(text.positions.back().byte == text.json.size() - 6);
  CHECK(text.positions.back().line == 3);
  ConfigNode made = scalar(ConfigNode::Kind::kInteger, "", 1, 1);
  made.integer = -5;
  CHECK(expression_text(made).json == "-5");
  made.kind = ConfigNode::Kind::kDouble;
  made.number = 2.5;
  CHECK(expression_text(made).json == "2.5");
}

TEST_CASE("an expression compiles with the variables every script has", "[REQ-037]") {
  CHECK(host_variables() == std::vector<std::string>{"event_metadata", "stream_metadata", "pipeline_config"});
  const auto program = compile_expression(list({string("$"), string("/event_metadata/id")}), host_variables());
  REQUIRE(program);
  CHECK(uses_variable(**program, kEventMetadata));
  CHECK_FALSE(uses_variable(**program, 1));
  CHECK(origin(**program) == "p.yaml");
}

TEST_CASE("errors stand where the YAML value stands, while compiling and while running") {
  ConfigProblems problems;
  const ConfigNode wrong =
      list({string("+", 4, 6), list({string("mpa", 5, 4)}, 5, 3), list({string("not", 6, 4)}, 6, 3)}, 4, 5);
  CHECK(compile_expression(wrong, {}, problems) == nullptr);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].mark.line == 5);
  CHECK(problems[0].mark.column == 3);
  CHECK(*problems[0].mark.file == "p.yaml");
  CHECK_THAT(problems[0].message,
             Catch::Contains("unknown_operator: Error at /+/0: ") && Catch::Contains("'map'"));
  CHECK(problems[1].mark.line == 6);
  const auto first = compile_expression(wrong, {});
  REQUIRE_FALSE(first);
  CHECK(first.error().context == "p.yaml:5:3");
  CHECK(first.error().code == ErrorCode::kInvalidConfig);

  const auto program = compile_expression(
      list({string("+", 4, 6), number("1", 5, 3), list({string("$input", 6, 4)}, 6, 3)}, 4, 5), {});
  REQUIRE(program);
  Evaluator evaluator(*program);
  REQUIRE_FALSE(evaluator.evaluate({}));
  CHECK(evaluator.error().line == 6);
  CHECK(evaluator.error().column == 3);
}

TEST_CASE("a string is a string, unless it begins with '='") {
  const auto text = compile_expression(string("plain = text"), {});
  REQUIRE(text);
  Evaluator evaluator(*text);
  CHECK(testing::outcome(evaluator) == R"("plain = text")");
  const auto sugar = compile_expression(string("= strConcat(\"a\", \"=\")"), {});
  REQUIRE(sugar);
  Evaluator of_sugar(*sugar);
  CHECK(testing::outcome(of_sugar) == R"("a=")");
  CHECK(compile_expression(list({string("strConcat"), string("= a")}), {}));
  CHECK(is_sugar(string("= a")));
  CHECK_FALSE(is_sugar(string(" = a")));
  CHECK_FALSE(is_sugar(number("1")));
}

namespace {

// "line:column" of every problem.
std::string places(const ConfigNode& node) {
  ConfigProblems problems;
  compile_expression(node, host_variables(), problems);
  std::string text;
  for (const ConfigProblem& problem : problems) {
    text += std::to_string(problem.mark.line) + ":" + std::to_string(problem.mark.column) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("places in sugar are those of the YAML file") {
  CHECK(places(string("= nosuch(1) + $input", 7, 9)) == "7:11 ");
  CHECK(places(string("= \"\u00e9\" == nosuch(1) or also()", 7, 9)) == "7:18 7:31 ");
  CHECK(places(string("= 1 +", 7, 9)) == "7:14 ");
  ConfigNode quoted = string("= nosuch(1)", 7, 9);
  quoted.quoted = true;
  CHECK(places(quoted) == "7:12 ");
  ConfigNode block = string("=\nlet x = 1\nin\n  nosuch(x) + x/ y\n", 7, 9);
  block.block_column = 5;
  CHECK(places(block) == "11:20 ");
  block.text = "= let\n  x = nosuch()\nin [x, y]";
  CHECK(places(block) == "9:11 10:12 ");
}

TEST_CASE("an error of sugar that runs stands where the expression is") {
  const auto program = compile_expression(string("= 1 + (2 * $input)", 3, 4), {});
  REQUIRE(program);
  Evaluator evaluator(*program);
  REQUIRE_FALSE(evaluator.evaluate({}));
  CHECK(evaluator.error().line == 3);
  CHECK(evaluator.error().column == 15);
  CHECK(evaluator.error().path == "/+/1/*/1");
}

TEST_CASE("a script file's errors stand in that file") {
  ConfigProblems problems;
  CHECK(compile_script("[\"$\",\n \"/nosuch\"]", "dir/a.json", host_variables(), problems) == nullptr);
  REQUIRE(problems.size() == 1);
  CHECK(*problems[0].mark.file == "dir/a.json");
  CHECK(problems[0].mark.line == 1);
  problems.clear();
  const ProgramPtr program =
      compile_script("[\"$\", \"/pipeline_config\"]", "dir/a.json", host_variables(), problems);
  REQUIRE(program != nullptr);
  CHECK(problems.empty());
  CHECK(origin(*program) == "dir/a.json");
  CHECK(compile_script("#!/usr/bin/env computo\n  nosuch()", "dir/a.computo", {}, problems) == nullptr);
  REQUIRE(problems.size() == 1);
  CHECK(*problems[0].mark.file == "dir/a.computo");
  CHECK(problems[0].mark.line == 2);
  CHECK(problems[0].mark.column == 3);
}

}  // namespace colloquium::computo
