// Running the cases of `colloquium test` against their script or pipeline.
//
// Thread safety: main thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "app/foundation.h"
#include "app/junit.h"
#include "app/script_files.h"
#include "app/test_file.h"
#include "computo/coverage.h"
#include "computo/program.h"
#include "engine/pipeline.h"

namespace colloquium::app {

// Each gives why the case failed, or nothing if it passed.

// The cases of one script. What is wrong with the script itself is a failure of each case, since a case may expect
// just that.
class ScriptCases {
 public:
  ScriptCases(const Script& script, bool with_coverage);

  std::string run(const TestCase& test);

  // Of all cases so far; null unless it was asked for, or if the script does not compile.
  const computo::Coverage* coverage() const { return coverage_.get(); }

 private:
  struct Outcome;
  Outcome evaluate(const std::vector<json::ValueView>& inputs);

  std::string origin_;
  SourceLines lines_;
  computo::ProgramPtr program_;  // null: see failure_
  computo::CompileFailure failure_;
  std::unique_ptr<computo::Evaluator> evaluator_;
  std::unique_ptr<computo::Coverage> coverage_;
};

// Runs the stages and every sink's `when` in memory.
std::string run_pipeline_case(const engine::Plan& plan, const TestCase& test, Foundation& foundation);

}  // namespace colloquium::app
