#include "computo/expression.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "computo/notation.h"
#include "computo/text.h"
#include "json/escape.h"
#include "json/writer.h"

namespace colloquium::computo {

namespace {

// Prints YAML as JSON and notes at which byte each value and key begins.
class ExpressionPrinter {
 public:
  ExpressionText print(const ConfigNode& node) && {
    value(node);
    ASSERT(!text_.positions.empty());
    return std::move(text_);
  }

 private:
  void place(const ConfigMark& mark) {
    text_.positions.push_back({static_cast<uint32_t>(text_.json.size()), static_cast<uint32_t>(mark.line),
                               static_cast<uint32_t>(mark.column)});
  }

  void value(const ConfigNode& node) {
    using NodeKind = ConfigNode::Kind;
    place(node.mark);
    switch (node.kind) {
      case NodeKind::kNull:
        text_.json += "null";
        return;
      case NodeKind::kBool:
        text_.json += node.boolean ? "true" : "false";
        return;
      case NodeKind::kInteger:
      case NodeKind::kDouble:
        text_.json += number(node);
        return;
      case NodeKind::kString:
        json::append_quoted(node.text, text_.json);
        return;
      case NodeKind::kList:
        return list(node);
      case NodeKind::kMap:
        return map(node);
    }
    ASSERT_WHY(false, "every kind is listed");
  }

  // As written, so that no digit is lost; a node made by hand may have no text.
  static std::string number(const ConfigNode& node) {
    if (!node.text.empty()) return node.text;
    if (node.kind == ConfigNode::Kind::kInteger) return std::to_string(node.integer);
    char digits[kNumberBound];
    ASSERT(node.kind == ConfigNode::Kind::kDouble);
    return std::string(digits, json::write_double(node.number, digits));
  }

  void list(const ConfigNode& node) {
    text_.json += '[';
    for (size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) text_.json += ',';
      value(node.items[i]);
    }
    text_.json += ']';
  }

  void map(const ConfigNode& node) {
    text_.json += '{';
    for (size_t i = 0; i < node.members.size(); ++i) {
      if (i > 0) text_.json += ',';
      place(node.members[i].mark);
      json::append_quoted(node.members[i].key, text_.json);
      text_.json += ':';
      value(node.members[i].value);
    }
    text_.json += '}';
  }

  ExpressionText text_;
};

// A script error as a problem of the file it stands in.
ConfigProblem problem_of(const ScriptError& error, const std::shared_ptr<const std::string>& file) {
  ConfigProblem problem;
  const auto origin = error.origin.empty() ? file : std::make_shared<const std::string>(error.origin);
  problem.mark = {origin, static_cast<int>(error.line), static_cast<int>(error.column)};
  problem.message = std::string(to_string(error.category)) + ": " + error.message();
  ASSERT(!problem.message.empty());
  return problem;
}

using CompileText = ProgramPtr (*)(std::string_view, const CompileOptions&, CompileFailure&);

ProgramPtr compile(CompileText compiler, std::string_view text, const CompileOptions& options,
                   const std::shared_ptr<const std::string>& file, ConfigProblems& problems) {
  CompileFailure failure;
  ProgramPtr program = compiler(text, options, failure);
  ASSERT((program == nullptr) == !failure.errors.empty());
  for (const ScriptError& error : failure.errors) problems.push_back(problem_of(error, file));
  return program;
}

CompileOptions strict_options(const ExpressionScope& scope) {
  CompileOptions options;
  options.variables = scope.variables;
  options.metrics = scope.metrics;
  options.import = scope.import;
  options.strict = true;
  return options;
}

// Where the lines of a string stand in its file: those of a block one below the other, any other string behind
// its mark.
std::vector<TextPosition> line_positions(const ConfigNode& node) {
  ASSERT(node.kind == ConfigNode::Kind::kString);
  const auto line = static_cast<uint32_t>(node.mark.line);
  if (node.block_column == 0) {
    return {{0, line, static_cast<uint32_t>(node.mark.column) + (node.quoted ? 1 : 0)}};
  }
  std::vector<TextPosition> positions;
  for (size_t begin = 0; begin < node.text.size();) {
    const auto ordinal = static_cast<uint32_t>(positions.size());
    positions.push_back(
        {static_cast<uint32_t>(begin), line + 1 + ordinal, static_cast<uint32_t>(node.block_column)});
    const size_t end = node.text.find('\n', begin);
    begin = end == std::string::npos ? node.text.size() : end + 1;
  }
  return positions;
}

}  // namespace

const std::vector<std::string>& host_variables() {
  static const std::vector<std::string> names = {"event_metadata", "stream_metadata", "pipeline_config"};
  ASSERT(names[kEventMetadata] == "event_metadata");
  return names;
}

// A scope's kinds are those of the language, in the same order.
static_assert(static_cast<int>(ScriptMetricKind::kCounter) == static_cast<int>(MetricKind::kCounter));
static_assert(static_cast<int>(ScriptMetricKind::kGauge) == static_cast<int>(MetricKind::kGauge));
static_assert(static_cast<int>(ScriptMetricKind::kHistogram) == static_cast<int>(MetricKind::kHistogram));

ScriptNames script_names(const std::string& base_dir, const std::map<std::string, std::string>* variables,
                         const ScriptMetrics* metrics) {
  ScriptNames names;
  names.base_dir = base_dir;
  const std::vector<std::string>& known = host_variables();
  if (variables != nullptr) {
    for (const auto& [name, value] : *variables) {
      if (std::find(known.begin(), known.end(), name) == known.end()) names.variables.push_back(name);
    }
  }
  if (metrics != nullptr) names.metrics = metrics->declared();
  return names;
}

ExpressionScope scope_of(const ScriptNames& names, ImportScript import) {
  ExpressionScope scope;
  scope.variables.insert(scope.variables.end(), names.variables.begin(), names.variables.end());
  for (const ScriptMetric& metric : names.metrics) {
    scope.metrics.push_back({metric.name, static_cast<MetricKind>(metric.kind)});
  }
  scope.import = std::move(import);
  return scope;
}

bool is_sugar(const ConfigNode& node) {
  return node.kind == ConfigNode::Kind::kString && node.text.starts_with('=');
}

ExpressionText expression_text(const ConfigNode& node) {
  return ExpressionPrinter().print(node);
}

ProgramPtr compile_expression(const ConfigNode& node, const std::vector<std::string>& variables,
                              ConfigProblems& problems) {
  return compile_expression_in(node, {.variables = variables}, problems);
}

ProgramPtr compile_expression_in(const ConfigNode& node, const ExpressionScope& scope, ConfigProblems& problems) {
  CompileOptions options = strict_options(scope);
  if (node.mark.file) options.origin = *node.mark.file;
  if (is_sugar(node)) {
    options.positions = line_positions(node);
    return compile(compile_sugar, *marked_sugar(node.text), options, node.mark.file, problems);
  }
  ExpressionText text = expression_text(node);
  options.positions = std::move(text.positions);
  ASSERT(!text.json.empty());
  return compile(compile_json, text.json, options, node.mark.file, problems);
}

Result<ProgramPtr> compile_expression(const ConfigNode& node, const std::vector<std::string>& variables) {
  ConfigProblems problems;
  ProgramPtr program = compile_expression(node, variables, problems);
  if (program != nullptr) return program;
  ASSERT(!problems.empty());
  const ConfigMark& mark = problems.front().mark;
  const std::string place =
      (mark.file ? *mark.file + ":" : "") + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  return fail(ErrorCode::kInvalidConfig, problems.front().message, place);
}

ProgramPtr compile_script(std::string_view text, const std::string& path,
                          const std::vector<std::string>& variables, ConfigProblems& problems) {
  return compile_script_in(text, path, {.variables = variables}, problems);
}

ProgramPtr compile_script_in(std::string_view text, const std::string& path, const ExpressionScope& scope,
                             ConfigProblems& problems) {
  CompileOptions options = strict_options(scope);
  options.origin = path;
  ASSERT(options.positions.empty());
  return compile(compile_source, text, options, std::make_shared<const std::string>(path), problems);
}

}  // namespace colloquium::computo
