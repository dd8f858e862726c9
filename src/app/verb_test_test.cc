#include <catch2/catch.hpp>

#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

constexpr const char* kPipeline =
    "sources: [{stdin: {}}]\n"
    "stages: [{computo: [\"*\", [\"$input\", /n], 2]}]\n"
    "sinks:\n"
    "  - {name: all, stdout: {}}\n"
    "  - {name: big, when: [\">\", [\"$input\"], 10], file: {path: never.ndjson}}\n";

TEST_CASE("cases of a pipeline run its stages and every sink's `when` in memory [REQ-107]") {
  const VerbRunner verbs;
  const std::string file = verbs.write("p.yaml", kPipeline);
  verbs.write("p.test.yaml",
              "cases:\n"
              "  - {name: doubles, input: [{n: 1}, {n: 6}], expect: {all: [2, 12], big: [12]}}\n"
              "  - {name: gives up, input: [{n: x}, {n: 1}], expect: {all: [2]}, dead_letters: 1}\n");
  const VerbResult result = verbs.run({"test", file});
  INFO(result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == "2 passed, 0 failed\n");
  CHECK(verbs.read("never.ndjson").empty());
}

constexpr const char* kAsking =
    "name: p\n"
    "sources: [{stdin: {}}]\n"
    "ai:\n"
    "  providers: [{openai: {api_key: '${COLLOQUIUM_TEST_NO_SUCH_KEY}'}}]\n"
    "  redact: [email]\n"
    "stages:\n"
    "  - name: sort\n"
    "    ai:\n"
    "      task: classify\n"
    "      models: [openai/gpt-4o-mini]\n"
    "      labels: [bug, other]\n"
    "      user: 'Sort: {{ $input/t }}'\n"
    "      into: /label\n"
    "sinks: [{name: all, stdout: {}}]\n";

TEST_CASE("what models answer stands in the cases, and nobody is asked or needs a key [REQ-107]") {
  const VerbRunner verbs;
  const std::string file = verbs.write("p.yaml", kAsking);
  verbs.write("p.test.yaml",
              "cases:\n"
              "  - name: sorts in the order of the events\n"
              "    input: [{t: a}, {t: b}]\n"
              "    answers: {sort: [bug, {json: {label: other}}]}\n"
              "    expect: {all: [{t: a, label: bug}, {t: b, label: other}]}\n"
              "  - name: by event\n"
              "    input: [{t: a}, {t: b}]\n"
              "    answers: {sort: [{text: bug, for: {/t: b}}, other]}\n"
              "    expect: {all: [{t: a, label: other}, {t: b, label: bug}]}\n"
              "  - name: no addresses leave\n"
              "    input: [{t: from me@example.org}]\n"
              "    answers: {sort: [{text: bug, asked: ['Sort: from [email]']}]}\n"
              "  - name: repairs\n"
              "    input: [{t: a}]\n"
              "    answers: {sort: [what, {text: other, asked: [Answer again]}]}\n"
              "    expect: {all: [{t: a, label: other}]}\n"
              "  - name: waits, asks again, and is refused\n"
              "    input: [{t: a}]\n"
              "    answers: {sort: [{error: throttled}, {error: caller, message: no}]}\n"
              "    dead_letters: 1\n");
  const VerbResult result = verbs.run({"test", file});
  INFO(result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == "5 passed, 0 failed\n");
}

TEST_CASE(
    "a question without an answer fails its case and is shown as it would be sent, as does an answer to nothing") {
  const VerbRunner verbs;
  const std::string file = verbs.write("p.yaml", kAsking);
  const std::string cases =
      verbs.write("p.test.yaml",
                  "cases:\n"
                  "  - {name: none, input: [{t: a}, {t: me@example.org}], answers: {sort: [bug]}}\n"
                  "  - {name: other, input: [{t: a}], answers: {sort: [{text: bug, asked: [b]}]}}\n"
                  "  - {name: left, input: [{t: a}], answers: {sort: [bug, other]}}\n"
                  "  - {name: no stage, input: [{t: a}], answers: {sor: [bug]}}\n");
  const VerbResult result = verbs.run({"test", file});
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == "0 passed, 4 failed\n");
  CHECK(contains(result.err, cases +
                                 ":2:5: failed: none: stage sort, event 2: no answer is left for what it asked:\n"
                                 "    --- user\n    Sort: [email]\n"));
  CHECK(contains(result.err,
                 "failed: other: stage sort, event 1: what it asked has no \"b\":\n"
                 "    --- user\n    Sort: a\n"));
  CHECK(contains(result.err, "failed: left: nothing asked for the answer at " + cases + ":4:57 of stage sort\n"));
  CHECK(contains(result.err, "failed: no stage: the pipeline has no stage 'sor' that asks a model\n"));
}

TEST_CASE("a file and its cases may both be named, and are run once") {
  const VerbRunner verbs;
  const std::string file = verbs.write("a.json", R"(["+", ["$input"], 1])");
  const std::string cases = verbs.write("a.test.yaml", "cases: [{name: adds, inputs: [1], expect: 2}]\n");
  const std::string spelled = verbs.path("./a.json");
  CHECK(verbs.run({"test", file, cases, spelled, cases}).out == "1 passed, 0 failed\n");
}

TEST_CASE("a failing case says where it is and what differed") {
  const VerbRunner verbs;
  const std::string file = verbs.write("p.yaml", kPipeline);
  const std::string cases = verbs.write("p.test.yaml",
                                        "cases:\n"
                                        "  - {name: a, input: [{n: 1}], expect: {all: [3]}}\n"
                                        "  - {name: b, input: [{n: 1}], expect: {al: [2]}}\n"
                                        "  - {name: c, input: [{n: x}]}\n"
                                        "  - {name: d, input: [{n: 1}], expect: {all: [2]}}\n");
  const VerbResult result = verbs.run({"test", file, "--junit", verbs.path("out.xml")});
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == "1 passed, 3 failed\n");
  CHECK(contains(result.err, cases + ":2:5: failed: a: sink all: at /0: expected 3, got 2\n"));
  CHECK(contains(result.err, "failed: b: the pipeline has no sink 'al'"));
  CHECK(contains(result.err, "failed: c: expected 0 dead letters, got 1: {"));
  CHECK(contains(verbs.read("out.xml"), "tests=\"4\" failures=\"3\""));
}

TEST_CASE("cases of a script compare values and categories of errors [REQ-050]") {
  const VerbRunner verbs;
  verbs.write("s.json", R"(["+", ["$input"], 1])");
  const std::string cases = verbs.write("s.test.yaml",
                                        "cases:\n"
                                        "  - {name: adds, inputs: [1], expect: 2}\n"
                                        "  - {name: refuses, inputs: [x], error: type}\n"
                                        "  - {name: wrong, inputs: [1], error: type}\n"
                                        "  - {name: other, inputs: [x], error: value}\n"
                                        "  - {name: fails, inputs: [x], expect: 1}\n");
  const VerbResult result = verbs.run({"test", cases});
  CHECK(result.exit == Exit::kFailed);
  CHECK(result.out == "2 passed, 3 failed\n");
  CHECK(contains(result.err, "failed: wrong: expected error[type], got 2"));
  CHECK(contains(result.err, "failed: other: expected error[value], got error[type]: "));
  CHECK(contains(result.err, "failed: fails: error[type]: "));
  CHECK(contains(result.err, verbs.path("s.json") + ":1:7)\n    [\"+\", [\"$input\"], 1]\n          ^\n"));
}

TEST_CASE("a case may expect that the script does not even compile") {
  const VerbRunner verbs;
  verbs.write("s.json", "[\"nope\"]");
  const std::string cases = verbs.write("s.test.yaml", "cases: [{name: a, error: unknown_operator}]\n");
  CHECK(verbs.run({"test", cases}).out == "1 passed, 0 failed\n");
}

TEST_CASE("the filter chooses cases by name, and no case at all is refused") {
  const VerbRunner verbs;
  verbs.write("s.json", "1");
  const std::string cases =
      verbs.write("s.test.yaml", "cases: [{name: one, expect: 1}, {name: two, expect: 2}]\n");
  CHECK(verbs.run({"test", cases, "--filter", "on"}).out == "1 passed, 0 failed\n");
  const VerbResult nothing = verbs.run({"test", cases, "--filter", "three"});
  CHECK(nothing.exit == Exit::kRefused);
  CHECK(contains(nothing.err, "no case has 'three' in its name"));
}

TEST_CASE("nothing runs while a file of cases or a pipeline has mistakes") {
  const VerbRunner verbs;
  verbs.write("s.json", "1");
  const std::string cases = verbs.write("s.test.yaml", "cases: [{name: one, expct: 1}]\n");
  const std::string pipeline = verbs.write("p.yaml", "nmae: x\n");
  verbs.write("p.test.yaml", "cases: []\n");
  const VerbResult result = verbs.run({"test", cases, pipeline, verbs.path("missing.json"), "README.md"});
  CHECK(result.exit == Exit::kRefused);
  CHECK(result.out.empty());
  for (const char* part : {"s.test.yaml:1:", "p.yaml:1:1", "missing.test.yaml", "README.md: not the name"}) {
    CHECK(contains(result.err, part));
  }
}

TEST_CASE("coverage names what the cases of a script never evaluate, and may be demanded [REQ-050]") {
  const VerbRunner verbs;
  const std::string script = verbs.write("s.computo", "if $input > 5 then\n  $input * 2\nelse \"small\"");
  const std::string cases = verbs.write("s.test.yaml", "cases: [{name: a, inputs: [1], expect: small}]\n");
  const VerbResult result = verbs.run({"test", cases, "--coverage"});
  INFO(result.out << result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == script + ": coverage 62.5 %, 5 of 8 expressions\n  " + script +
                          ":2:3: never evaluated: /if/then (*) and 2 in it\n1 passed, 0 failed\n");
  const VerbResult little = verbs.run({"test", cases, "--coverage-min", "80"});
  CHECK(little.exit == Exit::kFailed);
  CHECK(contains(little.err, "coverage is 62.5 %, below 80.0 %"));
  CHECK(verbs.run({"test", cases, "--coverage-min", "62.5"}).exit == Exit::kDone);
  CHECK(verbs.run({"test", cases, "--coverage-min", "most"}).exit == Exit::kRefused);
}

}  // namespace
}  // namespace colloquium::app
