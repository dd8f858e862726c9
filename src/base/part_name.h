// Parts of something that has a name are called "<whole>/<part>".
//
// Thread safety: functions.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace colloquium {

// Without a part it is the whole's name.
inline std::string part_name(std::string_view whole, std::string_view part) {
  std::string name(whole);
  if (part.empty()) return name;
  name += '/';
  name += part;
  return name;
}

// Whether `name` is the whole's or one of its parts'.
inline bool is_of_whole(std::string_view name, std::string_view whole) {
  return name.starts_with(whole) && (name.size() == whole.size() || name[whole.size()] == '/');
}

inline bool is_of_any(std::string_view name, std::span<const std::string> wholes) {
  return std::any_of(wholes.begin(), wholes.end(), [&](const std::string& one) { return is_of_whole(name, one); });
}

}  // namespace colloquium
