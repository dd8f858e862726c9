// What differs between the versions of Anthropic's API.
//
// Source: Anthropic's published SDKs: 2026-10-21 logs in with a bearer token and knows no `temperature` and no
// `top_p`, which are left out there; 2023-06-01 logs in with `x-api-key`.
//
// Thread safety: values and functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_provider.h"

namespace colloquium::components {

struct AnthropicDialect {
  std::string version = "2023-06-01";
  bool bearer = false;   // Authorization instead of x-api-key
  bool sampling = true;  // the version knows temperature and top_p
};

AnthropicDialect anthropic_2023();
AnthropicDialect anthropic_2026();

// The version, and the key.
std::vector<std::pair<std::string, std::string>> anthropic_headers(const AnthropicDialect& dialect,
                                                                   const AiAccess& access);

}  // namespace colloquium::components
