#include "net/cors.h"

#include <algorithm>

namespace colloquium::net {
namespace {

constexpr std::string_view kAny = "*";

}  // namespace

std::optional<std::string> allowed_origin(const CorsPolicy& policy, std::string_view origin) {
  for (const std::string& allowed : policy.origins) {
    if (allowed == kAny) return allowed;
    if (allowed == origin) return std::string(origin);
  }
  return std::nullopt;
}

bool varies_by_origin(const CorsPolicy& policy) {
  return std::find(policy.origins.begin(), policy.origins.end(), kAny) == policy.origins.end();
}

bool is_preflight(const RequestHead& head) {
  return head.method == Method::kOptions && head.find("origin") && head.find("access-control-request-method");
}

std::vector<std::pair<std::string, std::string>> preflight_headers(const CorsPolicy& policy,
                                                                   const MethodSet& methods) {
  std::string names;
  for (const std::string& name : policy.headers) names += (names.empty() ? "" : ", ") + name;
  std::vector<std::pair<std::string, std::string>> headers;
  headers.emplace_back("Access-Control-Allow-Methods", methods.allow());
  if (!names.empty()) headers.emplace_back("Access-Control-Allow-Headers", std::move(names));
  headers.emplace_back("Access-Control-Max-Age", std::to_string(policy.max_age_s));
  return headers;
}

}  // namespace colloquium::net
