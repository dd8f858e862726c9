#include "components/exec/exec_config.h"

#include "base/assert.h"

namespace colloquium::components {

loop::ChildSettings child_settings(const std::vector<std::string>& command, const std::string& directory,
                                   const std::string& base_dir) {
  ASSERT(!command.empty());
  return {command, config::program_directory(directory, base_dir)};
}

}  // namespace colloquium::components
