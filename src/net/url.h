// URLs of other servers: what a reference in an answer means, and whether it leads to the same server.
//
// libcurl's parser, so that what is compared here is what will be connected to. Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::net {

// `reference`, relative or not, as seen from `base` (RFC 3986, 5). kInvalidInput if it makes no http or https URL.
Result<std::string> resolve_url(const std::string& base, const std::string& reference);

// Whether scheme, host and port are the same. False for what is no URL.
bool same_server(const std::string& one, const std::string& other);

// The target of `rel` in a Link header (RFC 8288); empty if it has none.
std::string_view link_target(std::string_view header, std::string_view rel);

}  // namespace colloquium::net
