#include "components/computo/script.h"

#include <string_view>

#include "base/assert.h"
#include "computo/expression.h"

namespace colloquium::components {

namespace {

constexpr size_t kScriptLimitBytes = size_t{64} << 20;

bool is_string(const ConfigNode& node) {
  return node.kind == ConfigNode::Kind::kString;
}

std::string resolved(const std::string& path, const std::string& base_dir) {
  if (path.starts_with('/') || base_dir.empty()) return path;
  return base_dir + "/" + path;
}

}  // namespace

bool is_script_path(const ConfigNode& node) {
  if (!is_string(node) || computo::is_sugar(node)) return false;
  return node.text.ends_with(".json") || node.text.ends_with(".computo");
}

computo::ProgramPtr compile_setting(const ConfigNode& node, const std::string& base_dir,
                                    const io::FileSystem& files, ConfigProblems& problems) {
  if (!is_script_path(node)) return computo::compile_expression(node, computo::host_variables(), problems);
  const std::string path = resolved(node.text, base_dir);
  const auto text = io::read_file(files, path, kScriptLimitBytes);
  if (!text) {
    problems.push_back({node.mark, "can't read the script '" + path + "': " + text.error().message});
    return nullptr;
  }
  return computo::compile_script(*text, path, computo::host_variables(), problems);
}

Result<computo::ProgramPtr> compile_setting(const ConfigNode& node, const std::string& base_dir,
                                            const io::FileSystem& files) {
  ConfigProblems problems;
  computo::ProgramPtr program = compile_setting(node, base_dir, files, problems);
  if (program != nullptr) return program;
  ASSERT(!problems.empty());
  const ConfigProblem& first = problems.front();
  return fail(ErrorCode::kInvalidConfig, first.message, first.mark.describe());
}

}  // namespace colloquium::components
