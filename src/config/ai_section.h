// The `ai` section of a pipeline file: its node to an AiConfig.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "config/pipeline_config.h"

namespace colloquium::config {

// Everything but `ai.providers`, whose entries have been read: budgets speak of them by their names.
AiConfig read_ai(const ConfigNode& node, const std::vector<ComponentConfig>& providers, ConfigProblems& problems);

// What spans more than one key of a provider's entry; `path` is the entry's.
void check_provider(const ConfigNode& entry, const std::string& path, const ProviderSettings& settings,
                    ConfigProblems& problems);

}  // namespace colloquium::config
