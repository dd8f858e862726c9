// Failure: an error as the machine notes it, and how it becomes a message with path, line and column.
//
// Running code carries only the token of each expression; everything else is worked out here, when something
// has failed. Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "computo/code.h"
#include "computo/program.h"
#include "computo/value.h"

namespace colloquium::computo {

struct Failure {
  Category category = Category::kType;
  uint32_t site = 0;                // token of the expression
  uint16_t argument = kNoArgument;  // which of its arguments, if one is to blame
  std::string problem;
  std::string hint;
};

ScriptError explain(const Program& program, const Failure& failure);

// The place of a byte of the program's text, for errors of the text itself.
void locate(const Program& program, uint64_t byte, ScriptError& error);

// "number 5", "string \"x\"", "array of 3", for "expected …, got …".
std::string describe(const Value& value);

}  // namespace colloquium::computo
