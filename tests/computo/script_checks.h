// What must hold of the evaluation of any script: shared by the tests and the fuzzers.
//
// Tests only. Thread safety: functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"

namespace colloquium::computo::testing {

// Bounds that keep any one evaluation below a few milliseconds.
Limits small_limits();

// The result as JSON, or "error <category> at <path>"; of a script that cannot be compiled, "no script:
// <category>". An input that is no JSON counts as null.
std::string evaluated(std::string_view script, std::string_view input, bool optimize = true);

// Compiles and evaluates the script over the input, over others in between, with constants worked out ahead and
// without, with memory that was used before and memory that was not: all must give the same. Empty if they do,
// else what differs. Where a bound of `small_limits` is met they may differ, since steps and memory do.
std::string check_evaluation(std::string_view script, std::string_view input);

// The script as sugar and back evaluates to the same, too, and is written the same again. Empty if so.
std::string check_conversion(std::string_view script, std::string_view input);

}  // namespace colloquium::computo::testing
