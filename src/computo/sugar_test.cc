#include "computo/sugar.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/program.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::nested;
using testing::outcome;

std::string json(std::string_view sugar, const CompileOptions& options = {}) {
  ScriptError error;
  const auto script = read_sugar(sugar, options, error);
  INFO(sugar);
  INFO(error.problem);
  REQUIRE(script);
  return script->json;
}

ProgramPtr compiled(std::string_view sugar, const CompileOptions& options = {}) {
  CompileFailure failure;
  ProgramPtr program = compile_sugar(sugar, options, failure);
  INFO(sugar);
  INFO((failure.errors.empty() ? std::string() : failure.errors.front().message()));
  REQUIRE(program != nullptr);
  return program;
}

std::string value(std::string_view sugar, std::string_view input = "null") {
  const testing::Text text(input);
  Evaluator evaluator(compiled(sugar));
  return outcome(evaluator, {text.view()});
}

// "category line:column" of the first error, while compiling or running.
std::string failure(std::string_view sugar, CompileOptions options = {}) {
  CompileFailure wrong;
  const ProgramPtr program = compile_sugar(sugar, options, wrong);
  ScriptError error;
  if (program == nullptr) {
    error = wrong.errors.front();
  } else {
    Evaluator evaluator(program);
    REQUIRE_FALSE(evaluator.evaluate({}));
    error = evaluator.error();
  }
  return std::string(to_string(error.category)) + " " + std::to_string(error.line) + ":" +
         std::to_string(error.column);
}

}  // namespace

TEST_CASE("every form has the JSON that section 10.4 gives it", "[REQ-031]") {
  CHECK(json("a + b + c") == R"(["+",["$","/a"],["$","/b"],["$","/c"]])");
  CHECK(json("1 + 2 - 3") == R"(["-",["+",1,2],3])");
  CHECK(json("-x") == R"(["-",["$","/x"]])");
  CHECK(json("- -- minus\n 5") == "-5");
  CHECK(json("-(5)") == R"(["-",5])");
  CHECK(json("not x") == R"(["not",["$","/x"]])");
  CHECK(json("$input") == R"(["$input"])");
  CHECK(json("$inputs/0/b") == R"(["$inputs","/0/b"])");
  CHECK(json("(($input))/a/b") == R"(["$input","/a/b"])");
  CHECK(json("((x/a)/b)/c") == R"(["$","/x/a/b/c"])");
  CHECK(json("($input(\"/a b\"))/c") == R"(["$input","/a b/c"])");
  CHECK(json("($inputs())/0") == R"(["$inputs","/0"])");
  CHECK(json("$()") == R"(["$"])");
  CHECK(json("a . b--c\n.c(1)") == R"(["a.b.c",1])");
  CHECK(json(R"("odd \"name\u0021"(x))") == R"(["odd \"name\u0021",["$","/x"]])");
  CHECK(json("(x, y) => x") == R"(["lambda",["x","y"],["$","/x"]])");
  CHECK(json("let a = 1, b = a in b") == R"(["let",[["a",1],["b",["$","/a"]]],["$","/b"]])");
  CHECK(json("let in 1") == R"(["let",[],1])");
  CHECK(json("if a then b else c") == R"(["if",["$","/a"],["$","/b"],["$","/c"]])");
  CHECK(json("1e3") == "1e3");
}

TEST_CASE("lists and objects of constants are literals, others are evaluated") {
  CHECK(json("[1, (2), -3, \"x\", [null], {a: 1}]") == R"({"array":[1,2,-3,"x",{"array":[null]},{"a":1}]})");
  CHECK(json("{a: [1], if: {}}") == R"({"a":{"array":[1]},"if":{}})");
  CHECK(json("[x, [1, 2], [x]]") == R"(["list",["$","/x"],{"array":[1,2]},["list",["$","/x"]]])");
  CHECK(json("{a: x, \"b c\": {d: 1}, e: {f: x}}") ==
        R"(["obj","a",["$","/x"],"b c",{"d":1},"e",["obj","f",["$","/x"]]])");
  CHECK(json("[f()]") == R"(["list",["f"]])");
  CHECK(value("{id: $input/id, tags: [$input/id, 1], kind: \"k\"}", R"({"id":7})") ==
        R"({"id":7,"kind":"k","tags":[7,1]})");
  CHECK(value("{a: {b: [1, 2]}}") == R"({"a":{"b":[1,2]}})");
}

TEST_CASE("the array key is the host's choice") {
  CompileOptions options;
  options.array_key = "@\"d";
  CHECK(json("[[1]]", options) == R"({"@\"d":[{"@\"d":[1]}]})");
  CHECK(json("{array: [1]}", options) == R"({"array":{"@\"d":[1]}})");
  Evaluator evaluator(compiled("[[1], {array: [2]}]", options));
  CHECK(outcome(evaluator) == R"([[1],{"array":[2]}])");
}

TEST_CASE("errors of every kind stand where the author looks", "[REQ-047]") {
  CHECK(failure("1 +\n  * 2") == "syntax 2:3");
  CHECK(failure("\"\xC3\xA9\" + (") == "syntax 1:8");
  CHECK(failure("-- \xC3\xA9\n  car(5)") == "type 2:7");
  CHECK(failure("let\n  x = 1\nin\n  x + nosuch(1)") == "unknown_operator 4:7");
  CHECK(failure("[1, 2, y]") == "unknown_variable 1:8");
  CHECK(failure("{a: 1,\n b: $input/x}") == "pointer 2:5");
  CHECK(failure("map([1],\n  (u) =>\n    u + \"x\")") == "type 3:9");
  CHECK(failure("if true then 1 / 0 else 2") == "division_by_zero 1:18");
  CompileOptions options;
  options.first_line = 10;
  options.first_column = 5;
  CHECK(failure("car(5)", options) == "type 10:9");
  CHECK(failure("1 +\n  2 2", options) == "syntax 11:5");
  options.positions = {{0, 3, 7}, {4, 20, 1}};
  CHECK(failure("1 + nosuch()", options) == "unknown_operator 20:1");
  CHECK(failure("1 + 2 2", options) == "syntax 20:3");
}

TEST_CASE("strict compilation tells all errors, in the order they stand in") {
  CompileOptions options;
  options.strict = true;
  CompileFailure wrong;
  CHECK(compile_sugar("if nosuch(1) then not(1) else y + car()", options, wrong) == nullptr);
  std::string columns;
  for (const ScriptError& error : wrong.errors) columns += std::to_string(error.column) + " ";
  CHECK(columns == "4 31 35 ");
  CHECK(wrong.errors[0].path == "/if/condition");
}

TEST_CASE("of a script with very many errors the first ones are told, in time of its size", "[REQ-035]") {
  CompileOptions options;
  options.strict = true;
  std::string list = "[";
  for (int i = 0; i < 100'000; ++i) list += "foo" + std::to_string(i) + ", ";
  CompileFailure wrong;
  CHECK(compile_sugar(list + "1]", options, wrong) == nullptr);
  REQUIRE(wrong.errors.size() == kMostErrors);
  CHECK(wrong.errors.back().problem.ends_with("; what else there is comes once these are mended"));
}

TEST_CASE("what was left open is named with its place") {
  CompileFailure wrong;
  CompileOptions options;
  options.first_line = 7;
  CHECK(compile_sugar("f(1,\n [2,\n 3", options, wrong) == nullptr);
  CHECK(wrong.errors.front().problem ==
        "expected an operator, ',' or ']', found the end of the script; '[' is at line 8, column 2");
  CHECK(compile_sugar("1 + if a", options, wrong) == nullptr);
  CHECK(wrong.errors.front().problem ==
        "expected an operator or 'then', found the end of the script; 'if' is at line 7, column 5");
}

TEST_CASE("the depth that sugar allows can be compiled and run", "[REQ-035]") {
  CHECK(outcome(*std::make_unique<Evaluator>(compiled(nested(1024, "[", "1", "]")))).size() == 2049);
  CHECK(value(nested(1000, "let x = ", "7", " in x")) == "7");
  CHECK(value(nested(1000, "if false then 1 else ", "2", "")) == "2");
  CHECK(value(nested(1000, "(1 + ", "0", ")")) == "1000");
  CHECK(failure(nested(1025, "[", "1", "]")) == "limit 1:1025");
  CHECK(failure(nested(1'000'000, "(", "1", ")")) == "limit 1:1025");
}

TEST_CASE("a long script is compiled, or refused, in time and memory of its size", "[REQ-035]") {
  std::string sum = "0";
  while (sum.size() < 1'000'000) sum += " + 1";
  CHECK(compiled(sum) != nullptr);
  std::string bindings = "let ";
  for (int i = 0; i < 20'000; ++i) bindings += "x" + std::to_string(i) + " = [" + std::to_string(i) + "]\n";
  CHECK(value(bindings + "in x77") == "[77]");
  std::string mixed = "1";
  while (mixed.size() < 10'000'000) mixed += " + 1 - 1";
  CHECK(failure(mixed).starts_with("limit "));
  CHECK(failure(std::string(10'000'000, '(')) == "limit 1:1025");
  CHECK(failure(std::string(10'000'000, '[')) == "limit 1:1025");
  CHECK(failure(nested(3'000'000, "(a,", "", "")).starts_with("syntax "));
}

TEST_CASE("a script is read in the notation that its file's name or the text itself tells") {
  const auto compiles = [](std::string_view text, std::string origin) {
    CompileOptions options;
    options.origin = std::move(origin);
    CompileFailure wrong;
    const ProgramPtr program = compile_source(text, options, wrong);
    if (program == nullptr) return std::string(to_string(wrong.errors.front().category));
    Evaluator evaluator(program);
    return outcome(evaluator);
  };
  CHECK(compiles("[\"+\", 1, 2]", "a.json") == "3");
  CHECK(compiles("[\"+\", 1, 2]", "a.computo") == R"(["+",1,2])");
  CHECK(compiles("[\"+\", 1, 2]", "a") == "3");
  CHECK(compiles("1 + 2", "") == "3");
  CHECK(compiles("true", "") == "true");
  CHECK(compiles("true and 1", "") == "true");
  CHECK(compiles("1 + 2", "a.json") == "parse");
  CHECK(compiles("  [\"+\", 1, 2,]", "") == R"(["+",1,2])");
  CHECK(compiles("{a: 1}", "") == R"({"a":1})");
  CHECK(compiles("= {a: 1}", "") == R"({"a":1})");
  CHECK(compiles("= [\"+\", 1, 2]", "") == R"(["+",1,2])");
  CHECK(compiles("= 1", "a.json") == "parse");
  CHECK(compiles("\xEF\xBB\xBF[\"+\", 1, 2]", "a.json") == "3");
  CHECK(compiles("\xEF\xBB\xBF"
                 "1 + 2",
                 "a.computo") == "3");
  CHECK(compiles("{a: 1}", "a.computo") == R"({"a":1})");
  CHECK(compiles("1 +", "") == "syntax");
  CHECK(compiles("", "") == "syntax");
  CHECK(compiles(nested(1025, "[", "", "]"), "") == "limit");
}

}  // namespace colloquium::computo
