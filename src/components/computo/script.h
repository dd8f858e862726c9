// Script: what a stage's setting names, compiled. A `.json` or `.computo` file, or an inline expression.
//
// Scripts that it imports are found from the folder of the script, or of the pipeline's file, that names them.
// Thread safety: functions.
#pragma once

#include <string>

#include "colloquium/component.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "computo/expression.h"
#include "computo/program.h"
#include "io/file_system.h"

namespace colloquium::components {

// Whether the setting is a path: a string that ends in .json or .computo.
bool is_script_path(const ConfigNode& node);

// What scripts may name: what every script may, and what the pipeline declares.
computo::ExpressionScope scope_of(const ScriptNames& names, const io::FileSystem& files);
// The same as a component that is created is told it.
ScriptNames script_names(const ComponentContext& context);

// Null with at least one problem added: the file cannot be read, or the script is wrong (each place with a
// problem of its own). Relative paths start at `base_dir`.
computo::ProgramPtr compile_setting(const ConfigNode& node, const std::string& base_dir,
                                    const computo::ExpressionScope& scope, const io::FileSystem& files,
                                    ConfigProblems& problems);

// The same with the first problem as an error.
Result<computo::ProgramPtr> compile_setting(const ConfigNode& node, const std::string& base_dir,
                                            const computo::ExpressionScope& scope, const io::FileSystem& files);

}  // namespace colloquium::components
