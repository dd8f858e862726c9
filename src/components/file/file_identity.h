// By which names the parts of a source know files again: by their first bytes, not by their paths or inodes.
//
// A part is called "<length>-<hash>" after the first 1024, 256, 64 or 16 bytes of its file, as many of them as the
// file had when it was first seen: a file that grew is looked for under the shorter ones too. Two files that begin
// with the same bytes are told apart by the rest of what the cursor knows (FileCursor::speaks_of), and the second
// one's name has a number behind it.
//
// Thread safety: pure functions, on any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "components/file/file_cursor.h"

namespace colloquium::io {
class File;
class FileSystem;
}  // namespace colloquium::io

namespace colloquium::components {

// Below, a file is not looked at yet, unless it is read once.
inline constexpr size_t kIdentityBytesMin = 16;

// The names for a file that begins with `head`, the longest first.
std::vector<std::string> part_names(std::string_view head);

// A part that may be the one of a file: what is stored for it.
struct KnownPart {
  std::string name;
  std::string cursor;
  bool in_use = false;  // by a file that is being read
};

struct OpenedFile {
  std::unique_ptr<io::File> file;
  FileCursor at;  // where to begin
  std::string part;
  std::string head;  // its beginning, as much as was asked for
  bool is_compressed = false;
  // Set: it is the same, so far, as a file that is being read under this part.
  std::optional<std::string> copy_of;
};

// Opens `path`; what is compressed is opened as what it holds. kConflict if the path names another file meanwhile
// than the one with `inode`.
Result<OpenedFile> open_file(io::FileSystem& fs, const std::string& path, uint64_t inode, size_t head_bytes);

// Finds the part of `opened` among `known`; `fresh` is the name if it is none of them.
Status find_part(OpenedFile& opened, const std::vector<KnownPart>& known, const std::string& fresh,
                 bool from_start);

}  // namespace colloquium::components
