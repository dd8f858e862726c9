// Expressions as they stand in YAML: a pipeline's `when`, `partition_by`, `dedupe.key`, the scripts of stages.
//
// An expression is Computo in JSON form, given as a YAML value: a list is a call, a string is a string. Every
// error carries the line and column of the YAML value it is about. What begins with '=' is sugar, which this
// version refuses with a message that says so.
//
// Thread safety: functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "computo/program.h"

namespace colloquium::computo {

// What every script of a stage or sink may read beside its inputs, in the order of their bindings.
// $event_metadata is the first.
const std::vector<std::string>& host_variables();
inline constexpr size_t kEventMetadata = 0;

// Compiles strictly: all unknown names and wrong argument counts join `problems`, each with its place; null
// then.
ProgramPtr compile_expression(const ConfigNode& node, const std::vector<std::string>& variables,
                              ConfigProblems& problems);

// The same with the first problem as an error; its context is the place.
Result<ProgramPtr> compile_expression(const ConfigNode& node, const std::vector<std::string>& variables);

// A script file's text (`.json`): places are in that file.
ProgramPtr compile_script(std::string_view text, const std::string& path,
                          const std::vector<std::string>& variables, ConfigProblems& problems);

// The JSON text of a YAML value and where each of its parts came from.
struct ExpressionText {
  std::string json;
  std::vector<TextPosition> positions;
};
ExpressionText expression_text(const ConfigNode& node);

}  // namespace colloquium::computo
