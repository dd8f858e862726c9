#include "components/file/file_path.h"

#include <array>
#include <climits>
#include <unistd.h>
#include <utility>

#include "config/problems.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::components {

std::string resolve_path(const std::string& base_dir, const std::string& path) {
  if (path.starts_with('/') || base_dir.empty() || base_dir == ".") return path;
  return io::join(base_dir, path);
}

void refuse(const ConfigNode& settings, const std::string& key, std::string message, ConfigProblems& problems) {
  const ConfigNode* node = settings.kind == ConfigNode::Kind::kMap ? settings.find(key) : nullptr;
  config::add_error(problems, node == nullptr ? settings.mark : node->mark, std::move(message));
}

void check_path(const ConfigNode& settings, const std::string& path, ConfigProblems& problems) {
  // What could not be substituted has been reported already.
  const ConfigNode* node = settings.kind == ConfigNode::Kind::kMap ? settings.find("path") : &settings;
  if (node == nullptr || node->unresolved) return;
  if (path.empty()) {
    refuse(settings, "path", "path is empty; name a file", problems);
  } else if (path.find('%') != std::string::npos) {
    refuse(settings, "path",
           "path holds a '%': time fields in file names, such as %Y%m%d, are not supported by this version; "
           "write a name without",
           problems);
  }
}

std::vector<Claim> claim_file(const std::string& base_dir, const std::string& path, bool shared,
                              std::string advice) {
  if (path.empty()) return {};
  std::string name = resolve_path(base_dir, path);
  std::array<char, PATH_MAX> here{};
  if (!name.starts_with('/') && ::getcwd(here.data(), here.size()) != nullptr) name = io::join(here.data(), name);
  return {{"the file " + io::beside("", name), "path", shared, std::move(advice)}};
}

Result<io::FileSystem*> file_system_of(const ComponentContext& context) {
  io::FileSystem* file_system = context.services.find<io::FileSystem>();
  if (file_system == nullptr) {
    return fail(ErrorCode::kInternal, "the process provides no file system to its components",
                context.pipeline + "/" + context.name);
  }
  return file_system;
}

}  // namespace colloquium::components
