#include "components/file/file_pattern.h"

#include <algorithm>
#include <fnmatch.h>
#include <optional>
#include <utility>

#include "io/path.h"

namespace colloquium::components {
namespace {

constexpr int kDepthMax = 64;

struct Matches {
  const io::FileSystem& fs;
  std::vector<FoundFile>& found;
  std::vector<Error>& failures;

  // Nothing if it is not there, or cannot be examined.
  std::optional<io::FileInfo> info(const std::string& path) const {
    const auto got = fs.info(path);
    if (got) return *got;
    failed(got.error());
    return std::nullopt;
  }
  void failed(const Error& error) const {
    // "**" comes by a folder twice.
    const bool known = std::any_of(failures.begin(), failures.end(),
                                   [&](const Error& one) { return one.message == error.message; });
    if (error.code != ErrorCode::kNotFound && !known) failures.push_back(error);
  }
  void add(const std::string& path) const {
    const auto its = info(path);
    if (its && its->is_regular) found.push_back({path, *its});
  }
};

// `folder` is "" for where relative paths begin; `rest` the part of the pattern below it.
void match(const Matches& matches, const std::string& folder, std::string_view rest, int depth) {
  if (depth > kDepthMax) return;
  const size_t slash = rest.find('/');
  const std::string piece(rest.substr(0, slash));
  const bool last = slash == std::string_view::npos;
  const std::string_view below = last ? std::string_view() : rest.substr(slash + 1);
  const auto path_of = [&](const std::string& name) {
    return folder.empty() || folder.ends_with('/') ? folder + name : folder + "/" + name;
  };
  if (!FilePattern::is_glob(piece)) {
    if (last) return matches.add(path_of(piece));
    return match(matches, path_of(piece), below, depth + 1);
  }
  const bool any_folders = piece == "**" && !last;
  if (any_folders) match(matches, folder, below, depth + 1);
  const auto names = matches.fs.list(folder.empty() ? "." : folder);
  if (!names) return matches.failed(names.error());
  for (const std::string& name : *names) {
    if (name.starts_with('.') && !piece.starts_with('.')) continue;
    if (!any_folders && ::fnmatch(piece.c_str(), name.c_str(), 0) != 0) continue;
    const std::string path = path_of(name);
    if (last) {
      matches.add(path);
    } else if (const auto info = matches.info(path); info && info->is_directory) {
      match(matches, path, any_folders ? rest : below, depth + 1);
    }
  }
}

}  // namespace

std::vector<FoundFile> FilePattern::list(const io::FileSystem& fs, std::vector<Error>& failures) const {
  std::vector<FoundFile> found;
  const Matches matches{fs, found, failures};
  const auto named = fs.info(path_);
  if (named && named->is_directory) {
    match(matches, path_, "*", 0);
  } else if (named && named->is_regular) {
    found.push_back({path_, *named});
  } else if (path_.starts_with('/')) {
    match(matches, "/", std::string_view(path_).substr(1), 0);
  } else {
    match(matches, "", path_, 0);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  found.erase(
      std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path == b.path; }),
      found.end());
  return found;
}

}  // namespace colloquium::components
