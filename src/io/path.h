// Paths as strings: the two things the log does with them. '/' only; no normalisation.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::io {

inline std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

// "." for a bare name, "/" for a name in the root.
inline std::string parent_of(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace colloquium::io
