// check, fmt and convert: the verbs that read script files and evaluate nothing.

#include <catch2/catch.hpp>

#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

TEST_CASE("computo check tells everything wrong with every script, with place, line and suggestion [REQ-054]") {
  const VerbRunner verbs;
  const std::string good = verbs.write("good.computo", "-- fine\nupper($input/name)");
  const std::string bad =
      verbs.write("bad.json", "[\"+\", [\"uper\", 1],\n  [\"count\"],\n  [\"$\", \"/nobody\"]]\n");
  const std::string broken = verbs.write("broken.computo", "1 +\n");
  const VerbResult result = verbs.run({"computo", "check", good, bad, broken});
  CHECK(result.exit == Exit::kRefused);
  CHECK(result.out == good + ": ok\n");
  CHECK(contains(result.err, bad + ":1:7: error[unknown_operator]: at /+/0: unknown operator \"uper\"\n"
                                   "    [\"+\", [\"uper\", 1],\n"
                                   "          ^\n"
                                   "    help: did you mean 'upper'?\n"));
  CHECK(contains(result.err, bad + ":2:3: error[arity]: at /+/1: expected 1 argument for \"count\", got 0\n"));
  CHECK(contains(result.err, bad + ":3:3: error[unknown_variable]: "));
  CHECK(contains(result.err, broken + ":2:1: error[syntax]: "));
}

TEST_CASE("computo check follows imports and tells their errors where they are") {
  const VerbRunner verbs;
  verbs.write("lib/shared.json", "{\"a\": 1}");
  verbs.write("lib/wrong.json", "[\"+\",\n  [\"nope\"]]");
  const std::string good = verbs.write("good.json", R"(["get", ["import", "lib/shared.json"], "/a"])");
  CHECK(verbs.run({"computo", "check", good}).exit == Exit::kDone);
  const VerbResult result =
      verbs.run({"computo", "check", verbs.write("main.json", R"(["import", "lib/wrong.json"])")});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, verbs.path("lib/wrong.json") + ":2:3: error[unknown_operator]: "));
  CHECK(contains(result.err, "      [\"nope\"]]\n") == false);
  CHECK(contains(result.err, "    [\"nope\"]]\n    ^\n"));
}

TEST_CASE("computo check knows the host's variables and those that are named") {
  const VerbRunner verbs;
  CHECK(verbs.run({"computo", "check", "-"}, "[\"$\", \"/event_metadata/id\"]").exit == Exit::kDone);
  CHECK(verbs.run({"computo", "check", "-"}, "[\"$\", \"/region\"]").exit == Exit::kRefused);
  CHECK(verbs.run({"computo", "check", "--variable", "region", "-"}, "[\"$\", \"/region\"]").exit == Exit::kDone);
}

TEST_CASE("computo check prints JSON for editors") {
  const VerbRunner verbs;
  const VerbResult result = verbs.run({"computo", "check", "--format", "json", "-"}, "[\"nope\"]");
  CHECK(result.exit == Exit::kRefused);
  CHECK(result.err.empty());
  CHECK(result.out == R"([{"file":"stdin","line":1,"column":1,"severity":"error","category":"unknown_operator",)"
                      R"("path":"/","message":"unknown operator \"nope\"","suggestion":"not"}])"
                      "\n");
  CHECK(verbs.run({"computo", "check", "--format", "json", "-"}, "1").out == "[]\n");
  const VerbResult missing = verbs.run({"computo", "check", "--format", "json", verbs.path("missing.json")});
  CHECK(missing.exit == Exit::kRefused);
  CHECK(contains(missing.out, "missing.json\",\"line\":0"));
}

TEST_CASE("computo check sends pipelines to validate") {
  const VerbResult result = VerbRunner().run({"computo", "check", "orders.yaml"});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, "'colloquium validate' checks pipelines"));
}

TEST_CASE("computo fmt lays out files in place, keeps comments, and then has nothing to do [REQ-211]") {
  const VerbRunner verbs;
  const std::string sugar = verbs.write("a.computo", "let a=1 -- one\nin   a+$input");
  const std::string json = verbs.write("b.json", "[ \"+\",1,\n2 ]");
  const VerbResult first = verbs.run({"computo", "fmt", sugar, json});
  CHECK(first.exit == Exit::kDone);
  CHECK(contains(first.err, sugar + ": laid out\n"));
  CHECK(verbs.read("a.computo") == "let\n  a = 1 -- one\nin\n  a + $input\n");
  CHECK(verbs.read("b.json") == "[\"+\", 1, 2]\n");
  const VerbResult second = verbs.run({"computo", "fmt", sugar, json});
  CHECK(second.exit == Exit::kDone);
  CHECK(second.err.empty());
}

TEST_CASE("computo fmt --check lists what is not laid out and writes nothing") {
  const VerbRunner verbs;
  const std::string good = verbs.write("good.json", "[1, 2]\n");
  const std::string bad = verbs.write("bad.json", "[1,2]\n");
  CHECK(verbs.run({"computo", "fmt", "--check", good}).exit == Exit::kDone);
  const VerbResult result = verbs.run({"computo", "fmt", "--check", good, bad});
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == bad + "\n");
  CHECK(verbs.read("bad.json") == "[1,2]\n");
  CHECK(verbs.run({"computo", "fmt", "--check", "-"}, "[1,2]").out == "stdin\n");
}

TEST_CASE("computo fmt leaves a script that is wrong as it is, and goes on with the others") {
  const VerbRunner verbs;
  const std::string broken = verbs.write("broken.computo", "1 +");
  const std::string other = verbs.write("other.computo", "1+1");
  const VerbResult result = verbs.run({"computo", "fmt", broken, other});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, broken + ":1:4: error[syntax]: "));
  CHECK(verbs.read("broken.computo") == "1 +");
  CHECK(verbs.read("other.computo") == "1 + 1\n");
  CHECK(verbs.run({"computo", "fmt", "-"}, "[1,2]").out == "[1, 2]\n");
}

TEST_CASE("computo migrate rewrites what it can, tells the rest, and checks what comes out [REQ-055]") {
  const VerbRunner verbs;
  const std::string old = verbs.write("old.json",
                                      "["
                                      "\"map\", [\"$input\"],\n  [[\"x\"], [\"&&\", [\"$\", \"/x\"], true]]]");
  const VerbResult done = verbs.run({"computo", "migrate", old, "--output", verbs.path("new.json")});
  CHECK(done.exit == Exit::kDone);
  CHECK(done.out.empty());
  CHECK(contains(done.err, old + ":2:3: rewritten[D-CALLABLE]: "));
  CHECK(contains(done.err, old + ":2:12: rewritten[V-LOGIC]: "));
  CHECK(verbs.run({"computo", "run", verbs.path("new.json"), "[0, 5]"}).out == "[false,true]\n");
  const VerbResult left = verbs.run({"computo", "migrate", "-"}, "[\"upcase\", [\"split\", \"a\", \"\"]]");
  CHECK(left.exit == Exit::kFailed);
  CHECK(left.out == "[\"upcase\", [\"split\", \"a\", \"\"]]\n");
  CHECK(contains(left.err, "stdin:1:27: differs[D-SPLIT-UTF8]: "));
  CHECK(contains(left.err, "error[unknown_operator]"));
  const VerbResult sugar = verbs.run({"computo", "migrate", verbs.write("s.computo", "2 * (3) + 4")});
  CHECK(sugar.exit == Exit::kFailed);
  CHECK(sugar.out == "2 * (3) + 4\n");
  CHECK(verbs.run({"computo", "migrate", verbs.write("t.computo", "2 +")}).exit == Exit::kFailed);
}

TEST_CASE("computo convert goes both ways without loss") {
  const VerbRunner verbs;
  const std::string json =
      R"(["let", [["a", 1.50], ["f", ["lambda", ["x"], ["-", ["$", "/x"], 5]]]],)"
      R"( ["if", ["$input", "/a b"], ["map", {"array": [1, {"k": 2}]}, ["$", "/f"]], {"z": 1}]])";
  const VerbResult sugar = verbs.run({"computo", "convert", verbs.write("a.json", json)});
  CHECK(sugar.exit == Exit::kDone);
  CHECK(contains(sugar.out, "f = (x) => x - 5"));
  const VerbResult back = verbs.run({"computo", "convert", verbs.write("a.computo", sugar.out)});
  CHECK(back.exit == Exit::kDone);
  const VerbResult laid_out = verbs.run({"computo", "fmt", "-"}, json);
  std::string expected = laid_out.out;
  expected.replace(expected.find("1.50"), 4, "1.5");
  CHECK(back.out == expected);
  CHECK(verbs.run({"computo", "convert", "-"}, "1 + $input").out == "[\"+\", 1, [\"$input\"]]\n");
}

TEST_CASE("computo convert warns of numbers that are integers in sugar") {
  const VerbRunner verbs;
  const std::string script = verbs.write("n.json", "[\"+\", 0.0,\n 1.5, 1e3]");
  const VerbResult sugar = verbs.run({"computo", "convert", script});
  CHECK(sugar.exit == Exit::kDone);
  CHECK(sugar.out == "0 + 1.5 + 1000\n");
  CHECK(sugar.err ==
        script + ":1:7: warning: sugar has 0.0 as an integer, which calculates exactly; so it has 1 more\n");
  CHECK(verbs.run({"computo", "convert", "-"}, "[\"+\", 1.5, 1]").err.empty());
  CHECK(verbs.run({"computo", "convert", "--to", "json", "-"}, "0.0 + 1").out == "[\"+\", 0.0, 1]\n");
}

TEST_CASE("computo convert says which comments JSON cannot keep, and what has no sugar form") {
  const VerbRunner verbs;
  const std::string noted = verbs.write("a.computo", "\n1 -- one\n + 2 -- two");
  const VerbResult json = verbs.run({"computo", "convert", noted, "--output", verbs.path("a.json")});
  CHECK(json.exit == Exit::kDone);
  CHECK(json.out.empty());
  CHECK(json.err == noted + ":2: warning: JSON has no comments: 2 are left out\n");
  CHECK(verbs.read("a.json") == "[\"+\", 1, 2]\n");
  const VerbResult odd = verbs.run({"computo", "convert", "-"}, R"(["lambda", ["odd name"], 1])");
  CHECK(odd.exit == Exit::kFailed);
  CHECK(contains(odd.err, ": error[unrepresentable]: "));
  CHECK(verbs.run({"computo", "convert", "--to", "json", "-"}, "[1]").exit == Exit::kRefused);
}

}  // namespace
}  // namespace colloquium::app
