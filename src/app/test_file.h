// TestFile: the cases that stand beside a script or a pipeline.
//
//   total.json  → total.test.yaml               orders.yaml → orders.test.yaml
//   cases:                                      cases:
//     - name: adds                                - name: keeps the big ones
//       inputs: [1, 2]                              input: [{total: 5}, {total: 2000}]
//       expect: 3                                   expect: {big: [{total: 2000}]}
//     - name: wants numbers                         dead_letters: 0
//       inputs: ["x"]
//       error: type
//
// A script's case gives `inputs` and either `expect` or `error` (a category of the language). A pipeline's case
// gives `input`, what each sink named under `expect` gets (sinks not named are not looked at), and how many
// events become dead letters: none, unless `dead_letters` says so. What models say to its stages stands under
// `answers` (case_answers.h); nobody is asked.
//
// Thread safety: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"

#include "app/case_answers.h"

namespace colloquium::app {

struct TestCase {
  std::string name;
  std::vector<ConfigNode> inputs;
  std::vector<ConfigNode> input;
  std::optional<ConfigNode> expect;  // set even where it is null
  std::string error;
  int64_t dead_letters = 0;
  CaseAnswersByStage answers;
  ConfigMark mark;
};

// What the cases are about.
enum class TestSubject { kScript, kPipeline };

// Reads and checks; with errors among `problems` the result is incomplete.
std::vector<TestCase> read_test_file(std::string_view text, const std::string& file_name, TestSubject subject,
                                     ConfigProblems& problems);

// A file given to `test` is the subject or its test file; both names come back, found by looking for them.
struct TestFiles {
  std::string subject;
  std::string cases;
  TestSubject kind = TestSubject::kScript;
};
Result<TestFiles> find_test_files(const std::string& file);

}  // namespace colloquium::app
