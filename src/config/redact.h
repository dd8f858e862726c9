// Showing a configuration without its secrets.
//
// Thread safety: pure functions over values.
#pragma once

#include <string>

#include "colloquium/config_spec.h"

namespace colloquium::config {

inline constexpr char kMasked[] = "***";

// A copy in which everything that ${secret:…} gave is "***".
ConfigNode mask_secrets(const ConfigNode& node);

// The same, and every field that `spec` calls secret too, wherever it stands.
ConfigNode mask_secrets(const ConfigNode& node, const ObjectSpec& spec);

// The tree as YAML in block style, ending in a line break. load_yaml gives the same tree back.
std::string to_yaml(const ConfigNode& node);

}  // namespace colloquium::config
