#include "components/computo/script.h"

#include <string_view>

#include "base/assert.h"
#include "config/paths.h"

namespace colloquium::components {

namespace {

constexpr size_t kScriptLimitBytes = size_t{64} << 20;

bool is_string(const ConfigNode& node) {
  return node.kind == ConfigNode::Kind::kString;
}

}  // namespace

bool is_script_path(const ConfigNode& node) {
  if (!is_string(node) || computo::is_sugar(node)) return false;
  return node.text.ends_with(".json") || node.text.ends_with(".computo");
}

computo::ExpressionScope scope_of(const ScriptNames& names, const io::FileSystem& files) {
  return computo::scope_of(names, [&files](const std::string& path, const std::string& from, std::string& found,
                                           std::string& problem) {
    return io::read_beside(files, path, from, kScriptLimitBytes, found, problem);
  });
}

ScriptNames script_names(const ComponentContext& context) {
  return computo::script_names(context.base_dir, context.script_variables.get(), context.script_metrics.get());
}

computo::ProgramPtr compile_setting(const ConfigNode& node, const std::string& base_dir,
                                    const computo::ExpressionScope& scope, const io::FileSystem& files,
                                    ConfigProblems& problems) {
  if (!is_script_path(node)) return computo::compile_expression_in(node, scope, problems);
  const std::string path = config::resolved_path(base_dir, node.text);
  const auto text = io::read_file(files, path, kScriptLimitBytes);
  if (!text) {
    problems.push_back({node.mark, "can't read the script '" + path + "': " + text.error().message});
    return nullptr;
  }
  return computo::compile_script_in(*text, path, scope, problems);
}

Result<computo::ProgramPtr> compile_setting(const ConfigNode& node, const std::string& base_dir,
                                            const computo::ExpressionScope& scope, const io::FileSystem& files) {
  ConfigProblems problems;
  computo::ProgramPtr program = compile_setting(node, base_dir, scope, files, problems);
  if (program != nullptr) return program;
  ASSERT(!problems.empty());
  const ConfigProblem& first = problems.front();
  return fail(ErrorCode::kInvalidConfig, first.message, first.mark.describe());
}

}  // namespace colloquium::components
