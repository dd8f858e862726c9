// load_yaml: YAML text to ConfigNode.
//
// YAML 1.2 block and flow syntax with anchors and aliases; one document per file; scalars typed as scalar.h
// says; `!!str` is the only tag. What yaml-cpp 0.7 does not do by itself is done here: duplicate keys are
// errors that name both places, an alias inside its own value is found, alias expansion and depth are bounded,
// and every message is ours, with line and column (in characters).
//
// Any bytes may come in: the result is a tree or problems, never a crash. yaml-cpp is used in yaml.cc only.
// Thread safety: a pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/config_spec.h"

namespace colloquium::config {

inline constexpr size_t kMaxYamlBytes = 1 << 20;
inline constexpr size_t kMaxYamlDepth = 100;
// Nodes that aliases may add to what is written; every 64 bytes of text count as one more.
inline constexpr size_t kMaxYamlExpansion = 10'000;

// Nothing, with at least one error added, if the text cannot be read at all; with duplicate keys and the like
// a tree (the first of the duplicates stays) and errors. Empty text gives a kNull node.
std::optional<ConfigNode> load_yaml(std::string_view text, const std::string& file_name, ConfigProblems& problems);

}  // namespace colloquium::config
