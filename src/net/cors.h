// CorsPolicy: which pages of other origins may use a route from a browser, and what they are told.
//
// Thread safety: values and pure functions. Source: the Fetch standard, "HTTP extensions"; RFC 6454 (origins).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_message.h"

namespace colloquium::net {

struct CorsPolicy {
  std::vector<std::string> origins;  // "https://app.example.org", compared as sent; "*": every one
  std::vector<std::string> headers;  // of requests, that a page may set
  int64_t max_age_s = 0;             // how long a browser may keep the answer to its preflight
};

// What Access-Control-Allow-Origin says to a page of `origin`; nothing: it is not allowed.
std::optional<std::string> allowed_origin(const CorsPolicy& policy, std::string_view origin);

// The answer depends on who asks, so caches have to know.
bool varies_by_origin(const CorsPolicy& policy);

// A browser asks before it sends (OPTIONS with Origin and Access-Control-Request-Method).
bool is_preflight(const RequestHead& head);

// The headers of the answer to a preflight besides Access-Control-Allow-Origin and Vary.
std::vector<std::pair<std::string, std::string>> preflight_headers(const CorsPolicy& policy,
                                                                   const MethodSet& methods);

}  // namespace colloquium::net
