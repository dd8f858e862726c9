// What the settings of programs that are run beside this process have in common: the command, where it runs, and
// the pause before it is started again.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <vector>

#include "colloquium/config_spec.h"
#include "colloquium/config_types.h"

namespace colloquium::config {

// How long a program that ended waits for the next one: twice as long each time, from the beginning again once one
// lasted.
struct ProgramBackoff {
  Duration initial{1000};
  Duration max{30'000};
};

// Where it runs: a relative folder starts at `base_dir`, which is also the default; empty: ours.
std::string program_directory(const std::string& directory, const std::string& base_dir);

// Adds what is wrong with a command.
void check_command(const std::vector<std::string>& command, const ConfigNode& node, ConfigProblems& problems);

FieldOptions command_field(bool required);
FieldOptions directory_field();
FieldOptions stop_timeout_field();
FieldOptions first_wait_field();
FieldOptions longest_wait_field();

}  // namespace colloquium::config

namespace colloquium {

template <>
struct ConfigObject<config::ProgramBackoff> {
  static ConfigSpec<config::ProgramBackoff> spec() {
    using config::ProgramBackoff;
    return ConfigSpec<ProgramBackoff>()
        .field("initial", &ProgramBackoff::initial, config::first_wait_field())
        .field("max", &ProgramBackoff::max, config::longest_wait_field());
  }
};

}  // namespace colloquium
