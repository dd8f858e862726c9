// ExecConfig: what source and sink say alike about the program they run.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <vector>

#include "config/program_settings.h"
#include "loop/supervised_child.h"

namespace colloquium::components {

enum class ExecRestartPolicy { kAlways, kOnFailure, kNever };

struct ExecRestartConfig {
  ExecRestartPolicy policy = ExecRestartPolicy::kOnFailure;
  Duration initial{1000};
  Duration max{30'000};
};

// The program and where it runs; a relative folder starts at `base_dir`.
loop::ChildSettings child_settings(const std::vector<std::string>& command, const std::string& directory,
                                   const std::string& base_dir);

}  // namespace colloquium::components
