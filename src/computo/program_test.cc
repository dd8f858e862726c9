#include "computo/program.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::compiled;
using testing::outcome;
using testing::Text;

// "line:column category path", one a line.
std::string strict_errors(std::string_view script, CompileOptions options = {}) {
  options.strict = true;
  CompileFailure failure;
  const ProgramPtr program = compile_json(script, options, failure);
  CHECK((program == nullptr) == !failure.errors.empty());
  std::string all;
  for (const ScriptError& error : failure.errors) {
    all += std::to_string(error.line) + ":" + std::to_string(error.column) + " " +
           std::string(to_string(error.category)) + " " + error.path + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("text that is no JSON is refused with line and column", "[REQ-047]") {
  CompileFailure failure;
  CHECK(compile_json("[\"+\",\n  1,, 2]", {}, failure) == nullptr);
  REQUIRE(failure.errors.size() == 1);
  CHECK(failure.errors[0].category == Category::kParse);
  CHECK(failure.errors[0].line == 2);
  CHECK(failure.errors[0].column == 5);
  CHECK_FALSE(failure.errors[0].problem.empty());
  CHECK(compile_json("", {}, failure) == nullptr);
  CHECK(failure.errors.size() == 1);
}

TEST_CASE("strict compilation reports everything that can only fail, at once", "[REQ-054]") {
  CHECK(strict_errors(R"(["+", 1, ["if", true, 2, 3]])").empty());
  CHECK(strict_errors("[\"if\", true,\n"
                      "  [\"mpa\", [\"not\"]],\n"
                      "  [\"let\", {\"x\": [\"$\", \"/y\"]},\n"
                      "    [\"map\", 1, [\"lambda\", 5, 1]]]]") ==
        "2:3 unknown_operator /if/then\n"
        "3:17 unknown_variable /if/else/let/bindings/x\n"
        "4:27 lambda /if/else/let/body/map/lambda/0\n");
  CHECK(strict_errors(R"([["car"], ["sort", [1], "up"], ["$input", "x"], ["$", 5], {"array": 1}])") ==
        "1:2 arity /0\n1:25 value /1/sort/1\n1:43 pointer /2/$input/0\n1:55 type /3/$/0\n1:59 type /4\n");
}

TEST_CASE("strict compilation looks into branches that are never taken") {
  CHECK(strict_errors(R"(["if", false, ["nosuch"], 1])") == "1:15 unknown_operator /if/then\n");
  CHECK(strict_errors(R"(["if", 1, 2, ["let", {"f": ["lambda", ["x"], ["nosuch"]]}, 1]])") ==
        "1:46 unknown_operator /if/else/let/bindings/f/lambda/body\n");
  Evaluator evaluator(compiled(R"(["if", false, ["nosuch"], 1])"));
  CHECK(outcome(evaluator) == "1");
}

TEST_CASE("hints are worked out for many errors, not for thousands") {
  std::string script = "[0";
  for (int i = 0; i < 1000; ++i) script += ",[\"mpa\"]";
  CompileOptions options;
  options.strict = true;
  CompileFailure failure;
  CHECK(compile_json(script + "]", options, failure) == nullptr);
  REQUIRE(failure.errors.size() == kMostErrors);
  CHECK(failure.errors.front().hint == "map");
  CHECK(failure.errors.back().hint.empty());
}

TEST_CASE("places count from where the text stands in its file, in characters") {
  CompileOptions options;
  options.first_line = 10;
  options.first_column = 5;
  CHECK(strict_errors("[\"nosuch\"]", options) == "10:5 unknown_operator /\n");
  CHECK(strict_errors("[\"äöü\",\n[\"é\", 1], 2]").starts_with("1:1 unknown_operator /\n"));
  CHECK(strict_errors("[1, \"äöü\", [\"nosuch\"]]", options) == "10:16 unknown_operator /2\n");
}

TEST_CASE("places may be given for a text that was generated") {
  CompileOptions options;
  options.positions = {{0, 3, 4}, {4, 7, 1}, {10, 9, 2}};
  CHECK(strict_errors("[1, [\"x\"],[\"y\"]]", options) == "7:1 unknown_operator /1\n9:2 unknown_operator /2\n");
}

TEST_CASE("messages say place, category, path, finding and suggestion") {
  CompileOptions options;
  options.origin = "a.json";
  const Text input(R"({"n":"x"})");
  Evaluator evaluator(compiled(R"(["+", 1, ["$input", "/n"]])", options));
  REQUIRE_FALSE(evaluator.evaluate(std::vector{input.view()}));
  CHECK(
      evaluator.error().message() ==
      R"(Error at /+/1: expected number, got string "x". Use toNumber to make a number of it; strConcat joins text.)");
  CHECK(
      evaluator.error().describe("a.json") ==
      R"(a.json:1:10: error[type]: Error at /+/1: expected number, got string "x". Use toNumber to make a number )"
      R"(of it; strConcat joins text. Arguments: 1, "x".)");
  CHECK(origin(*compiled("1", options)) == "a.json");
  ScriptError bare{Category::kUnknownOperator, "", "unknown operator \"mpa\"", "map", 0, 0};
  CHECK(bare.describe("") == "error[unknown_operator]: Error at /: unknown operator \"mpa\". Did you mean 'map'?");
}

TEST_CASE("messages show what was found, shortened") {
  const auto problem = [](std::string_view input) {
    const Text text(input);
    Evaluator evaluator(compiled(R"(["car", ["$input"]])"));
    REQUIRE_FALSE(evaluator.evaluate(std::vector{text.view()}));
    return evaluator.error().problem;
  };
  CHECK(problem("1.50") == "expected array, got number 1.50");
  CHECK(problem("true") == "expected array, got boolean true");
  CHECK(problem("null") == "expected array, got null");
  CHECK(problem(R"({"a":1,"b":2})") == "expected array, got object of 2");
  CHECK(problem("\"" + std::string(50, 'x') + "\"") ==
        "expected array, got string \"" + std::string(40, 'x') + "…\"");
  CHECK(problem("\"" + std::string(39, 'x') + "éé\"") ==
        "expected array, got string \"" + std::string(39, 'x') + "…\"");
  const auto built = [](std::string_view script) {
    Evaluator evaluator(compiled(script));
    REQUIRE_FALSE(evaluator.evaluate({}));
    return evaluator.error().problem;
  };
  CHECK(built(R"(["car", ["+", 1, 0.5]])") == "expected array, got number 1.5");
  CHECK(built(R"(["car", ["+", 1]])") == "expected array, got number 1");
  CHECK(built(R"(["car", ["strConcat", "a"]])") == "expected array, got string \"a\"");
  CHECK(built(R"(["keys", ["append", [1]]])") == "expected object, got array of 1");
  CHECK(built(R"(["keys", ["not", 1]])") == "expected object, got boolean false");
  CHECK(built(R"(["car", 18446744073709551615])") == "expected array, got number 18446744073709551615");
}

TEST_CASE("host variables are bound in order, and a program says which it reads") {
  CompileOptions options;
  options.variables = {"event_metadata", "pipeline_config"};
  options.strict = true;
  const Text config(R"({"name": "p", "n": [1, 2]})");
  const json::ValueView view = config.view();
  const std::vector<Binding> bindings = {{nullptr}, {&view}};
  const ProgramPtr program = compiled(
      R"([["$", "/pipeline_config/n/1"], ["map", [0], ["lambda", ["x"], ["$", "/pipeline_config/name"]]]])",
      options);
  CHECK_FALSE(uses_variable(*program, 0));
  CHECK(uses_variable(*program, 1));
  Evaluator evaluator(program);
  REQUIRE(evaluator.evaluate({}, bindings));
  std::vector<char> bytes;
  REQUIRE(evaluator.write(bytes, nullptr));
  CHECK(std::string(bytes.begin(), bytes.end()) == R"([2,["p"]])");
  // A binding that is absent, or not given at all, is null.
  Evaluator absent(compiled(R"(["$", "/event_metadata"])", options));
  REQUIRE(absent.evaluate({}, bindings));
  CHECK(absent.is_null());
  REQUIRE(absent.evaluate({}));
  CHECK(absent.is_null());
  Evaluator shadowed(compiled(R"(["let", {"pipeline_config": 5}, ["$", "/pipeline_config"]])", options));
  REQUIRE(shadowed.evaluate({}, bindings));
  CHECK(shadowed.is_truthy());
  CHECK(strict_errors(R"(["$", "/event_metdata"])", options) == "1:1 unknown_variable /\n");
}

TEST_CASE("the array key can be another one") {
  CompileOptions options;
  options.array_key = "@data";
  Evaluator evaluator(compiled(R"([{"@data": ["+"]}, {"array": [1]}, {"x": {"@data": [1]}}])", options));
  CHECK(outcome(evaluator) == R"([["+"],{"array":[1]},{"x":[1]}])");
}

TEST_CASE("an evaluator is used again after results and errors of any kind") {
  const Text good(R"({"n": 1})");
  const Text bad(R"({"n": []})");
  Evaluator evaluator(compiled(R"(["map", [1, 2], ["lambda", ["x"], ["+", ["$", "/x"], ["$input", "/n"]]]])"));
  for (int i = 0; i < 3; ++i) {
    CHECK(outcome(evaluator, {good.view()}) == "[2,3]");
    CHECK(outcome(evaluator, {bad.view()}) == "type /map/lambda/body/+/1");
    CHECK(outcome(evaluator) == "pointer /map/lambda/body/+/1");
  }
}

TEST_CASE("a result says what it is, and its elements can be written one by one") {
  const Text input(R"([ {"a" : 1}, null, "x" ])");
  for (const char* script : {R"(["$input"])", R"(["append", ["$input"]])"}) {
    INFO(script);
    Evaluator evaluator(compiled(script));
    REQUIRE(evaluator.evaluate(std::vector{input.view()}));
    CHECK(evaluator.is_array());
    CHECK(evaluator.is_truthy());
    CHECK_FALSE(evaluator.is_null());
    REQUIRE(evaluator.array_size() == 3);
    CHECK(evaluator.is_element_null(1));
    const auto element = [&](size_t i) {
      std::vector<char> bytes = {'>'};
      std::vector<TapeToken> tape(1);
      REQUIRE(evaluator.write_element(i, bytes, &tape));
      CHECK(tape[1].offset == 0);
      CHECK(tape[1].next == tape.size() - 1);
      return std::string(bytes.begin(), bytes.end());
    };
    CHECK(element(2) == R"(>"x")");
    CHECK(element(0) == R"(>{"a" : 1})");
    CHECK_FALSE(evaluator.is_element_null(2));
    CHECK(element(1) == ">null");
  }
}

TEST_CASE("views of a document's inside are inputs like whole documents") {
  const Text text(R"({"a": [1, {"b": 2.0}], "c": 3})");
  const json::ValueView inner = *text.view().member("a")->element(1);
  Evaluator evaluator(compiled(R"([["$input"], ["$input", "/b"]])"));
  CHECK(outcome(evaluator, {inner}) == R"([{"b": 2.0},2.0])");
}

}  // namespace colloquium::computo
