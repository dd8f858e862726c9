// Writing strings: finding what must be escaped, and its escape. Shared by Writer and write_canonical.
//
// Escapes only \" \\ \b \f \n \r \t and \u00xx for other controls; everything else stands as it is.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace colloquium::json {

inline constexpr size_t kEscapeMax = 6;

// The length of the longest prefix that needs no escape. Reads nothing outside `text`.
size_t plain_prefix(std::string_view text);

// Writes the escape of a quote, a backslash or a control character; returns its length.
size_t write_escape(char c, char* out);

// Appends `text` between quotes; Out is a vector or a string of char.
template <class Out>
void append_quoted(std::string_view text, Out& out) {
  out.push_back('"');
  for (;;) {
    const size_t plain = plain_prefix(text);
    out.insert(out.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(plain));
    if (plain == text.size()) break;
    char escape[kEscapeMax];
    out.insert(out.end(), escape, escape + write_escape(text[plain], escape));
    text.remove_prefix(plain + 1);
  }
  out.push_back('"');
}

// A text as JSON.
inline std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(text, out);
  return out;
}

}  // namespace colloquium::json
