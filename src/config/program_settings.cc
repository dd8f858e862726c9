#include "config/program_settings.h"

#include <algorithm>

#include "config/problems.h"

namespace colloquium::config {

std::string program_directory(const std::string& directory, const std::string& base_dir) {
  if (directory.starts_with('/') || base_dir.empty()) return directory;
  return directory.empty() ? base_dir : base_dir + "/" + directory;
}

void check_command(const std::vector<std::string>& command, const ConfigNode& node, ConfigProblems& problems) {
  const auto has_nul = [](const std::string& word) { return word.find('\0') != word.npos; };
  const bool is_bad =
      (!command.empty() && command[0].empty()) || std::any_of(command.begin(), command.end(), has_nul);
  if (!is_bad) return;
  refuse(node, "command", "command begins with the name of a program", problems);
}

FieldOptions command_field(bool required) {
  return {.description =
              "The program, found by PATH or given with its path, and its arguments. No shell reads it; "
              "for one, run `[sh, -c, \"…\"]`.",
          .example = "[jq, -c, .]",
          .required = required,
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

}  // namespace colloquium::config
