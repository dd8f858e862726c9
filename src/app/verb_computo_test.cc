#include <catch2/catch.hpp>

#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

// What `computo run` prints for a script that has to work.
std::string value_of(const std::string& script, std::vector<std::string> inputs = {}) {
  std::vector<std::string> arguments{"computo", "run", "-e", script};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  const VerbResult result = VerbRunner().run(arguments);
  INFO(result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.err.empty());
  return result.out;
}

TEST_CASE("computo run prints the value of a script as one line [REQ-211]") {
  CHECK(value_of(R"(["+", 1, 2])") == "3\n");
  CHECK(value_of(R"(["$input"])") == "null\n");
  CHECK(value_of(R"(["$input", "/a"])", {R"({"a": [1, 2]})"}) == "[1, 2]\n");
  CHECK(value_of(R"(["$inputs"])", {"1", "\"x\""}) == "[1,\"x\"]\n");
}

TEST_CASE("computo run reads the script and its inputs from files") {
  const VerbRunner verbs;
  const std::string script = verbs.write("add.json", R"(["+", ["$inputs", "/0"], ["$inputs", "/1"]])");
  const VerbResult result = verbs.run({"computo", "run", script, verbs.write("one.json", " 40 "), "2"});
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == "42\n");
}

TEST_CASE("a byte-order mark before a script or an input is left out, and told elsewhere") {
  const VerbRunner verbs;
  const std::string mark = "\xEF\xBB\xBF";
  const std::string script = verbs.write("script.json", mark + R"(["$input", "/a"])");
  const std::string sugar = verbs.write("script.computo", mark + "$input/a + 1");
  const std::string input = verbs.write("one.json", mark + R"({"a": 1})");
  CHECK(verbs.run({"computo", "run", script, input}).out == "1\n");
  CHECK(verbs.run({"computo", "run", sugar, input}).out == "2\n");
  CHECK(verbs.run({"computo", "run", script, "-"}, mark + "{\"a\": 1}\n{\"a\": 2}\n").out == "1\n2\n");
  const VerbResult second = verbs.run({"computo", "run", script, "-"}, "{\"a\": 1}\n" + mark + "{\"a\": 2}\n");
  CHECK(second.err == "stdin:2:1: error[parse]: a byte-order mark stands before the value; leave it out\n");
  const VerbResult failed = verbs.run({"computo", "run", verbs.write("b.computo", mark + "1 + \"a\""), input});
  CHECK(contains(failed.err, "b.computo:1:5: error[type]: "));
  CHECK(contains(failed.err, "\n    1 + \"a\"\n        ^\n"));
}

TEST_CASE("a text that is JSON is an input even where a file has that name") {
  const VerbRunner verbs;
  CHECK(value_of(R"(["$input"])", {"12"}) == "12\n");
}

TEST_CASE("computo run evaluates every line of standard input or a file, in order") {
  const VerbRunner verbs;
  std::string input, expected;
  for (int i = 0; i < 30'000; ++i) {
    input += "{\"n\": " + std::to_string(i) + "}\n";
    expected += std::to_string(i + 1) + "\n";
  }
  const std::string script = R"(["+", ["$input", "/n"], 1])";
  CHECK(verbs.run({"computo", "run", "-e", script, "-"}, input).out == expected);
  CHECK(verbs.run({"computo", "run", "-e", script, "--each", "-"}, input).out == expected);
  CHECK(verbs.run({"computo", "run", "-e", script, "--each", verbs.write("in.ndjson", input)}).out == expected);
}

TEST_CASE("a line that fails gives no result and does not stop the others") {
  const VerbResult result =
      VerbRunner().run({"computo", "run", "-e", R"(["+", ["$input"], 1])", "-"}, "1\n{]\n\"x\"\n2\n");
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == "2\n3\n");
  CHECK(contains(result.err, "stdin:2:2: error[parse]: "));
  CHECK(contains(result.err, "error[type]"));
  CHECK(contains(result.err, "(input line 3)"));
}

TEST_CASE("script errors name file, line, column and category [REQ-047]") {
  const VerbRunner verbs;
  const auto error_of = [&](const std::string& text) {
    const std::string script = verbs.write("script.json", text);
    const VerbResult result = verbs.run({"computo", "run", script});
    CHECK(result.exit == Exit::kFailed);
    CHECK(result.out.empty());
    REQUIRE(result.err.rfind(script, 0) == 0);
    return result.err.substr(script.size());
  };
  CHECK(error_of("[\"+\", 1,\n").rfind(":2:", 0) == 0);
  CHECK(contains(error_of("[\"+\", 1,\n  \"x\"]"), "error[type]: "));
  CHECK(contains(error_of("[\"strconcat\"]"), "error[unknown_operator]: "));
  CHECK(contains(error_of("[\"strconcat\"]"), "did you mean 'strConcat'?"));
}

TEST_CASE("a script may be sugar, behind '=' or in a file that ends in .computo") {
  const VerbRunner verbs;
  CHECK(value_of(" = $input + 1", {"2"}) == "3\n");
  CHECK(value_of("$input + 1", {"2"}) == "3\n");
  CHECK(value_of("= [1, $input]", {"2"}) == "[1,2]\n");
  const std::string file = verbs.write("a.computo", "#!/usr/bin/env -S colloquium computo run\n[$input, 1]");
  CHECK(verbs.run({"computo", "run", file, "2"}).out == "[2,1]\n");
  const VerbResult wrong = verbs.run({"computo", "run", "-e", " = $input +"});
  CHECK(wrong.exit == Exit::kFailed);
  CHECK(contains(wrong.err, "-e:1:12: error[syntax]: expected an expression, found the end of the script"));
  const VerbResult failed = verbs.run({"computo", "run", verbs.write("b.computo", "-- sum\n$input + 1"), "true"});
  CHECK(failed.exit == Exit::kFailed);
  CHECK(contains(failed.err, "b.computo:2:1: error[type]: at /+/0: "));
  const VerbResult json = verbs.run({"computo", "run", verbs.write("c.json", "$input + 1"), "1"});
  CHECK(json.exit == Exit::kFailed);
  CHECK(contains(json.err, "c.json:1:1: error[parse]: "));
}

TEST_CASE("what is wrong before anything is evaluated is refused") {
  const VerbRunner verbs;
  const auto refused = [&](std::vector<std::string> arguments, const std::string& message) {
    arguments.insert(arguments.begin(), {"computo", "run"});
    const VerbResult result = verbs.run(arguments);
    CHECK(result.exit == Exit::kRefused);
    CHECK(result.out.empty());
    CHECK(contains(result.err, message));
  };
  refused({}, "there is no script");
  refused({verbs.path("missing.json")}, "missing.json");
  refused({"-e", "1", "{"}, "neither JSON");
  refused({"-e", "1", "--each", verbs.path("missing.ndjson")}, "missing.ndjson");
  refused({"-e", "1", "--each", "x", "2"}, "leave out INPUT");
  refused({"-e", "1", "--array", ""}, "--array");
  for (const char* verb : {"debug", "profile"}) {
    const VerbResult result = verbs.run({"computo", verb, "-e", "= [1]", "--array", ""});
    CHECK(result.exit == Exit::kRefused);
    CHECK(contains(result.err, "--array needs a key"));
  }
}

}  // namespace
}  // namespace colloquium::app
