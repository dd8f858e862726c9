// Failure: an error as the machine notes it, and how it becomes a message with path, line and column.
//
// Running code carries only the token of each expression; everything else is worked out here, when something
// has failed. Thread safety: values and functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  const char* advice = nullptr;        // ScriptError::advice
  std::vector<std::string> arguments;  // ScriptError::arguments
  uint32_t first_argument = 0;
  bool secret = false;  // one of the values it speaks of has to stay secret
};

ScriptError explain(const Program& program, const Failure& failure);

// The token of a call's argument; the call itself if it has none of that number.
uint32_t argument_token(const Program& program, uint32_t call, uint32_t argument);

// What may be done about a value of the wrong type; null if nothing comes to mind.
const char* advice_for(std::string_view expected, Type got);

// Where an expression stands, as a ScriptError says it.
std::string path_of(const Program& program, uint32_t token);

// The place of a byte of the program's text, for errors of the text itself.
void locate(const Program& program, uint64_t byte, ScriptError& error);

// "number 5", "string \"x\"", "array of 3", for "expected …, got …"; of a secret only the type.
std::string describe(const Value& value);

}  // namespace colloquium::computo
