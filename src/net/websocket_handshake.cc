#include "net/websocket_handshake.h"

#include <algorithm>

#include "base/assert.h"
#include "io/hmac.h"
#include "net/exchange.h"

namespace colloquium::net {
namespace {

constexpr std::string_view kKeyHeader = "sec-websocket-key";
constexpr std::string_view kVersionHeader = "sec-websocket-version";
constexpr std::string_view kVersion = "13";
// RFC 6455, 1.3: what both sides append to the key.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
// Sixteen bytes in base64.
constexpr size_t kKeyBytes = 24;

// Whether one of the values of a header that is a list is this token.
bool lists(const RequestHead& head, std::string_view name, std::string_view token) {
  for (const HeaderField& field : head.headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (size_t begin = 0; begin <= field.value.size();) {
      const size_t end = std::min(field.value.find(',', begin), field.value.size());
      std::string_view item = field.value.substr(begin, end - begin);
      item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
      if (equals_ignoring_case(item.substr(0, item.find_last_not_of(" \t") + 1), token)) return true;
      begin = end + 1;
    }
  }
  return false;
}

bool is_key(std::string_view key) {
  const auto is_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return key.size() == kKeyBytes && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, is_digit);
}

}  // namespace

bool asks_for_websocket(const RequestHead& head) {
  return head.method == Method::kGet && head.version_minor >= 1 && lists(head, "upgrade", "websocket") &&
         lists(head, "connection", "upgrade");
}

std::optional<Problem> check_websocket(const RequestHead& head) {
  if (head.find(kVersionHeader).value_or("") != kVersion) {
    return Problem{.status = 426, .detail = "the version of WebSocket that is spoken here is 13"}.header(
        "Sec-WebSocket-Version", std::string(kVersion));
  }
  if (head.has_body()) return Problem{.status = 400, .detail = "a request for WebSocket has no body"};
  if (is_key(head.find(kKeyHeader).value_or(""))) return std::nullopt;
  return Problem{.status = 400, .detail = "Sec-WebSocket-Key is sixteen bytes in base64"};
}

std::optional<Problem> check_websocket_origin(const Route& route, const RequestHead& head) {
  const auto origin = head.find("origin");
  if (!origin || route.cors != nullptr) return std::nullopt;  // check_origin() has looked at the list
  const size_t host = origin->find("://");
  const bool own =
      host != origin->npos && equals_ignoring_case(origin->substr(host + 3), head.find("host").value_or(""));
  if (own) return std::nullopt;
  return Problem{.status = 403, .detail = "pages of other origins may connect only if cors lists them"};
}

void append_switch(std::string& out, const RequestHead& head, std::string_view date) {
  const auto key = head.find(kKeyHeader);
  ASSERT_WHY(key, "check_websocket() comes first");
  out.append("HTTP/1.1 101 Switching Protocols\r\nDate: ").append(date);
  out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
  out.append(io::to_base64(io::sha1(std::string(*key).append(kGuid)))).append("\r\n\r\n");
}

}  // namespace colloquium::net
