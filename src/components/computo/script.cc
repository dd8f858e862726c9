#include "components/computo/script.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "config/paths.h"

namespace colloquium::components {

namespace {

constexpr size_t kScriptLimitBytes = size_t{64} << 20;

// A scope's kinds are those of the language, in the same order.
static_assert(static_cast<int>(ScriptMetricKind::kCounter) == static_cast<int>(computo::MetricKind::kCounter));
static_assert(static_cast<int>(ScriptMetricKind::kGauge) == static_cast<int>(computo::MetricKind::kGauge));
static_assert(static_cast<int>(ScriptMetricKind::kHistogram) == static_cast<int>(computo::MetricKind::kHistogram));

bool is_string(const ConfigNode& node) {
  return node.kind == ConfigNode::Kind::kString;
}

}  // namespace

bool is_script_path(const ConfigNode& node) {
  if (!is_string(node) || computo::is_sugar(node)) return false;
  return node.text.ends_with(".json") || node.text.ends_with(".computo");
}

computo::ExpressionScope scope_of(const ScriptNames& names, const io::FileSystem& files) {
  computo::ExpressionScope scope;
  scope.variables.insert(scope.variables.end(), names.variables.begin(), names.variables.end());
  for (const ScriptMetric& metric : names.metrics) {
    scope.metrics.push_back({metric.name, static_cast<computo::MetricKind>(metric.kind)});
  }
  scope.import = [&files](const std::string& path, const std::string& from, std::string& found,
                          std::string& problem) {
    return io::read_beside(files, path, from, kScriptLimitBytes, found, problem);
  };
  return scope;
}

ScriptNames script_names(const ComponentContext& context) {
  ScriptNames names;
  names.base_dir = context.base_dir;
  const std::vector<std::string>& known = computo::host_variables();
  if (context.script_variables != nullptr) {
    for (const auto& [name, value] : *context.script_variables) {
      if (std::find(known.begin(), known.end(), name) == known.end()) names.variables.push_back(name);
    }
  }
  if (context.script_metrics != nullptr) names.metrics = context.script_metrics->declared();
  return names;
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
