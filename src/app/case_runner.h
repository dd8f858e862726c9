// Running the cases of `colloquium test` against their script or pipeline.
//
// Thread safety: main thread only.
#pragma once

#include <string>
#include <vector>

#include "colloquium/result.h"

#include "app/foundation.h"
#include "app/junit.h"
#include "app/test_file.h"
#include "engine/pipeline.h"

namespace colloquium::app {

// Each gives why the case failed, or nothing if it passed.

// `script` is the text of a script file. What is wrong with the script itself is a failure of the case, since a
// case may expect just that.
std::string run_script_case(const std::string& script, const TestCase& test);

// Runs the stages and every sink's `when` in memory.
std::string run_pipeline_case(const engine::Plan& plan, const TestCase& test, Foundation& foundation);

}  // namespace colloquium::app
