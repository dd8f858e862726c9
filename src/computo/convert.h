// From one notation of a script to the other (section 10.5 of the language).
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "computo/program.h"

namespace colloquium::computo {

// A script in sugar as JSON text. Nothing if it is wrong: `error` says where and why.
std::optional<std::string> to_json(std::string_view sugar, const CompileOptions& options, ScriptError& error);

// A script in JSON as sugar, in the canonical layout (sugar_writer.h). Nothing if it is no JSON or has no sugar
// form: `error` says where and why.
std::optional<std::string> to_sugar(std::string_view json, const CompileOptions& options, ScriptError& error);

// Numbers of a script in JSON that its sugar has without their fraction or exponent: 0.0 and 1e3 come out as the
// integers 0 and 1000 (section 2.4 of the language). None of a text that is no JSON.
struct LostFractions {
  size_t count = 0;
  std::string first;  // as it is spelled
  uint32_t line = 0;  // of the first
  uint32_t column = 0;
};
LostFractions lost_fractions(std::string_view json, const CompileOptions& options);

}  // namespace colloquium::computo
