#include <catch2/catch.hpp>

#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

constexpr const char* kScript =
    "let\n"
    "  double = (n) => n * 2\n"
    "  xs = map($input, (x) => call(double, x))\n"
    "in\n"
    "  reduce(xs, (sum, x) => sum + x, 0)\n";

// What the debugger prints for commands from a pipe.
std::string session(const std::string& commands, const std::string& script = kScript,
                    const std::string& input = "[1, 2]", const std::string& name = "s.computo") {
  const VerbRunner verbs;
  const VerbResult result = verbs.run({"computo", "debug", verbs.write(name, script), input}, commands);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.err.empty());
  return result.out;
}

TEST_CASE("the debugger stops before the first expression, goes on, and tells the result [REQ-212]") {
  const std::string out = session("continue\nquit\n");
  CHECK(out == "1:1 / (let)\n    let\n    ^\nthe script has ended: 6\n");
  CHECK(contains(session(""), "1:1 / (let)"));
}

TEST_CASE("step goes into everything, next stays on its level, out leaves the function") {
  const std::string steps = session("step\n\n\nquit\n");
  CHECK(contains(steps, "2:12 /let/bindings/double (lambda)"));
  CHECK(contains(steps, "3:8 /let/bindings/xs (map)"));
  CHECK(contains(steps, "3:12 /let/bindings/xs/map/0 ($input)"));
  const std::string nexts = session("step\nnext\nnext\nvalue\nnext\nnext\n");
  CHECK(contains(nexts, "3:8 /let/bindings/xs (map)"));
  CHECK_FALSE(contains(nexts, "/map/"));
  CHECK(contains(nexts, "3:8 /let/bindings/xs (map) = [2,4]\n"));
  CHECK(contains(nexts, "the script has ended: 6"));
  const std::string out = session("break operator *\ncontinue\nwhere\nout\nwhere\n");
  INFO(out);
  CHECK(contains(out, "#0  2:19 /let/bindings/double/lambda/body (*), in the function at 2:12\n#1  "));
  CHECK(contains(out, "\n#2  "));
  CHECK(contains(out, "breakpoint 1 at 2:19"));
}

TEST_CASE("breakpoints stop at lines, operators, variables and paths, and can be listed and deleted") {
  const std::string lines = session("break 5\ncontinue\nquit\n");
  CHECK(contains(lines, "breakpoint 1 at 5:3 /let/body (reduce)\nbreakpoint 1\n5:3 /let/body (reduce)\n"));
  CHECK(contains(session("b 5:27\nc\n"), "5:26 /let/body/reduce/lambda/body (+)"));
  CHECK(contains(session("b variable xs\nc\nc\n"), "5:10 /let/body/reduce/0 ($)"));
  CHECK(contains(session("b /let/body/reduce/lambda/body\nc\np sum\n\n"), "\n0\n0\n"));
  const std::string listed = session("b +\nb 5\nc\nc\nc\nbl\nd 1\nbl\nd 7\nd\nbl\n");
  INFO(listed);
  CHECK(contains(listed, "1  +  (1 place, reached 2 times)\n2  5  (1 place, reached 1 time)\n2  5  ("));
  CHECK(contains(listed, "there is no breakpoint 7"));
  CHECK(contains(listed, "there are no breakpoints\n"));
  for (const char* wrong : {"b 99", "b operator nope", "b nope", "b /let/nope", "b"}) {
    CHECK_FALSE(contains(session(std::string(wrong) + "\n"), "breakpoint 1 at"));
  }
}

TEST_CASE("print tells errors where they were typed") {
  const std::string out =
      session("break operator call\ncontinue\nprint x + uper(x)\n p [\"+\", [\"$\", \"/y\"]]\n",
              "let f = (n) => n, x = 1 in call(f, x)");
  INFO(out);
  CHECK(contains(out,
                 "line:1:11: error[unknown_operator]: at /+/1: unknown operator \"uper\"\n"
                 "    print x + uper(x)\n              ^\n"));
  CHECK(contains(out, "line:1:10: error[unknown_variable]: at /+/0: "));
}

TEST_CASE("print evaluates in either notation with the variables that are visible [REQ-049]") {
  const std::string out = session(
      "break /let/body/reduce/lambda/body\ncontinue\nbindings\nprint sum + x * 10\nprint [\"+\", [\"$\", \"/x\"], "
      "1]\n"
      "print map(xs, double)\nprint double\nprint $input\nprint x +\nprint nope\n");
  INFO(out);
  CHECK(contains(out, "double = [[\"n\"],[\"*\",[\"$\",\"/n\"],2]]\nxs = [2,4]\nsum = 0\nx = 2\n"));
  CHECK(contains(out, "\n20\n3\n[4,8]\n[[\"n\"],"));
  CHECK(contains(out, "\n[1, 2]\n"));
  CHECK(contains(out, "error[syntax]"));
  CHECK(contains(out, "error[unknown_variable]"));
}

TEST_CASE("an error stops where it happens, and what was visible can be looked at") {
  const std::string out = session("continue\nbindings\nwhere\ncontinue\n", kScript, R"([1, "x"])");
  INFO(out);
  CHECK(contains(out, "error[type]: at /let/bindings/double/lambda/body/*/0: expected number, got string \"x\""));
  CHECK(contains(out, "n = \"x\"\n"));
  CHECK(contains(out, "#0  2:19 "));
  CHECK(contains(out, "the script has failed: expected number, got string \"x\"\n"));
}

TEST_CASE("list shows the source with the place marked, restart begins again, help lists every command") {
  const std::string out = session("b 5\nc\nlist\nrestart\nc\nquit\n");
  INFO(out);
  CHECK(contains(out, "  4 | in\n> 5 |   reduce(xs, (sum, x) => sum + x, 0)\n    |   ^\n"));
  CHECK(contains(out, "    |   ^\n1:1 / (let)\n"));
  CHECK_FALSE(contains(out, "has ended"));
  const std::string help = session("help\ncontnue\nfoo\nc\nstep\nrestart\n");
  for (const char* word : {"step, s", "breakpoints, bl", "bindings, vars", "value, v", "restart, r"}) {
    CHECK(contains(help, word));
  }
  CHECK(contains(help, "did you mean 'continue'?"));
  CHECK(contains(help, "there is no command 'foo'; 'help' lists them"));
  CHECK(contains(help, "the script has ended; 'restart' begins it again"));
}

TEST_CASE("scripts in JSON are debugged by their own places") {
  const std::string out = session("step\n\n\n", "[\"+\",\n  1,\n  [\"$input\", \"/0\"]]", "[4]", "s.json");
  CHECK(contains(out, "1:1 / (+)\n    [\"+\",\n    ^\n2:3 /+/0\n    1,\n    ^\n3:3 /+/1 ($input)\n"));
  CHECK(contains(out, "the script has ended: 5"));
}

}  // namespace
}  // namespace colloquium::app
