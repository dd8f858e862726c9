// What the tests of the library share: calling an operator with values that no compiler sees.
//
// Tests only. Thread safety: none needed.
#pragma once

#include <string>
#include <string_view>

#include "computo/testing.h"

namespace colloquium::computo::testing {

// The outcome of the operator called with the elements of a JSON array, each taken from the input.
inline std::string call(std::string_view name, std::string_view arguments, const Limits& limits = {}) {
  const Text text(arguments);
  std::string script = "[\"" + std::string(name) + "\"";
  for (uint32_t i = 0; i < text.view().count(); ++i) script += ",[\"$input\",\"/" + std::to_string(i) + "\"]";
  INFO(script);
  Evaluator evaluator(compiled(script + "]"), limits);
  return outcome(evaluator, {text.view()});
}

// What a strict compilation says, "" if nothing.
inline std::string strict_problem(std::string_view script) {
  CompileOptions options;
  options.strict = true;
  CompileFailure failure;
  const ProgramPtr program = compile_json(script, options, failure);
  CHECK((program == nullptr) == !failure.errors.empty());
  if (failure.errors.empty()) return {};
  return std::string(to_string(failure.errors.front().category)) + " " + failure.errors.front().problem;
}

}  // namespace colloquium::computo::testing
