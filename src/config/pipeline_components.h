// The sources, stages, sinks and AI providers of a pipeline file: entries to ComponentConfigs.
//
// Thread safety: the registry is called on the caller's thread.
#pragma once

#include <string>
#include <vector>

#include "config/pipeline_config.h"

namespace colloquium::config {

// Reads one of the lists. Entries with a problem are left out unless they could be parsed; names are
// given and checked. `base_dir` is for the components' own checks.
std::vector<ComponentConfig> read_components(const ConfigNode& list, ComponentKind kind,
                                             const ComponentRegistry& registry, const std::string& base_dir,
                                             ConfigProblems& problems);

}  // namespace colloquium::config
