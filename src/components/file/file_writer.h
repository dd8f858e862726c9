// FileWriter: appends lines to a file and knows how much of it is good.
//
// What is found behind the committed length is most likely what a crash left uncommitted, and comes again: it
// stays where it is as long as what is appended is the same bytes. From the first difference on it may be somebody
// else's, and nobody's bytes are thrown away: it is moved to a file beside this one, which goes when all of its
// lines have come after all (over several partitions they come in another order).
//
// The good length only grows by whole batches of lines. When a write fails, whatever part of it reached the
// file is cut off at once, or, if that fails too, before the next write. After a failed sync nobody knows what
// is on disk (the pages may be gone although a later sync would "succeed"), so every later sync fails too.
//
// Thread safety: one thread at a time (the offload pool's).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "components/file/uncommitted_lines.h"

namespace colloquium::io {
class File;
class FileLock;
class FileSystem;
class Folder;
}  // namespace colloquium::io

namespace colloquium::components {

// Where a file sink was at a commit. As text: "file 1 <inode> <length>".
struct FileToken {
  uint64_t inode = 0;
  uint64_t length = 0;

  std::string encode() const;
  // kCorrupt, with what to do, for what this version did not write.
  static Result<FileToken> decode(const std::string& text);
};

class FileWriter {
 public:
  // Opens `path` for appending, making it and its folders where missing. With a token the file must be the
  // one it speaks of and no shorter. kConflict if someone else (another sink, another process) has it open for
  // writing.
  static Result<std::unique_ptr<FileWriter>> open(io::FileSystem& file_system, const std::string& path,
                                                  const std::optional<FileToken>& token);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // All of `lines` or nothing.
  Status append(std::string_view lines);

  // Everything appended so far is on disk, and so is the file's name.
  Result<FileToken> sync();

  uint64_t length() const { return length_; }
  // Behind length(), as open() found them: not committed, and not yet appended again.
  uint64_t uncommitted_bytes() const { return tail_end_ - length_; }

  // Where uncommitted bytes were moved to and still are; empty: nowhere.
  const std::string& aside_path() const { return aside_path_; }

 private:
  FileWriter(io::FileSystem& file_system, std::string path);
  static Status check(const io::FileSystem& file_system, const std::string& path, const FileToken& token);
  Status prepare(const std::optional<FileToken>& token);
  Status end_last_line();
  Status sync_once();
  // Whether the file has `lines` already, as far as it reaches.
  Result<bool> continues_with(std::string_view lines) const;
  Status set_aside();
  void drop_aside(std::string_view lines);

  io::FileSystem& file_system_;
  const std::string path_;
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::FileLock> lock_;
  std::unique_ptr<io::Folder> folder_;  // until the name is synced; null if it may not be opened
  uint64_t inode_ = 0;
  uint64_t length_ = 0;  // of what is good
  uint64_t synced_length_ = 0;
  uint64_t tail_end_ = 0;  // of the uncommitted bytes; no less than length_
  std::string aside_path_;
  UncommittedLines aside_;
  bool torn_ = false;  // there may be bytes behind the good length
  bool name_synced_ = false;
  std::optional<Error> sync_failure_;
};

}  // namespace colloquium::components
