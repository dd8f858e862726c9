// Expressions as they stand in YAML: a pipeline's `when`, `partition_by`, `dedupe.key`, the scripts of stages.
//
// An expression is Computo in JSON form, given as a YAML value: a list is a call, a string is a string; or in
// sugar, as a string that begins with '='. Every error carries the line and column of what it is about in the
// YAML file: of the YAML value, or of the place in the sugar. (In a string whose lines YAML folds, or that has
// escapes, columns behind the first of them are those of the text.)
//
// Thread safety: functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"

#include "computo/program.h"

namespace colloquium::computo {

// What every script of a stage or sink may read beside its inputs, in the order of their bindings.
// $event_metadata is the first.
const std::vector<std::string>& host_variables();
inline constexpr size_t kEventMetadata = 0;

// Whether the value is an expression in sugar.
bool is_sugar(const ConfigNode& node);

// What a script may name beside its inputs, and where scripts that it imports come from.
struct ExpressionScope {
  std::vector<std::string> variables = host_variables();  // in the order of their bindings
  std::vector<Metric> metrics = {};
  ImportScript import = nullptr;  // null: nothing can be imported
};

// What the scripts of a component that is created may name. Both may be null.
ScriptNames script_names(const std::string& base_dir, const std::map<std::string, std::string>* variables,
                         const ScriptMetrics* metrics);

// What every script may name, and what the pipeline declares.
ExpressionScope scope_of(const ScriptNames& names, ImportScript import);

// Compiles strictly: all unknown names and wrong argument counts join `problems`, each with its place; null
// then.
ProgramPtr compile_expression(const ConfigNode& node, const std::vector<std::string>& variables,
                              ConfigProblems& problems);

// The same with the first problem as an error; its context is the place.
Result<ProgramPtr> compile_expression(const ConfigNode& node, const std::vector<std::string>& variables);

// A script file's text, in the notation its name and its first character say (compile_source): places are in
// that file.
ProgramPtr compile_script(std::string_view text, const std::string& path,
                          const std::vector<std::string>& variables, ConfigProblems& problems);

// Both within a scope.
ProgramPtr compile_expression_in(const ConfigNode& node, const ExpressionScope& scope, ConfigProblems& problems);
ProgramPtr compile_script_in(std::string_view text, const std::string& path, const ExpressionScope& scope,
                             ConfigProblems& problems);

// The JSON text of a YAML value and where each of its parts came from.
struct ExpressionText {
  std::string json;
  std::vector<TextPosition> positions;
};
ExpressionText expression_text(const ConfigNode& node);

}  // namespace colloquium::computo
