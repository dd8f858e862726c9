#include "components/anthropic/anthropic_dialect.h"

namespace colloquium::components {

AnthropicDialect anthropic_2023() {
  return {};
}

AnthropicDialect anthropic_2026() {
  return {"2026-10-21", true, false};
}

std::vector<std::pair<std::string, std::string>> anthropic_headers(const AnthropicDialect& dialect,
                                                                   const AiAccess& access) {
  std::vector<std::pair<std::string, std::string>> headers{{"anthropic-version", dialect.version}};
  if (access.key.empty()) return headers;
  if (dialect.bearer) {
    headers.emplace_back("Authorization", "Bearer " + access.key);
  } else {
    headers.emplace_back("x-api-key", access.key);
  }
  return headers;
}

}  // namespace colloquium::components
