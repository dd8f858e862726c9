// What a strict compilation says of expressions that are certain to fail, and that it says nothing of any other.

#include "computo/foresight.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "computo/testing.h"
#include "tests/sanitized.h"

namespace colloquium::computo {
namespace {

CompileFailure strictly(std::string_view script) {
  CompileOptions options;
  options.strict = true;
  options.variables = {"event"};
  CompileFailure failure;
  const bool refused = compile_json(script, options, failure) == nullptr;
  CHECK(refused == !failure.errors.empty());
  return failure;
}

// "division_by_zero /~1 1:1 …" of the only problem, "" if there is none.
std::string said(std::string_view script) {
  INFO(script);
  const CompileFailure failure = strictly(script);
  if (failure.errors.empty()) return "";
  CHECK(failure.errors.size() == 1);
  const ScriptError& error = failure.errors.front();
  constexpr std::string_view kReached = "fails whenever this is reached: ";
  CHECK(error.problem.substr(0, kReached.size()) == kReached);
  return std::string(to_string(error.category)) + " " + error.path + " " + std::to_string(error.column) + " " +
         error.problem.substr(std::min(kReached.size(), error.problem.size()));
}

}  // namespace

TEST_CASE("a constant expression that can only fail is a problem of the strict compilation") {
  CHECK(said(R"(["/",1,0])") == "division_by_zero /~1/1 8 division by zero");
  CHECK(said(R"(["+",1,["-","a"]])") == "type /+/1/-/0 13 expected number, got string \"a\"");
  CHECK(said(R"(["map",5,["lambda",["x"],["$","/x"]]])") == "type /map/0 8 expected array, got number 5");
  CHECK(said(R"(["obj","k",["car",[]]])") ==
        "empty_array /obj/1/car/0 19 expected an array with elements, got []");
  CHECK(said(R"(["toNumber",["join",{"array":["a","b"]},"-"]])").substr(0, 15) == "value /toNumber");
  CHECK(said(R"(["let",[["x",0]],["+",1,["/",8,["$","/x"]]]])") ==
        "division_by_zero /let/body/+/1/~1/1 32 division by zero");
}

TEST_CASE("an operand that is refused whatever the others are is a problem") {
  CHECK(said(R"(["+",["$input"],"a"])") == "type /+/1 17 expected number, got string \"a\"");
  CHECK(said(R"(["/",["$input"],2,0])") == "division_by_zero /~1/2 19 division by zero");
  CHECK(said(R"(["<",["$input"],"a"])") == "type /</1 17 expected number, got string \"a\"");
  CHECK(said(R"(["reduce",5,["lambda",["a","b"],1],["$input"]])") ==
        "type /reduce/0 11 expected array, got number 5");
  CHECK(said(R"(["merge",["$input"],[1]])") == "type /merge/1 21 expected object, got array of 1");
  CHECK(said(R"(["chunk",["$input"],"two"])") == "type /chunk/1 21 expected integer, got string \"two\"");
  CHECK(said(R"(["sort",{"a":1},"asc"])") == "type /sort/0 9 expected array, got object of 1");
}

TEST_CASE("a function with the wrong number of parameters for its operator is a problem") {
  const std::string wrong = "expected a function of 1 parameter, got one of 2";
  CHECK(said(R"(["map",["$input"],["lambda",["x","y"],1]])") == "lambda /map/lambda 19 " + wrong);
  CHECK(said(R"(["let",[["f",["lambda",["x","y"],1]]],["filter",["$input"],["$","/f"]]])") ==
        "lambda /let/body/filter/1 60 " + wrong);
  CHECK(said(R"(["update",["$input"],"/a",["lambda",["x","y"],1]])") == "lambda /update/2 27 " + wrong);
  CHECK(said(R"(["try",["$input","/a"],["lambda",["x","y"],1]])") == "lambda /try/1 24 " + wrong);
  CHECK(said(R"(["reduce",["$input"],["lambda",["x"],1],0])") ==
        "lambda /reduce/lambda 22 expected a function of 2 parameters, got one of 1");
  CHECK(said(R"(["zipWith",["$input"],[1],["lambda",["x"],1]])") ==
        "lambda /zipWith/2 27 expected a function of 2 parameters, got one of 1");
  CHECK(said(R"(["call",["lambda",["x"],1],["$input"],2])") ==
        "lambda /call/0 9 expected a function of 2 parameters, got one of 1");
  CHECK(said(R"(["every",["$input"],7])") == "lambda /every/1 21 expected function, got number 7");
}

TEST_CASE("what may never be evaluated, or is caught, is no problem") {
  for (const std::string_view script : {
           R"(["try",["/",1,0],2])",
           R"(["try",["map",[1],["lambda",["x"],["/",1,0]]],2])",
           R"(["try",5,["/",1,0]])",
           R"(["try",["map",[1],["lambda",["x","y"],1]]])",
           R"(["let",[["f",["lambda",["x"],["/",1,0]]]],["try",["call",["$","/f"],["$input"]]]])",
           R"(["if",false,["/",1,0],2])",
           R"(["if",["<",1,2],1,["/",1,0]])",
           R"(["if",["count",[]],["/",1,0],3])",
           R"(["and",["$input"],0,["/",1,0]])",
           R"(["or",["==",1,1],["/",1,0]])",
           R"(["coalesce",["$input"],3,["/",1,0]])",
           R"(["get",{"a":1},"/a",["/",1,0]])",
           R"(["get",["$input"],"",["/",1,0]])",
           R"(["match",5,6,["/",1,0],5,"x"])",
           R"(["match",["$input"],6,"y",5,"x"])",
           R"(["<",2,1,"x"])",
           R"(["<",["$input"],1,"x"])",
           R"(["==",1,["$input"],["/",1,0]])",
           R"(["error","stop"])",
           R"(["map",["$input"],["lambda",["x"],["if",["$","/x"],["error","no"],1]]])",
           R"(["let",[["f",["lambda",["n"],["call",["$","/f"],["$","/n"]]]]],["call",["$","/f"],1]])",
           R"(["count",["range",1000000]])",
           R"(["car",["try",["$input","/a"],{"array":[1]}]])",
           R"(["car",["try",["$input","/a"],[]]])",
           R"(["+",1,["coalesce",["$","/event"],2]])",
           R"(["let",[["f",["lambda",["x","y"],1]],["f",["lambda",["x"],1]]],["map",["$input"],["$","/f"]]])",
           R"(["let",[["f",["lambda",["x","y"],1]]],["let",[["f",["$input"]]],["map",["$input"],["$","/f"]]]])",
       }) {
    CHECK(said(script) == "");
  }
}

TEST_CASE("of nested expressions that fail the innermost is told, and each once") {
  const CompileFailure failure = strictly(R"(["obj","a",["+",1,["car",["/",1,0]]],"b",["%",3,0]])");
  REQUIRE(failure.errors.size() == 2);
  CHECK(failure.errors[0].path == "/obj/1/+/1/car/0/~1/1");
  CHECK(failure.errors[1].path == "/obj/3/%/1");
}

TEST_CASE("a loose compilation refuses nothing of it") {
  CHECK(testing::outcome(R"(["if",["$input"],["/",1,0],["map",5,["lambda",[],1]]])", "1") ==
        "division_by_zero /if/then/~1/1");
}

TEST_CASE("a script that is nested deeply is looked at within bounds") {
  const std::string script = testing::nested(900 / kSlower, R"(["+",1,)", "1", "]");
  CHECK(strictly(script).errors.empty());
  const std::string wide = "[" + testing::nested(2000 / kSlower, R"(["car",[1]],)", "1", "") + "]";
  CHECK(strictly(wide).errors.empty());
}

}  // namespace colloquium::computo
