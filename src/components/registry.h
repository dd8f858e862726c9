// The table of the components this binary was built with. The build writes it from the add_component lines
// of src/components/CMakeLists.txt.
//
// Thread safety: immutable; descriptors live for ever.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/component.h"

namespace colloquium::components {

// In the order of the add_component lines.
std::span<const Descriptor* const> component_table();

// Null if there is none of this kind and name.
const Descriptor* find_component(ComponentKind kind, std::string_view name);

// In byte order, for "did you mean" and for listings.
std::vector<std::string> component_names(ComponentKind kind);

}  // namespace colloquium::components
