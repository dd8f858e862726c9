// JUnit XML of test results, as CI systems read it.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <vector>

namespace colloquium::app {

struct CaseResult {
  std::string suite;  // the file tested
  std::string name;
  std::string failure;  // why it failed; empty if it passed
  double seconds = 0;

  bool passed() const { return failure.empty(); }
};

// Results of one suite have to stand together. The form is the one that Jenkins, GitLab and GitHub actions read.
std::string junit_xml(const std::vector<CaseResult>& results);

}  // namespace colloquium::app
