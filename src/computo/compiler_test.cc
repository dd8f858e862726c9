// What scripts are compiled to, instruction by instruction (opcodes.h).

#include "computo/compiler.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

constexpr std::string_view kNames[] = {
#define X(name, effect, operands, meaning) #name,
    COMPUTO_INSTRUCTIONS(X)
#undef X
};

// The instructions of one function, each as "Name a", from the front.
std::string listing(const Program& program, size_t function = 0) {
  std::string text;
  for (size_t i = program.functions[function].code; i < program.code.size(); ++i) {
    const Instruction& in = program.code[i];
    text += std::string(kNames[static_cast<size_t>(in.opcode)].substr(1)) + " " + std::to_string(in.a) + "\n";
    if (in.opcode == Opcode::kReturn) break;
  }
  return text;
}

std::string listing(std::string_view script, size_t function = 0) {
  return listing(*testing::compiled(script), function);
}

std::string constant(std::string_view script) {
  const ProgramPtr program = testing::compiled(script);
  REQUIRE(program->code.size() == 2);
  Evaluator evaluator(program);
  return testing::outcome(evaluator);
}

}  // namespace

TEST_CASE("a projection is look-ups and one record") {
  CHECK(listing(R"(["obj", "b", ["$input", "/x/y"], "a", ["$input"], "b", ["$input", "/z"]])") ==
        "Input 0\nInput 4294967295\nInput 1\nRecord 0\nReturn 0\n");
  const ProgramPtr program =
      testing::compiled(R"(["obj", "b", ["$input", "/x/y"], "a", ["$input"], "b", ["$input", "/z"]])");
  REQUIRE(program->shapes.size() == 1);
  CHECK(program->shapes[0].values == 3);
  CHECK(program->shapes[0].order == std::vector<uint32_t>{1, 2});
  CHECK(std::string_view(program->shapes[0].keys[0].rendered, program->shapes[0].keys[0].rendered_size) ==
        "\"a\":");
  CHECK(program->pointers.size() == 2);
  CHECK(program->pointers[0].size() == 2);
}

TEST_CASE("literals become constants, however deep, unless they can fail") {
  CHECK(constant(R"([1, [2, {"b": 1, "a": [{"array": [3]}]}], {"array": [["+", 1, 2]]}])") ==
        R"([1,[2,{"a":[[3]],"b":1}],[["+",1,2]]])");
  CHECK(listing(R"([1, {"array": 5}])") == "Const 0\nRaise 0\nList 2\nReturn 0\n");
  CHECK(listing(R"([1, ["$input"], [2, 3]])") == "Const 0\nInput 4294967295\nConst 1\nList 3\nReturn 0\n");
}

TEST_CASE("arithmetic on constants is done ahead, but no error is") {
  CHECK(constant(R"(["+", 1, 2, 3.5])") == "6.5");
  CHECK(constant(R"(["/", ["*", 6, 7], ["-", 5, 3]])") == "21");
  CHECK(listing(R"(["/", 1, 0])") == "Const 0\nConst 1\nDivide 0\nReturn 0\n");
  CHECK(listing(R"(["+", 1, "x"])") == "Const 0\nConst 1\nAdd 0\nReturn 0\n");
  CHECK(listing(R"(["+", "x", 1])") == "Const 0\nNumber 0\nConst 1\nAdd 0\nReturn 0\n");
  CHECK(listing(R"(["+", ["$input"], 1, 2])") ==
        "Input 4294967295\nNumber 0\nConst 0\nAdd 0\nConst 1\nAdd 0\nReturn 0\n");
}

TEST_CASE("a known condition leaves one branch") {
  CHECK(listing(R"(["if", true, ["$input"], ["nosuch"]])") == "Input 4294967295\nReturn 0\n");
  CHECK(listing(R"(["if", [], 1, ["$input"]])") == "Input 4294967295\nReturn 0\n");
  CHECK(listing(R"(["if", {"a": 0}, 1, 2])") == "Const 1\nReturn 0\n");
  // The condition ends in a constant without being one.
  CHECK(listing(R"(["if", ["if", ["$input"], 1, 0], 2, 3])") ==
        "Input 4294967295\nJumpIfFalsy 4\nConst 0\nJump 5\nConst 1\nJumpIfFalsy 8\nConst 2\nJump 9\nConst "
        "3\nReturn 0\n");
}

TEST_CASE("names are slots and let removes its own") {
  CHECK(listing(R"(["let", [["a", 1], ["b", ["$", "/a"]]], [["$", "/b"], ["$", "/a/x"]]])") ==
        "Const 0\nLocal 0\nLocal 1\nLocal 0\nList 2\nSlide 2\nReturn 0\n");
  CHECK(listing(R"([0, ["let", {"a": 1}, ["$", "/a"]]])") ==
        "Const 0\nConst 1\nLocal 1\nSlide 1\nList 2\nReturn 0\n");
  CHECK(listing(R"(["let", {}, 1])") == "Const 0\nReturn 0\n");
}

TEST_CASE("only a name that a function sees early has a cell") {
  CHECK(listing(R"(["let", [["f", ["lambda", ["x"], ["$", "/x"]]], ["k", 1]], 2])") ==
        "Unbound 0\nUnbound 0\nClosure 1\nBind 0\nConst 0\nBind 1\nConst 1\nSlide 2\nReturn 0\n");
  CHECK(listing(R"(["let", [["f", ["lambda", ["x"], ["$", "/k"]]], ["k", 1]], 2])") ==
        "Unbound 0\nCell 0\nClosure 1\nBind 0\nConst 0\nBind 1\nConst 1\nSlide 2\nReturn 0\n");
  CHECK(listing(R"(["let", [["k", 1], ["f", ["lambda", ["x"], [["$", "/k"], ["$", "/f"]]]]], 2])") ==
        "Unbound 0\nCell 0\nConst 0\nBind 0\nClosure 1\nBind 1\nConst 1\nSlide 2\nReturn 0\n");
}

TEST_CASE("a function takes along each value it needs once, through all functions between") {
  const ProgramPtr program = testing::compiled(
      R"(["let", {"a": 1}, ["lambda", ["p"], ["lambda", ["q"], [["$", "/a"], ["$", "/p"], ["$", "/a"], ["$", "/q"]]]]])");
  REQUIRE(program->functions.size() == 3);
  CHECK(listing(*program, 2) == "Capture 0\nCapture 1\nCapture 0\nLocal 0\nList 4\nReturn 0\n");
  REQUIRE(program->functions[2].captures.size() == 2);
  CHECK_FALSE(program->functions[2].captures[0].local);
  CHECK(program->functions[2].captures[1].local);
  REQUIRE(program->functions[1].captures.size() == 1);
  CHECK(program->functions[1].captures[0].local);
  CHECK(program->functions[1].captures[0].index == 0);
}

TEST_CASE("a function knows how high its stack gets") {
  CHECK(testing::compiled("[0, [1, [2, [\"$input\"]]]]")->functions[0].height == 5);
  CHECK(testing::compiled("[\"+\", [\"$input\"], [\"+\", [\"$input\"], [\"$input\"]]]")->functions[0].height == 4);
  CHECK(testing::compiled("[\"map\", [1], [\"lambda\", [\"a\"], [\"$\", \"/a\"]]]")->functions[1].height == 3);
}

TEST_CASE("comparisons of several values stop with a jump") {
  CHECK(listing(R"(["<", 1, ["$input"], 3])") ==
        "Const 0\nInput 4294967295\nCompareNext 5\nConst 1\nCompare 0\nReturn 0\n");
  CHECK(listing(R"(["==", 1, ["$input"], 3])") ==
        "Const 0\nInput 4294967295\nEqualNext 5\nConst 1\nEqual 0\nReturn 0\n");
  CHECK(listing(R"(["and", ["$input"], 2])") == "Input 4294967295\nAnd 4\nConst 0\nTruth 0\nReturn 0\n");
}

TEST_CASE("errors known ahead are raised where they stand") {
  const ProgramPtr program = testing::compiled(R"([1, ["mpa"], ["not"], ["$", "x"]])");
  CHECK(listing(*program) == "Const 0\nRaise 0\nRaise 1\nRaise 2\nList 4\nReturn 0\n");
  REQUIRE(program->raises.size() == 3);
  CHECK(program->raises[0].category == Category::kUnknownOperator);
  CHECK(program->raises[0].hint == "map");
  CHECK(program->raises[1].category == Category::kArity);
  CHECK(program->raises[1].problem == "expected 1 argument for \"not\", got 0");
  CHECK(program->raises[2].category == Category::kPointer);
  CHECK(program->raises[2].argument == 0);
}

TEST_CASE("messages about the number of arguments say what is expected") {
  const auto problem = [](std::string_view script) { return testing::compiled(script)->raises.at(0).problem; };
  CHECK(problem(R"(["if", 1])") == "expected 3 arguments for \"if\", got 1");
  CHECK(problem(R"(["+"])") == "expected 1 or more arguments for \"+\", got 0");
  CHECK(problem(R"(["uniqueSorted"])") == "expected 1 to 3 arguments for \"uniqueSorted\", got 0");
  CHECK(problem(R"(["obj", "a"])") == "expected an even number of arguments for \"obj\", got 1");
}

}  // namespace colloquium::computo
