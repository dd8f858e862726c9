// From one notation of a script to the other (section 10.5 of the language).
//
// Thread safety: functions.
#pragma once

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

}  // namespace colloquium::computo
