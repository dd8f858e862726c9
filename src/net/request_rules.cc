#include "net/request_rules.h"

#include <algorithm>
#include <utility>

#include "net/server_core.h"
#include "net/websocket_handshake.h"

namespace colloquium::net {
namespace {

constexpr int64_t kBusyRetryMs = 1000;

}  // namespace

Problem busy(std::string detail) {
  return Problem{.status = 503, .detail = std::move(detail)}.retry_after(kBusyRetryMs);
}

Problem memory_full() {
  return busy("as many requests are under way as the server's memory allows");
}

// The connection ends, so that its client comes back to whoever serves it by then.
Problem not_served_now() {
  Problem problem = busy("what was served here is being stopped, or has been");
  problem.close = true;
  return problem;
}

Problem too_large(size_t limit) {
  return Problem{.status = 413, .detail = "the body is longer than " + std::to_string(limit) + " bytes"}.member(
      "max_body", static_cast<int64_t>(limit));
}

size_t first_decode_room(uint64_t compressed_bytes, size_t limit) {
  const uint64_t wanted =
      std::max<uint64_t>(kPieceBytes, std::min<uint64_t>(compressed_bytes, limit) * kDecodedRatio);
  return static_cast<size_t>(std::min<uint64_t>(wanted, limit));
}

std::optional<Problem> check_route(const LiveRoute* route, const RequestHead& head) {
  if (route == nullptr) {
    return Problem{.status = 404, .detail = "nothing is served at " + std::string(head.path)};
  }
  const MethodSet& methods = route->route.methods;
  const Method method =
      head.method == Method::kHead && methods.contains(Method::kGet) ? Method::kGet : head.method;
  if (methods.contains(method)) return std::nullopt;
  if (route->route.websocket != nullptr && asks_for_websocket(head)) return std::nullopt;
  const std::string allow = methods.allow();
  return Problem{.status = 405, .detail = "what is served here takes " + allow}.header("Allow", allow);
}

std::optional<Problem> check_coding(const RequestHead& head, io::Compression& coding) {
  coding = io::Compression::kNone;
  const auto named = head.find("content-encoding");
  if (!named || named->empty() || equals_ignoring_case(*named, "identity")) return std::nullopt;
  if (equals_ignoring_case(*named, "gzip") || equals_ignoring_case(*named, "x-gzip")) {
    coding = io::Compression::kGzip;
  } else if (equals_ignoring_case(*named, "zstd")) {
    coding = io::Compression::kZstd;
  } else {
    return Problem{.status = 415, .detail = "a body may be encoded as gzip or zstd, or not at all"}.header(
        "Accept-Encoding", "gzip, zstd");
  }
  return std::nullopt;
}

std::optional<Problem> check_size(const ServerCore& core, const Route& route, const RequestHead& head) {
  const uint64_t length = head.content_length.value_or(0);
  if (length > route.max_body_bytes) return too_large(route.max_body_bytes);
  if (!core.fits(length)) return memory_full();
  return std::nullopt;
}

std::optional<Problem> check_origin(const Route& route, const RequestHead& head, OriginAnswer& answer) {
  if (route.cors == nullptr) return std::nullopt;
  answer.vary = varies_by_origin(*route.cors);
  const auto origin = head.find("origin");
  if (!origin) return std::nullopt;
  auto allowed = allowed_origin(*route.cors, *origin);
  if (!allowed) return Problem{.status = 403, .detail = "pages of this origin may not send anything here"};
  answer.allow = std::move(*allowed);
  return std::nullopt;
}

std::vector<HeaderField> with_origin(const Response& response, const OriginAnswer& origin) {
  std::vector<HeaderField> headers(response.headers.begin(), response.headers.end());
  if (!origin.allow.empty()) headers.push_back({"Access-Control-Allow-Origin", origin.allow});
  if (origin.vary) headers.push_back({"Vary", "Origin"});
  return headers;
}

void answer_options(Exchanges& exchanges, uint64_t exchange, const LiveRoute* route, const RequestHead& head,
                    const OriginAnswer& origin, bool close) {
  const MethodSet everything{Method::kGet, Method::kPost, Method::kPut};
  const std::string allow = (route != nullptr ? route->route.methods : everything).allow();
  std::vector<HeaderField> fields = {{"Allow", allow}};
  std::vector<std::pair<std::string, std::string>> more;
  if (!origin.allow.empty() && is_preflight(head))
    more = preflight_headers(*route->route.cors, route->route.methods);
  for (const auto& [name, value] : more) fields.push_back({name, value});
  exchanges.answer(exchange, {.status = 204, .headers = fields, .close = close});
}

}  // namespace colloquium::net
