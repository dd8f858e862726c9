// Base64 (RFC 4648, section 4): bytes as text, and back.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace colloquium {

// Padded.
void append_base64(std::string_view bytes, std::string& out);
// With padding or without; nothing if it is none.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace colloquium
