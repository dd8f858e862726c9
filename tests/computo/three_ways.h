// One evaluation, three ways: over inputs that the evaluator walks itself, over a tape that is handed over (as
// between the stages of a leg), and over what a batch of the log gives back. Whichever it was, a script must
// answer the same.
//
// All three go through EventEvaluator, which is what stages evaluate with. Tests only; belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"

namespace colloquium::computo::testing {

struct Outcome {
  std::string value;  // JSON; empty if the evaluation failed
  std::string error;  // category, if it failed
  std::string hint;
  std::string described;  // the whole message, if it failed
  bool operator==(const Outcome&) const = default;
};

// The common answer of all three ways. If they differ, or a way could not be gone, the error is `ways_disagree`
// and `described` says which gave what. An input that is no JSON is refused as the door refuses it: `parse`, or
// `limit` if it nests too deep.
Outcome evaluate_three_ways(const ProgramPtr& program, const std::vector<std::string>& inputs);

}  // namespace colloquium::computo::testing
