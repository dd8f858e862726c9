#include "app/test_file.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "config/problems.h"
#include "io/file_system.h"
#include "tests/temporary_directory.h"

namespace colloquium::app {
namespace {

std::string problems_of(const std::string& text, TestSubject subject) {
  ConfigProblems problems;
  read_test_file(text, "x.test.yaml", subject, problems);
  return config::describe(problems);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a script's cases are read, and `expect: null` is an expectation [REQ-107]") {
  ConfigProblems problems;
  const auto cases = read_test_file(
      "cases:\n"
      "  - {name: adds, inputs: [1, {a: [2]}], expect: 3}\n"
      "  - {name: drops, inputs: [1], expect: null}\n"
      "  - {name: fails, error: type}\n",
      "x.test.yaml", TestSubject::kScript, problems);
  INFO(config::describe(problems));
  CHECK(problems.empty());
  REQUIRE(cases.size() == 3);
  CHECK(cases[0].inputs.size() == 2);
  CHECK(cases[0].inputs[1].to_json() == "{\"a\":[2]}");
  CHECK(cases[0].expect->to_json() == "3");
  REQUIRE(cases[1].expect.has_value());
  CHECK(cases[1].expect->to_json() == "null");
  CHECK_FALSE(cases[2].expect.has_value());
  CHECK(cases[2].error == "type");
}

TEST_CASE("a pipeline's cases are read") {
  ConfigProblems problems;
  const auto cases = read_test_file(
      "cases:\n  - name: keeps\n    input: [{total: 1}]\n    expect: {all: [{total: 1}], big: []}\n    "
      "dead_letters: 2\n",
      "x.test.yaml", TestSubject::kPipeline, problems);
  INFO(config::describe(problems));
  CHECK(problems.empty());
  REQUIRE(cases.size() == 1);
  CHECK(cases[0].dead_letters == 2);
  CHECK(cases[0].expect->members.size() == 2);
}

TEST_CASE("what does not fit a case is told with its place") {
  CHECK(contains(problems_of("cases:\n  - {name: a, inputs: [1]}\n", TestSubject::kScript), "x.test.yaml:2:5"));
  CHECK(contains(problems_of("cases: [{name: a, expect: 1, error: type}]", TestSubject::kScript), "either"));
  CHECK(contains(problems_of("cases: [{name: a, input: [1], expect: 1}]", TestSubject::kScript), "'inputs'"));
  CHECK(contains(problems_of("cases: [{name: a, dead_letters: 1, expect: 1}]", TestSubject::kScript),
                 "dead_letters"));
  CHECK(contains(problems_of("cases: [{name: a, inputs: [1]}]", TestSubject::kPipeline), "'input'"));
  CHECK(contains(problems_of("cases: [{name: a, error: type}]", TestSubject::kPipeline), "dead_letters"));
  CHECK(contains(problems_of("cases: [{name: a, expect: [1]}]", TestSubject::kPipeline), "sinks"));
  CHECK(contains(problems_of("cases: [{name: a, expct: 1}]", TestSubject::kScript), "did you mean 'expect'?"));
  CHECK(contains(problems_of("cases: [{expect: 1}]", TestSubject::kScript), "name"));
  const std::string unknown = problems_of("cases: [{name: a, error: typo}]", TestSubject::kScript);
  CHECK(contains(unknown, "x.test.yaml:1:26: error: there is no category of errors 'typo'; did you mean 'type'?"));
  CHECK(contains(unknown, "unrepresentable or user"));
  CHECK(problems_of("cases: [{name: a, error: user}]", TestSubject::kScript).empty());
  CHECK(contains(problems_of("case: []", TestSubject::kScript), "cases"));
}

TEST_CASE("the cases are found beside their subject, and the subject beside its cases") {
  const TemporaryDirectory directory;
  const auto make = [&](const std::string& name) {
    const std::string path = directory.path() + "/" + name;
    REQUIRE(io::write_file_atomically(io::posix_file_system(), path, "x").has_value());
    return path;
  };
  const std::string script = make("total.json");
  const std::string pipeline = make("orders.yaml");
  const std::string script_cases = make("total.test.yaml");
  const std::string pipeline_cases = make("orders.test.yaml");

  auto files = find_test_files(script);
  REQUIRE(files.has_value());
  CHECK(files->cases == script_cases);
  CHECK(files->kind == TestSubject::kScript);
  files = find_test_files(pipeline_cases);
  REQUIRE(files.has_value());
  CHECK(files->subject == pipeline);
  CHECK(files->kind == TestSubject::kPipeline);

  CHECK_FALSE(find_test_files(directory.path() + "/other.test.yaml").has_value());
  CHECK_FALSE(find_test_files("README.md").has_value());
}

}  // namespace
}  // namespace colloquium::app
