#include "components/file/file_pattern.h"

#include <algorithm>
#include <fnmatch.h>
#include <utility>

#include "io/path.h"

namespace colloquium::components {
namespace {

constexpr int kDepthMax = 64;

void add(const io::FileSystem& fs, const std::string& path, std::vector<FoundFile>& found) {
  const auto info = fs.info(path);
  if (info && info->is_regular) found.push_back({path, *info});
}

// `folder` is "" for where relative paths begin; `rest` the part of the pattern below it.
void match(const io::FileSystem& fs, const std::string& folder, std::string_view rest, int depth,
           std::vector<FoundFile>& found) {
  if (depth > kDepthMax) return;
  const size_t slash = rest.find('/');
  const std::string piece(rest.substr(0, slash));
  const bool last = slash == std::string_view::npos;
  const std::string_view below = last ? std::string_view() : rest.substr(slash + 1);
  const auto path_of = [&](const std::string& name) {
    return folder.empty() || folder.ends_with('/') ? folder + name : folder + "/" + name;
  };
  if (!FilePattern::is_glob(piece)) {
    if (last) return add(fs, path_of(piece), found);
    return match(fs, path_of(piece), below, depth + 1, found);
  }
  const bool any_folders = piece == "**" && !last;
  if (any_folders) match(fs, folder, below, depth + 1, found);
  const auto names = fs.list(folder.empty() ? "." : folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with('.') && !piece.starts_with('.')) continue;
    if (!any_folders && ::fnmatch(piece.c_str(), name.c_str(), 0) != 0) continue;
    const std::string path = path_of(name);
    if (last) {
      add(fs, path, found);
    } else if (const auto info = fs.info(path); info && info->is_directory) {
      match(fs, path, any_folders ? rest : below, depth + 1, found);
    }
  }
}

}  // namespace

std::vector<FoundFile> FilePattern::list(const io::FileSystem& fs) const {
  std::vector<FoundFile> found;
  const auto named = fs.info(path_);
  if (named && named->is_directory) {
    match(fs, path_, "*", 0, found);
  } else if (named && named->is_regular) {
    found.push_back({path_, *named});
  } else if (path_.starts_with('/')) {
    match(fs, "/", std::string_view(path_).substr(1), 0, found);
  } else {
    match(fs, "", path_, 0, found);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  found.erase(
      std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path == b.path; }),
      found.end());
  return found;
}

}  // namespace colloquium::components
