#include "computo/sugar_writer.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/convert.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

std::string written(std::string_view script, std::string_view array_key = "array") {
  const testing::Text text(script);
  std::string out;
  Unrepresentable error;
  INFO(script);
  if (write_sugar(text.view(), array_key, out, error)) return out;
  CHECK_FALSE(error.problem.empty());
  return "unrepresentable " + std::to_string(error.token);
}

}  // namespace

TEST_CASE("operators stand between their operands, in parentheses where the grammar needs them") {
  CHECK(written(R"(["+",1,["*",2,3],4])") == "1 + 2 * 3 + 4");
  CHECK(written(R"(["-",["-",1,2],["-",3,4]])") == "(1 - 2) - (3 - 4)");
  CHECK(written(R"(["+",["-",1,2],3])") == "1 - 2 + 3");
  CHECK(written(R"(["*",["+",1,2],["%",3,4]])") == "(1 + 2) * (3 % 4)");
  CHECK(written(R"(["<",["<=",1,2],["==",3,4]])") == "1 <= 2 < (3 == 4)");
  CHECK(written(R"(["or",["and",1,2],["or",3,4]])") == "1 and 2 or (3 or 4)");
  CHECK(written(R"(["and",["not",1],["==",["not",2],3]])") == "not 1 and (not 2) == 3");
  CHECK(written(R"(["not",["not",["or",1,2]]])") == "not not (1 or 2)");
  CHECK(written(R"(["not",["if",1,2,3]])") == "not (if 1 then 2 else 3)");
}

TEST_CASE("a minus keeps its distance from numbers, products and itself") {
  CHECK(written(R"(["-",5])") == "-(5)");
  CHECK(written(R"(["-",-5])") == "-(-5)");
  CHECK(written(R"(["-",["-",["$","/x"]]])") == "-(-x)");
  CHECK(written(R"(["*",["-",["f"]],-2])") == "(-f()) * -2");
  CHECK(written(R"(["+",["-",["f"]],["-",["f"]]])") == "-f() + -f()");
  CHECK(written(R"(["-",["+",1,2]])") == "-(1 + 2)");
}

TEST_CASE("forms without a notation of their own are calls, quoted if their names must be") {
  CHECK(written(R"(["f",1,["a.b"]])") == "f(1, a.b())");
  CHECK(written(R"(["+"])") == R"("+"())");
  CHECK(written(R"(["/",4])") == R"("/"(4))");
  CHECK(written(R"(["not",1,2])") == R"("not"(1, 2))");
  CHECK(written(R"(["if",1,2])") == R"("if"(1, 2))");
  CHECK(written(R"(["a-b"])") == R"("a-b"())");
  CHECK(written(R"(["a.if"])") == R"("a.if"())");
  CHECK(written(R"(["a..b"])") == R"("a..b"())");
  CHECK(written(R"([""])") == R"(""())");
  CHECK(written(R"(["let"])") == R"("let"())");
}

TEST_CASE("pointers of simple segments are paths, others are quoted") {
  CHECK(written(R"(["$","/x/a_1/0"])") == "x/a_1/0");
  CHECK(written(R"(["$","/if"])") == R"($("/if"))");
  CHECK(written(R"(["$","/x/if"])") == "x/if");
  CHECK(written(R"(["$","/0"])") == R"($("/0"))");
  CHECK(written(R"(["$","/x//a"])") == R"($("/x//a"))");
  CHECK(written(R"(["$","/x/"])") == R"($("/x/"))");
  CHECK(written(R"(["$","x"])") == R"($("x"))");
  CHECK(written(R"(["$"])") == R"("$"())");
  CHECK(written(R"(["$",1])") == R"("$"(1))");
  CHECK(written(R"(["$input"])") == "$input");
  CHECK(written(R"(["$input","/if/0"])") == "$input/if/0");
  CHECK(written(R"(["$input",""])") == R"($input(""))");
  CHECK(written(R"(["$inputs","/a b"])") == R"($inputs("/a b"))");
  CHECK(written(R"(["$inputs","/a","/b"])") == R"("$inputs"("/a", "/b"))");
}

TEST_CASE("literals are written in one way whatever they looked like") {
  CHECK(written(R"({"b":1,"a":2,"b":3})") == "{a: 2, b: 3}");
  CHECK(written(R"({"if":1,"b c":2,"":3,"\u00e9":4})") == "{\"\": 3, \"b c\": 2, if: 1, \"\xC3\xA9\": 4}");
  CHECK(written(R"([1,[2],{"array":[3]},["$"]])").starts_with("unrepresentable"));
  CHECK(written(R"([1,[2],{"array":["$",3]}])") == R"([1, [2], ["$", 3]])");
  CHECK(written(R"({"a":["+",1,2]})") == R"({a: ["+", 1, 2]})");
  CHECK(written(R"({"a":{"array":5}})") == "{a: {array: 5}}");
  CHECK(written(R"({"array":5})") == "{array: 5}");
  CHECK(written(R"({"array":{"array":[1]}})") == "{array: [1]}");
  CHECK(written(R"({"array":[1]})", "@") == "{array: [1]}");
  CHECK(written(R"({"@":[1]})", "@") == "[1]");
  CHECK(written("[]") == "[]");
  CHECK(written(R"([1.50,1e3,-0.0,1e21,18446744073709551615,5e-324])") ==
        "[1.5, 1000, 0, 1e+21, 18446744073709551615, 5e-324]");
  CHECK(written(R"("\u0001\/\n\ud83d\ude00")") == "\"\\u0001/\\n\xF0\x9F\x98\x80\"");
}

TEST_CASE("numbers that sugar makes integers of are told, with the place of the first") {
  const LostFractions lost =
      lost_fractions("[\"+\", 1.5, [\"-\", 1],\n  -0.0, 1e3, 1e21, 5, 99999999999999999999]", {});
  CHECK(lost.count == 2);
  CHECK(lost.first == "-0.0");
  CHECK(lost.line == 2);
  CHECK(lost.column == 3);
  CHECK(lost_fractions("[1, 0.5, 1e-7, {\"1.0\": 2}]", {}).count == 0);
  CHECK(lost_fractions("[1.0", {}).count == 0);
}

TEST_CASE("evaluated lists and objects are written as such where sugar reads them so") {
  CHECK(written(R"(["list",["f"],1])") == "[f(), 1]");
  CHECK(written(R"(["list",1,2])") == "list(1, 2)");
  CHECK(written(R"(["list"])") == "list()");
  CHECK(written(R"(["obj","b",["f"],"a",1,"b",2])") == "{b: f(), a: 1, b: 2}");
  CHECK(written(R"(["obj","a",1])") == R"(obj("a", 1))");
  CHECK(written(R"(["obj",["f"],["f"]])") == "obj(f(), f())");
  CHECK(written(R"(["obj","a",["f"],"b"])") == R"(obj("a", f(), "b"))");
  CHECK(written(R"(["list",["list",1],["list",["f"]]])") == "[list(1), [f()]]");
}

TEST_CASE("let stands on lines, indented by its level") {
  CHECK(written(R"(["let",{"b":1,"a":["let",[["c",2]],["$","/c"]]},["f",["let",[],3]]])") ==
        "let\n  a = let\n    c = 2\n  in\n    c\n  b = 1\nin\n  f(let\n  in\n    3)");
  CHECK(written(R"(["+",1,["let",[["x",1]],2]])") == "1 + (let\n  x = 1\nin\n  2)");
  CHECK(written(R"(["lambda",["x"],["lambda",[],1]])") == "(x) => () => 1");
}

TEST_CASE("what has no sugar form is named") {
  CHECK(written(R"(["lambda",["a b"],1])") == "unrepresentable 3");
  CHECK(written(R"(["lambda",["if"],1])") == "unrepresentable 3");
  CHECK(written(R"(["lambda",5,1])") == "unrepresentable 0");
  CHECK(written(R"(["let",[["x",1,2]],1])") == "unrepresentable 3");
  CHECK(written(R"(["let",{"a b":1},1])") == "unrepresentable 3");
  CHECK(written(R"(["let",5,1])") == "unrepresentable 2");
  CHECK(written(R"(["f",[["g"],1]])") == "unrepresentable 2");
}

TEST_CASE("a conversion that fails says where in the text, and why") {
  ScriptError error;
  CHECK_FALSE(to_sugar("[\"f\",\n  [[\"g\"], 1]]", {}, error));
  CHECK(error.category == Category::kUnrepresentable);
  CHECK(error.line == 2);
  CHECK(error.column == 3);
  CHECK(error.path == "/f/0");
  CHECK_FALSE(to_sugar("[1,", {}, error));
  CHECK(error.category == Category::kParse);
  CHECK_FALSE(to_json("1 +", {}, error));
  CHECK(error.category == Category::kSyntax);
  CHECK(to_json("1 + 2", {}, error).value_or("") == R"(["+",1,2])");
  CHECK(to_sugar(R"(["+",1,2])", {}, error).value_or("") == "1 + 2");
}

TEST_CASE("bindings of the object form are put so that each still sees only what is outside") {
  ScriptError error;
  const auto sugar_of = [&](std::string_view json) { return to_sugar(json, {}, error); };
  CHECK(sugar_of(R"(["let", {"a": 2, "b": ["$", "/a"]}, ["$", "/b"]])") == "let\n  b = a\n  a = 2\nin\n  b");
  CHECK(sugar_of(R"(["let", {"a": 2, "b": 3}, ["$", "/b"]])") == "let\n  a = 2\n  b = 3\nin\n  b");
  CHECK(sugar_of(R"(["let", {"a": 2, "f": ["lambda", [], ["$", "/a"]]}, ["$", "/f"]])") ==
        "let\n  a = 2\n  f = () => a\nin\n  f");
  CHECK_FALSE(sugar_of(R"(["let", {"a": ["$", "/b"], "b": ["$", "/a"]}, 1])"));
  CHECK(error.category == Category::kUnrepresentable);
}

}  // namespace colloquium::computo
