// Paths in settings.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::config {

// `path` itself if it is empty or begins at the root, else below `base_dir`.
inline std::string resolved_path(std::string_view base_dir, const std::string& path) {
  if (path.empty() || path.starts_with('/') || base_dir.empty() || base_dir == ".") return path;
  std::string whole(base_dir);
  if (whole.back() != '/') whole += '/';
  return whole + path;
}

}  // namespace colloquium::config
