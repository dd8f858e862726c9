// FileChunks: reads a file from an offset to its end in bodies of whole records, each with the cursor behind it.
//
// Thread safety: one thread at a time (the offload pool's); cancel() on any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "components/file/file_cursor.h"
#include "formats/line_cutter.h"

namespace colloquium::io {
class File;
struct FileInfo;
}  // namespace colloquium::io

namespace colloquium::components {

struct FileChunk {
  formats::Lines lines;
  std::string cursor;
};

class FileChunks {
 public:
  // `at`: where to begin, and what the cursors to come have in common with it. With `follow` the file's end is
  // where more may come: a partial record is kept back there, and before anything more is read the file has to be
  // still the one that the cursor speaks of.
  FileChunks(std::unique_ptr<io::File> file, const FileCursor& at, size_t max_line_bytes,
             std::unique_ptr<formats::Framing> framing, bool follow = false);
  ~FileChunks();

  // The next chunks, at least one unless the file has ended. What fails may be tried again. kCancelled after
  // cancel(). With `at_rest` what may count as complete does.
  Result<std::vector<FileChunk>> next(bool at_rest = false);

  // The file is followed no more: its end is the end.
  void last_read() { follow_ = false; }

  bool at_end() const { return at_end_; }
  // The file was cut or rewritten since; nothing of that was read.
  bool is_replaced() const { return replaced_; }
  uint64_t position() const { return cutter_.position(); }
  void cancel() { cancelled_ = true; }

 private:
  Result<size_t> read();
  Result<bool> is_still_the_same(const io::FileInfo& info);
  FileChunk chunk_of(formats::Lines lines);

  const std::unique_ptr<io::File> file_;
  FileCursor cursor_;
  formats::LineCutter cutter_;
  bool follow_;
  bool at_end_ = false;
  bool replaced_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace colloquium::components
