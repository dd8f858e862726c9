// What the http source and the http sink check in their settings beyond the types.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/config_spec.h"

namespace colloquium::components {

// A token of RFC 9110.
bool is_header_name(std::string_view name);
// Visible characters, spaces and tabs: nothing that ends a header.
bool is_header_value(std::string_view value);

}  // namespace colloquium::components
