#include "computo/shown.h"

#include <catch2/catch.hpp>
#include <string>

#include "colloquium/batch.h"

#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::computo {
namespace {

// What a script's failure over one input says.
ScriptError error_of(const std::string& script, const std::string& input = "null") {
  CompileFailure failure;
  const ProgramPtr program = compile_source(script, {}, failure);
  REQUIRE(program != nullptr);
  const auto document = json::parse(input, "input");
  REQUIRE(document);
  const json::ValueView view(document->text.data(), document->tape.data(), 0);
  Evaluator evaluator(program);
  REQUIRE_FALSE(evaluator.evaluate({&view, 1}));
  return evaluator.error();
}

}  // namespace

TEST_CASE("names of secrets are known in any spelling") {
  for (const char* name : {"password", "Authorization", "api_key", "X-API-Key", "accessToken", "cardNumber",
                           "client-secret", "SET-COOKIE", "private_key"}) {
    CHECK(looks_secret(name));
  }
  for (const char* name : {"", "name", "total", "author", "key", "passenger"}) CHECK_FALSE(looks_secret(name));
}

TEST_CASE("an error tells what its operator was given [REQ-047]") {
  CHECK(error_of(R"(["+", 1, ["$input"]])", R"("x")").argument_list() == R"(1, "x")");
  CHECK(error_of(R"(["+", 1, 2, ["$input"]])", "true").argument_list() == "true");
  CHECK(error_of(R"(["+", 1, 2, ["$input"]])", "true").first_argument == 2);
  CHECK(error_of(R"(["<", 2, ["$input"]])", "[1, {}]").argument_list() == "2, [1,{}]");
  CHECK(error_of(R"(["/", 1, ["$input"]])", "0").argument_list() == "1, 0");
  CHECK(error_of(R"(["join", ["$input"], 5])", "[true]").argument_list() == "[true], 5");
  CHECK(error_of(R"(["join", ["map", ["$input"], ["lambda", ["x"], ["obj", "v", ["$", "/x"]]]], 5])", "[1]")
            .argument_list() == R"([{"v":1}], 5)");
  CHECK(error_of(R"(["map", ["$input"], ["lambda", ["x"], 1]])", "7").argument_list() == "7");
  CHECK(error_of(R"(["car", {"array": []}])").argument_list() == "[]");
  CHECK(error_of(R"(["obj", ["$input"], 1])", "7").argument_list() == "7");
  CHECK(error_of(R"(["$", "/nobody"])").arguments.empty());
}

TEST_CASE("no operator's message tells a secret that it was given") {
  const std::string input = R"({"password":"hunter2","passwords":["hunter2",{"a":"hunter2"}]})";
  for (const char* op : {"parseTime", "toEpoch", "base64Decode", "hexDecode", "parseUrl", "parseDuration",
                         "parseInt", "toNumber", "toInt", "toBool", "parseJson", "+", "keys"}) {
    INFO(op);
    const std::string name(op);
    const auto direct = error_of(R"([")" + name + R"(",["$input","/password"]])", input).describe("");
    CHECK(direct.find("hunter2") == std::string::npos);
    const auto within =
        error_of(R"(["map",["$input","/passwords"],["lambda",["p"],[")" + name + R"(",["$","/p"]]]])", input)
            .describe("");
    CHECK(within.find("hunter2") == std::string::npos);
  }
  CHECK(error_of(R"(["parseTime",["$input","/password"]])", input).problem ==
        "expected a time of RFC 3339, got ***");
  CHECK(error_of(R"(["parseTime",["$input","/name"]])", R"({"name":"x"})").problem ==
        "expected a time of RFC 3339, got \"x\"");
}

TEST_CASE("what a script raises does not tell what stands under a name of secrets") {
  const std::string input = R"({"user":"ada","password":"hunter2","tokens":["hunter2"]})";
  const auto problem = [&](const char* script) { return error_of(script, input).problem; };
  CHECK(problem(R"(["error",["$input"]])") == R"({"password":"***","tokens":"***","user":"ada"})");
  CHECK(problem(R"(["error",[["obj","apiKey",["$input","/user"],"n",1]]])") == R"([{"apiKey":"***","n":1}])");
  CHECK(problem(R"(["error",["$input","/password"]])") == "***");
  CHECK(problem(R"(["error",["$input","/tokens/0"]])") == "***");
  CHECK(problem(R"(["let",[["p",["$input","/password"]]],["error",["$","/p"]]])") == "***");
  CHECK(problem(R"(["error",["values",["$input"]]])") == R"(["***","***","ada"])");
  CHECK(problem(R"(["error",["strConcat","no such user: ",["$input","/user"]]])") == "no such user: ada");
  CHECK(problem(R"(["car",[["try",["error",["$input"]],["lambda",["e"],["error",["$","/e/message"]]]]]])") ==
        R"({"password":"***","tokens":"***","user":"ada"})");
}

TEST_CASE("what a schema or a patch names wrongly may be a secret, and is not repeated") {
  const std::string input = R"({"password":"hunter2","p":[{"op":"test","path":"/password","value":"hunter3"}],
    "schema":{"properties":{"password":{"type":"hunter2"}}}})";
  for (const char* script :
       {R"(["jsonSchema",1,["$input","/schema"]])", R"(["jsonSchema",1,["obj","type",["$input","/password"]]])",
        R"(["patch",{},[["obj","op",["$input","/password"],"path","/a"]]])",
        R"(["patch",["$input"],["$input","/p"]])"}) {
    INFO(script);
    CHECK(error_of(script, input).problem.find("hunter") == std::string::npos);
  }
}

TEST_CASE("one line has place, problem, advice and arguments") {
  CHECK(error_of(R"(["+", 1, ["$input"]])", R"("x")").describe("s.json") ==
        R"(s.json:1:10: error[type]: Error at /+/1: expected number, got string "x". Use toNumber to make )"
        R"(a number of it; strConcat joins text. Arguments: 1, "x".)");
  CHECK(error_of(R"(["*", 2, 3, ["$input"]])", "null").describe("").ends_with(" Argument 3: null."));
}

TEST_CASE("long values are cut to a readable length, however large they are") {
  const std::string text =
      error_of(R"(["+", ["$input"], 1])", "\"" + std::string(100'000, 'e') + "\"").arguments[0];
  CHECK(text == "\"" + std::string(79, 'e') + "…");
  std::string array = "[0";
  for (int i = 0; i < 10'000; ++i) array += ",[1]";
  CHECK(error_of(R"(["+", ["$input"], 1])", array + "]").arguments[0].size() <= kShownBytes + 3);
  std::string umlauts;
  for (int i = 0; i < 60; ++i) umlauts += "ö";
  const std::string cut = error_of(R"(["+", ["$input"], 1])", "\"" + umlauts + "\"").arguments[0];
  CHECK(cut == "\"" + umlauts.substr(0, 78) + "…");
}

TEST_CASE("what stands under a name of secrets is masked wherever a message would show it") {
  const std::string input = R"({"user": {"Password": "hunter2", "name": "eve", "pin": {"card": [4111]}}})";
  const auto all_of = [&](const std::string& script) { return error_of(script, input).describe("s"); };
  for (const std::string script :
       {R"(["+", ["$input", "/user"], 1])", R"(["+", ["$input", "/user/Password"], 1])",
        R"(["+", 1, 2, ["$input", "/user/Password"]])",
        R"(["let", [["p", ["$input", "/user/Password"]]], ["+", ["$", "/p"], 1]])",
        R"(["let", [["token", ["strConcat", "hunter2", ""]]], ["+", 1, ["$", "/token"]]])",
        R"(["keys", ["$input", "/user/Password"]])", R"(["$input", "/user/Password/x"])",
        R"(["+", ["obj", "password", ["strConcat", "hunter", "2"]], 1])",
        R"(["+", ["$input", "/user/pin"], 1])"}) {
    INFO(script);
    const std::string text = all_of(script);
    CHECK(text.find("hunter") == std::string::npos);
    CHECK(text.find("4111") == std::string::npos);
    CHECK(text.find("***") != std::string::npos);
  }
  CHECK(all_of(R"(["+", ["$input", "/user/name"], 1])").find("eve") != std::string::npos);
}

TEST_CASE("a member that is not there is compared with those that are") {
  const std::string input = R"({"customer": {"email": 1, "name": 2}})";
  CHECK(error_of(R"(["$input", "/customer/emial"])", input).hint == "email");
  CHECK(error_of(R"(["$input", "/custmer/email"])", input).hint == "customer");
  CHECK(error_of(R"(["let", [["o", ["obj", "total", 1]]], ["$", "/o/totl"]])").hint == "total");
  CHECK(error_of(R"(["$input", "/customer/phone"])", input).hint.empty());
}

TEST_CASE("a variable that is called like an operator is told what calls it") {
  const ScriptError error = error_of(R"(["let", {"flor": ["lambda", ["x"], 1]}, ["flor", 2]])");
  CHECK(error.problem == "unknown operator \"flor\"; it is a variable, and \"call\" calls the function in it");
  CHECK(error.hint.empty());
  CHECK(error_of(R"(["flor", 2])").hint == "floor");
}

TEST_CASE("a value of the wrong type comes with what may be done about it") {
  CHECK(error_of(R"(["+", 1, "2"])").advice == "use toNumber to make a number of it; strConcat joins text");
  CHECK(error_of(R"(["upper", 5])").advice == "use toString to make a string of it");
  CHECK(error_of(R"(["count", {"a": 1}])").advice == "use values or entries to make an array of it");
  CHECK(error_of(R"(["+", 1, null])").advice == "use coalesce to put something in the place of null");
  CHECK(error_of(R"(["+", 1, ["lambda", ["x"], 1]])").advice.empty());
}

}  // namespace colloquium::computo
