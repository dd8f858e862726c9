// Writes answers in the form HTTP/1.1 sends them.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace colloquium::net {

enum class ConnectionHeader : uint8_t { kNone, kClose, kKeepAlive };

// A name or value with a line break would let whoever supplied it write headers of their own: it is left out.
bool is_safe_header(const HeaderField& field);

// How the end of a body is told.
enum class BodyEnd : uint8_t {
  kLength,
  kChunks,  // append_chunk()
  kClose,   // by the end of the connection: HTTP/1.0
};

// A piece of a chunked body. REQUIRES: not empty, as that would be its end.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Appends the whole answer; without a length only its head. `date` is the value of the Date header. With
// `head_only` the body's length is told and the body left out (an answer to HEAD).
void append_response(std::string& out, const Response& response, std::string_view date,
                     ConnectionHeader connection, bool head_only, BodyEnd end = BodyEnd::kLength);

}  // namespace colloquium::net
