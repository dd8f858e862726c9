// next_line: the records of formats that have one per line.
//
// Thread safety: pure function.
#pragma once

#include <cstring>
#include <string_view>

namespace colloquium::formats {

// Takes the next line that is not empty off the front of `rest`, without its line break. False if there is none.
inline bool next_line(std::string_view& rest, std::string_view& line) {
  while (!rest.empty()) {
    const void* feed = std::memchr(rest.data(), '\n', rest.size());
    const size_t end =
        feed == nullptr ? rest.size() : static_cast<size_t>(static_cast<const char*>(feed) - rest.data());
    line = rest.substr(0, end);
    rest.remove_prefix(end + (feed == nullptr ? 0 : 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return true;
  }
  return false;
}

}  // namespace colloquium::formats
