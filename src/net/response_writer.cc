#include "net/response_writer.h"

#include <array>
#include <charconv>

#include "base/assert.h"

namespace colloquium::net {
namespace {

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

bool is_safe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_safe(name) || !is_safe(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(status));
  out.append(" ").append(status_text(status)).append("\r\n");
}

}  // namespace

bool is_safe_header(const HeaderField& field) {
  return is_safe(field.name) && is_safe(field.value);
}

void append_chunk(std::string& out, std::string_view piece) {
  ASSERT(!piece.empty());
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data())).append("\r\n");
  out.append(piece).append("\r\n");
}

void append_response(std::string& out, const Response& response, std::string_view date,
                     ConnectionHeader connection, bool head_only, BodyEnd end) {
  ASSERT(response.status >= 200 && response.status <= 599);
  append_status_line(out, response.status);
  out.append("Date: ").append(date).append("\r\n");
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  for (const HeaderField& field : response.headers) append_header(out, field.name, field.value);
  if (connection == ConnectionHeader::kClose) out.append("Connection: close\r\n");
  if (connection == ConnectionHeader::kKeepAlive) out.append("Connection: keep-alive\r\n");
  const bool bodiless = response.status == 204 || response.status == 304;
  if (bodiless) {
    out.append("\r\n");
    return;
  }
  if (end != BodyEnd::kLength) {
    out.append(end == BodyEnd::kChunks ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    return;
  }
  out.append("Content-Length: ");
  append_number(out, response.body.size());
  out.append("\r\n\r\n");
  if (!head_only) out.append(response.body);
}

}  // namespace colloquium::net
