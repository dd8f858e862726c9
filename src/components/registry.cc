#include "components/registry.h"

#include <algorithm>

namespace colloquium::components {

const Descriptor* find_component(ComponentKind kind, std::string_view name) {
  for (const Descriptor* descriptor : component_table()) {
    if (descriptor->kind == kind && descriptor->name == name) return descriptor;
  }
  return nullptr;
}

std::vector<std::string> component_names(ComponentKind kind) {
  std::vector<std::string> names;
  for (const Descriptor* descriptor : component_table()) {
    if (descriptor->kind == kind) names.push_back(descriptor->name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace colloquium::components
