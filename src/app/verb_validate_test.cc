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

TEST_CASE("names of pipelines are unique, and so are files") {
  const VerbRunner verbs;
  const std::string one = verbs.write("one.yaml", kGood);
  const std::string two = verbs.write("two.yaml", kGood);
  CHECK(contains(verbs.run({"validate", one, two}).err, "'orders' is already in " + one));
  CHECK(contains(verbs.run({"validate", one, one}).err, "given twice"));
}

}  // namespace
}  // namespace colloquium::app
