// FileWriter: appends lines to a file and knows how much of it is good.
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

namespace colloquium::io {
class File;
class FileLock;
class FileSystem;
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
  // one it speaks of and no shorter; what is behind the committed length is cut off. kConflict if someone
  // else (another sink, another process) has it open for writing.
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
  uint64_t cut_off() const { return cut_off_; }  // bytes that open() found behind the committed length

 private:
  FileWriter(io::FileSystem& file_system, std::string path);
  static Status check(const io::FileSystem& file_system, const std::string& path, const FileToken& token);
  Status prepare(const std::optional<FileToken>& token);
  Status end_last_line();
  Status sync_once();

  io::FileSystem& file_system_;
  const std::string path_;
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::FileLock> lock_;
  uint64_t inode_ = 0;
  uint64_t length_ = 0;  // of what is good
  uint64_t synced_length_ = 0;
  uint64_t cut_off_ = 0;
  bool torn_ = false;  // there may be bytes behind the good length
  bool name_synced_ = false;
  std::optional<Error> sync_failure_;
};

}  // namespace colloquium::components
