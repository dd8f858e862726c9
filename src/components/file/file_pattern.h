// FilePattern: which files a source with many of them reads: a glob, all files of a folder, or one name.
//
// `*`, `?` and `[…]` stand for parts of one name, never for a '/', and not for a '.' that begins a name; `**` as a
// whole name for any folders, or none. A folder means the files in it, not those in folders below.
//
// Thread safety: immutable; list() on any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::components {

struct FoundFile {
  std::string path;
  io::FileInfo info;
};

class FilePattern {
 public:
  explicit FilePattern(std::string path) : path_(std::move(path)) {}

  static bool is_glob(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

  // Regular files, in the order of their paths. What is not there is left out, as files come and go; of what else
  // could not be listed or examined `failures` gets the reasons.
  std::vector<FoundFile> list(const io::FileSystem& fs, std::vector<Error>& failures) const;

  const std::string& text() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace colloquium::components
