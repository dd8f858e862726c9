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

  const auto program =
      compile_expression(list({string("+", 4, 6), number("1", 5, 3), string("x", 6, 3)}, 4, 5), {});
  REQUIRE(program);
  Evaluator evaluator(*program);
  REQUIRE_FALSE(evaluator.evaluate({}));
  CHECK(evaluator.error().line == 6);
  CHECK(evaluator.error().column == 3);
}

TEST_CASE("a string is a string, and sugar is refused") {
  const auto text = compile_expression(string("plain = text"), {});
  REQUIRE(text);
  Evaluator evaluator(*text);
  CHECK(testing::outcome(evaluator) == R"("plain = text")");
  const auto sugar = compile_expression(string("= $input/a > 1", 7, 9), {});
  REQUIRE_FALSE(sugar);
  CHECK(sugar.error().context == "p.yaml:7:9");
  CHECK_THAT(sugar.error().message, Catch::Contains("sugar") && Catch::Contains("JSON form"));
  CHECK(compile_expression(list({string("strConcat"), string("= a")}), {}));
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
}

}  // namespace colloquium::computo
