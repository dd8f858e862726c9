#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "app/testing/verb_runner.h"

namespace colloquium::app {
namespace {

constexpr const char* kGood = "name: orders\nlog: off\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n";
constexpr const char* kBad =
    "name: orders\nlog: {compresion: lz4}\nsources: [{stdni: {}}]\nsinks: [{stdout: {}}]\n";

TEST_CASE("a pipeline without mistakes is ok, and explained on request [REQ-106]") {
  const VerbRunner verbs;
  const std::string file = verbs.write("orders.yaml", kGood);
  VerbResult result = verbs.run({"validate", file});
  CHECK(result.exit == Exit::kDone);
  CHECK(result.out == file + ": ok\n");
  CHECK(result.err.empty());
  result = verbs.run({"validate", "--explain", file});
  CHECK(contains(result.out, "pipeline orders"));
  CHECK(contains(result.out, "stdin -> stdout"));
}

TEST_CASE("every mistake of every file is told with its place [REQ-106]") {
  const VerbRunner verbs;
  const std::string bad = verbs.write("bad.yaml", kBad);
  const std::string good = verbs.write("good.yaml", kGood);
  const VerbResult result = verbs.run({"validate", bad, verbs.path("missing.yaml"), good});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, bad + ":2:7: error: unknown key 'compresion' in log; did you mean 'compression'?"));
  CHECK(contains(result.err, bad + ":3:"));
  CHECK(contains(result.err, "missing.yaml"));
  CHECK(contains(result.out, good + ": ok"));
  CHECK_FALSE(contains(result.out, bad));
}

TEST_CASE("the same problems come as JSON") {
  const VerbRunner verbs;
  const std::string file = verbs.write("bad.yaml", kBad);
  const VerbResult result = verbs.run({"validate", "--format", "json", file});
  CHECK(result.exit == Exit::kRefused);
  CHECK(result.err.empty());
  const auto problems = nlohmann::json::parse(result.out);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0]["file"] == file);
  CHECK(problems[0]["line"] == 2);
  CHECK(problems[0]["column"] == 7);
  CHECK(problems[0]["severity"] == "error");
  CHECK(contains(problems[0]["message"], "compresion"));
  CHECK(verbs.run({"validate", "--format", "json", verbs.write("good.yaml", kGood)}).out == "[]\n");
}

TEST_CASE("validate: --explain and JSON do not go together") {
  const VerbRunner verbs;
  const VerbResult result = verbs.run({"validate", "--format", "json", "--explain", verbs.write("a.yaml", kGood)});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, "--explain"));
}

TEST_CASE("two components that take the same thing are told both places, in one pipeline and over several") {
  const VerbRunner verbs;
  const std::string twice = verbs.write("twice.yaml",
                                        "name: twice\n"
                                        "sources:\n"
                                        "  - name: hook\n"
                                        "    http: {path: /in}\n"
                                        "  - http: {path: /in}\n"
                                        "  - stdin: {}\n"
                                        "sinks:\n"
                                        "  - file: {path: out/o}\n"
                                        "  - file: ./out/../out//o\n");
  const VerbResult one = verbs.run({"validate", twice});
  CHECK(one.exit == Exit::kRefused);
  CHECK(contains(one.err, twice + ":5:18: error: the path /in is taken already by the source 'hook' at " + twice +
                              ":4:18; give every http source a path of its own"));
  CHECK(contains(one.err, twice + ":9:11: error: the file " + verbs.path("out/o") +
                              " is taken already by the sink 'file' at " + twice + ":8:18; a sink needs"));
  CHECK_FALSE(contains(one.out, ": ok"));
  const std::string other = verbs.write("other.yaml",
                                        "name: other\nlog: off\n"
                                        "sources: [{stdin: {}}, {http: {path: /other}}]\n"
                                        "sinks: [{stdout: {}}, {file: {path: out/o}}]\n");
  const VerbResult both = verbs.run({"validate", twice, other});
  CHECK(contains(both.err, other + ":3:12: error: standard input is taken already by the source 'stdin' at " +
                               twice + ":6:5; only one"));
  CHECK(contains(both.err, other + ":4:37: error: the file "));
  CHECK(verbs.run({"validate", other}).exit == Exit::kDone);
}

TEST_CASE("a file may be read by several sources, and not be read and written") {
  const VerbRunner verbs;
  verbs.write("in", "1\n");
  const std::string reads = verbs.write("reads.yaml",
                                        "name: reads\nsources: [{file: in}, {file: ./in}]\n"
                                        "sinks: [{file: out}]\n");
  CHECK(verbs.run({"validate", reads}).exit == Exit::kDone);
  const std::string eats = verbs.write("eats.yaml",
                                       "name: eats\nsources: [{file: in}]\n"
                                       "sinks: [{file: in}]\n");
  const VerbResult result = verbs.run({"validate", eats});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, eats + ":3:16: error: the file " + verbs.path("in") +
                                 " is taken already by the source 'file' at " + eats + ":2:18"));
}

TEST_CASE("names of pipelines are unique, and so are files") {
  const VerbRunner verbs;
  const std::string one = verbs.write("one.yaml", kGood);
  const std::string two = verbs.write("two.yaml", kGood);
  CHECK(contains(verbs.run({"validate", one, two}).err, "'orders' is already in " + one));
  CHECK(contains(verbs.run({"validate", one, one}).err, "given twice"));
}

}  // namespace
}  // namespace colloquium::app
