#include <catch2/catch.hpp>

#include "app/testing/verb_runner.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

TEST_CASE("computo profile lists expressions with their place, operator and source [REQ-213]") {
  const VerbRunner verbs;
  const std::string script = verbs.write("total.computo", "reduce($input/items,\n  (sum, x) => sum + x, 0)");
  const VerbResult result = verbs.run({"computo", "profile", script, R"({"items": [1, 2, 3]})"});
  INFO(result.out << result.err);
  CHECK(result.exit == Exit::kDone);
  CHECK(contains(result.out, script + ": 1 evaluation, "));
  CHECK(contains(result.out, "2:15      /reduce/lambda/body (+)\n"));
  CHECK(contains(result.out, "    (sum, x) => sum + x, 0)\n"));
}

TEST_CASE("computo profile prints JSON, evaluates lines, repeats, and tells of those that fail") {
  const VerbRunner verbs;
  const VerbResult result =
      verbs.run({"computo", "profile", "-e", "= $input + 1", "--each", "-", "--repeat", "3", "--format", "json"},
                "1\n\"x\"\n");
  CHECK(result.exit == Exit::kFailed);
  CHECK(contains(result.err, "error[type]"));
  CHECK(contains(result.err, "(input line 2)"));
  const auto document = json::parse(result.out, "out");
  REQUIRE(document);
  const json::ValueView report(document->text.data(), document->tape.data(), 0);
  CHECK(report.member("evaluations")->raw() == "6");
  const auto expressions = report.member("expressions");
  CHECK(expressions->count() == 3);
  const auto first = expressions->first_child();
  CHECK(first.member("count")->raw() != "0");
  for (const char* member : {"file", "line", "column", "path", "operator", "self_ns", "total_ns", "self_bytes",
                             "total_bytes", "source"}) {
    CHECK(first.member(member));
  }
}

TEST_CASE("computo profile refuses what it cannot measure") {
  const VerbRunner verbs;
  CHECK(verbs.run({"computo", "profile"}).exit == Exit::kRefused);
  CHECK(verbs.run({"computo", "profile", "-e", "1", "--repeat", "0"}).exit == Exit::kRefused);
  CHECK(verbs.run({"computo", "profile", "-e", "1", "--each", "x", "2"}).exit == Exit::kRefused);
  CHECK(verbs.run({"computo", "profile", "-e", "1", "--each", verbs.path("none")}).exit == Exit::kRefused);
  CHECK(verbs.run({"computo", "profile", "-e", "= 1 +"}).exit == Exit::kFailed);
}

}  // namespace
}  // namespace colloquium::app
