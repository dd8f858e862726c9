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

// Appends the whole answer. `date` is the value of the Date header. With `head_only` the body's length is
// told and the body left out (an answer to HEAD).
void append_response(std::string& out, const Response& response, std::string_view date,
                     ConnectionHeader connection, bool head_only);

}  // namespace colloquium::net
