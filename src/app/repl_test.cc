#include "app/repl.h"

#include <catch2/catch.hpp>

#include "app/line_editor.h"
#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

VerbResult talk(const std::string& lines, std::vector<std::string> inputs = {}) {
  std::vector<std::string> arguments{"computo", "repl"};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  return VerbRunner().run(arguments, lines);
}

TEST_CASE("without a terminal, lines are evaluated one by one in either notation [REQ-211]") {
  const VerbResult result = talk("1 + 2\n[\"*\", 3, 4]\n= $input/a\n\n\"x\"\n", {R"({"a": [1]})"});
  INFO(result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == "3\n12\n[1]\n\"x\"\n");
}

TEST_CASE("names are kept from line to line, functions too, and may get another value") {
  const VerbResult result = talk(
      "x = 20\ny = x + 1\ny\nx == 20\nx = \"a\"\nx\ntwice = (n) => n * 2\ncall(twice, y)\n"
      "down = (n) => if n < 1 then 0 else call(down, n - 1)\ncall(down, 5)\n:vars\n");
  INFO(result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(contains(result.out, "21\ntrue\n\"a\"\n42\n0\ny = 21\nx = \"a\"\ntwice = [[\"n\"],"));
}

TEST_CASE("an expression goes on while brackets are open") {
  CHECK(open_brackets("f(a, [1, {") == 3);
  CHECK(open_brackets("\"((\" + \"\\\"[\" -- (\n)") == -1);
  CHECK(talk("[1,\n  2,\n  (3 +\n 4)]\n5\n").out == "[1,2,7]\n5\n");
  const VerbResult open = talk("[1,\n");
  CHECK(open.exit == Exit::kFailed);
  CHECK(contains(open.err, "error[parse]: unexpected end of the text"));
}

TEST_CASE("commands tell types and operators, and take input and lines from files") {
  const VerbRunner verbs;
  const std::string file = verbs.write("lines", "base = 10\nbase + 1");
  const std::string input = verbs.write("event.json", R"({"id": 7})");
  const VerbResult result = verbs.run({"computo", "repl"}, ":load " + file + "\nbase * 2\n:input " + input +
                                                               "\n$input/id\n:input [1]\n$input\n:type [1]\n"
                                                               ":type (x) => x\n:doc uniqueSorted\n:quit\n1\n");
  INFO(result.out << result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out.find("11\n20\n7\n[1]\narray\nfunction\nuniqueSorted, 1 to 3 arguments\n") == 0);
  CHECK(result.out.back() == '\n');
  CHECK_FALSE(contains(result.out, "\n1\n"));
  CHECK(contains(talk(":help\n").out, ":load FILE"));
}

TEST_CASE("what is wrong is told on standard error, and the lines behind it are still evaluated") {
  const VerbResult result = talk("1 +\nnope\n:doc mapp\n:tpye 1\n:load /none\n:input {\n[\"+\", 1, \"x\"]\n2\n");
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == "2\n");
  for (const char* part : {"error[syntax]", "error[unknown_variable]", "did you mean 'map'?",
                           "did you mean ':type'?", "/none", "neither JSON", "error[type]"}) {
    INFO(part);
    CHECK(contains(result.err, part));
  }
  CHECK(talk("1\n", {"{"}).exit == Exit::kRefused);
  const VerbRunner verbs;
  const std::string loop = verbs.path("loop");
  verbs.write("loop", ":load " + loop + "\n");
  CHECK(contains(verbs.run({"computo", "repl"}, ":load " + loop + "\n").err, "without end"));
}

TEST_CASE("errors stand where they were typed, whatever names there are [REQ-047]") {
  const std::string names = "x = 5\nf = (n) => n + 1\n";
  const auto told = [&](const std::string& line) {
    const std::string alone = talk("x = 5\n" + line + "\n").err;
    CHECK(talk(names + line + "\n").err == alone);
    return alone;
  };
  CHECK(contains(told("1 + uper(x)"),
                 "line:1:5: error[unknown_operator]: at /+/1: unknown operator \"uper\"\n"
                 "    1 + uper(x)\n        ^\n"));
  CHECK(contains(told("y = [\"+\", 1, \"a\"]"), "line:1:14: error[type]: at /+/1: "));
  CHECK(contains(told("  y = 1 +"), "line:1:10: error[syntax]: "));
  CHECK(contains(told("[1,\n\"a\" + 1]"), "line:2:1: error[type]: at "));
  CHECK(contains(told("[\"+\", 1 2]"), "line:1:9: error[parse]: "));
  CHECK(contains(told("= x/a"), "line:1:3: error[pointer]: "));
  CHECK(contains(told(":type 1 + \"a\""), "line:1:11: error[type]: "));
  const std::string within = talk(names + "call(f, \"a\")\n").err;
  CHECK(contains(within, "line: error[type]: at /f/lambda"));
}

TEST_CASE("words of the language are no names") {
  for (const char* word : {"let", "in", "if", "then", "else", "and", "or", "not", "true", "false", "null"}) {
    const VerbResult result = talk(word + std::string(" = 5\n"));
    CHECK(contains(result.err, "'" + std::string(word) + "' is a word of the language and cannot be a name"));
    const VerbRunner verbs;
    const std::string pipeline = verbs.write("p.yaml", "name: p\nsources: [{stdin: {}}]\ncontext:\n  ok: 1\n  \"" +
                                                           std::string(word) + "\": 2\nsinks: [{stdout: {}}]\n");
    const VerbResult refused = verbs.run({"validate", pipeline});
    CHECK(refused.exit == Exit::kRefused);
    CHECK(contains(refused.err, "p.yaml:5:"));
    CHECK(contains(refused.err, "is a word of the language; rename it"));
  }
  CHECK(talk("letter = 5\nletter\n").out == "5\n");
}

TEST_CASE("completion offers operators, names and commands") {
  std::ostringstream out, err;
  Repl repl(out, err);
  repl.take("mapping = 1");
  CHECK(repl.completions("1 + mapp") == std::vector<std::string>{"mapping"});
  const auto maps = repl.completions("f(map");
  CHECK(std::find(maps.begin(), maps.end(), "mapValues") != maps.end());
  CHECK(std::find(maps.begin(), maps.end(), "map") == maps.end());
  CHECK(repl.completions(":t") == std::vector<std::string>{":type"});
  CHECK(repl.completions("$inp") == std::vector<std::string>{"$input", "$inputs"});
  CHECK(common_beginning({"mapValues", "mapKeys"}) == "map");
  CHECK(common_beginning({}).empty());
}

}  // namespace
}  // namespace colloquium::app
