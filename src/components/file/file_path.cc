#include "components/file/file_path.h"

#include <array>
#include <climits>
#include <unistd.h>
#include <utility>

#include "config/paths.h"
#include "config/problems.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::components {

void check_path(const ConfigNode& settings, const std::string& path, ConfigProblems& problems) {
  // What could not be substituted has been reported already.
  const ConfigNode* node = settings.kind == ConfigNode::Kind::kMap ? settings.find("path") : &settings;
  if (node == nullptr || node->unresolved) return;
  if (path.empty()) {
    config::refuse(settings, "path", "path is empty; name a file", problems);
  } else if (path.find('%') != std::string::npos) {
    config::refuse(
        settings, "path",
        "path holds a '%': time fields in file names, such as %Y%m%d, are not supported by this version; "
        "write a name without",
        problems);
  }
}

std::vector<Claim> claim_file(const std::string& base_dir, const std::string& path, bool shared,
                              std::string advice) {
  if (path.empty()) return {};
  std::string name = config::resolved_path(base_dir, path);
  std::array<char, PATH_MAX> here{};
  if (!name.starts_with('/') && ::getcwd(here.data(), here.size()) != nullptr) name = io::join(here.data(), name);
  return {{"the file " + io::beside("", name), "path", shared, std::move(advice)}};
}

Result<io::FileSystem*> file_system_of(const ComponentContext& context) {
  return required_service<io::FileSystem>(context, "a file", "file system");
}

}  // namespace colloquium::components
