// Paths as strings. '/' only; nothing is looked up.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

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

// What the file `from` means by `path`: relative paths start at its folder. Without "." and, as far as they can be
// taken back, without "..", so that one file has one name.
inline std::string beside(std::string_view from, std::string_view path) {
  const std::string whole = path.starts_with('/') ? std::string(path) : join(parent_of(from), path);
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string_view part = std::string_view(whole).substr(begin, end - begin);
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    begin = end + 1;
  }
  std::string normal = whole.starts_with('/') ? "/" : "";
  for (const std::string_view part : parts) normal = normal.empty() ? std::string(part) : join(normal, part);
  return normal;
}

}  // namespace colloquium::io
