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
