#include "components/exec/exec_config.h"

#include <algorithm>

#include "base/assert.h"
#include "config/problems.h"

namespace colloquium::components {

loop::ChildSettings child_settings(const std::vector<std::string>& command, const std::string& directory,
                                   const std::string& base_dir) {
  ASSERT(!command.empty());
  loop::ChildSettings settings{command, directory};
  if (!directory.starts_with('/') && !base_dir.empty()) {
    settings.directory = directory.empty() ? base_dir : base_dir + "/" + directory;
  }
  return settings;
}

void check_command(const std::vector<std::string>& command, const ConfigNode& node, ConfigProblems& problems) {
  const auto has_nul = [](const std::string& word) { return word.find('\0') != word.npos; };
  const bool is_bad =
      (!command.empty() && command[0].empty()) || std::any_of(command.begin(), command.end(), has_nul);
  if (!is_bad) return;
  config::refuse(node, "command", "command begins with the name of a program", problems);
}

FieldOptions command_field() {
  return {.description =
              "The program, found by PATH or given with its path, and its arguments. No shell reads it; "
              "for one, run `[sh, -c, \"…\"]`.",
          .example = "[jq, -c, .]",
          .required = true,
          .minimum = 1};
}

FieldOptions directory_field() {
  return {.description =
              "Where it runs; a relative one is relative to the pipeline file, which is also the default."};
}

FieldOptions stop_timeout_field() {
  return {.description = "How long it may take to end when the pipeline stops, before it is killed.",
          .minimum = 0,
          .maximum = 600'000};
}

FieldOptions first_wait_field() {
  return {.description = "Time before the first restart; twice as long before each further one.",
          .minimum = 1,
          .maximum = 3'600'000};
}

FieldOptions longest_wait_field() {
  return {.description = "The longest time before a restart. A child that ran as long as this begins anew.",
          .minimum = 1,
          .maximum = 3'600'000};
}

}  // namespace colloquium::components
