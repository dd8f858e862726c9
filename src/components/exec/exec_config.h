// ExecConfig: what source and sink say alike about the program they run.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <vector>

#include "colloquium/config_spec.h"
#include "colloquium/config_types.h"

#include "loop/child_process.h"

namespace colloquium::components {

enum class ExecRestartPolicy { kAlways, kOnFailure, kNever };

struct ExecRestartConfig {
  ExecRestartPolicy policy = ExecRestartPolicy::kOnFailure;
  Duration initial{1000};
  Duration max{30'000};
};

// How long a child that ended waits for the next one: twice as long each time, from the beginning again once one
// lasted.
struct ExecBackoff {
  Duration initial{1000};
  Duration max{30'000};
};

// The program and where it runs; a relative folder starts at `base_dir`.
loop::ChildSettings child_settings(const std::vector<std::string>& command, const std::string& directory,
                                   const std::string& base_dir);

// Adds what is wrong with a command.
void check_command(const std::vector<std::string>& command, const ConfigNode& node, ConfigProblems& problems);

// Of the fields that both have.
FieldOptions command_field();
FieldOptions directory_field();
FieldOptions stop_timeout_field();
FieldOptions first_wait_field();
FieldOptions longest_wait_field();

}  // namespace colloquium::components
