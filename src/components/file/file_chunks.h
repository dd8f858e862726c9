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
}

namespace colloquium::components {

struct FileChunk {
  formats::Lines lines;
  std::string cursor;
};

class FileChunks {
 public:
  // `at`: where to begin, and what the cursors to come have in common with it.
  FileChunks(std::unique_ptr<io::File> file, const FileCursor& at, size_t max_line_bytes,
             std::unique_ptr<formats::Framing> framing);

  // The next chunks, at least one unless the file has ended. What fails may be tried again. kCancelled after
  // cancel().
  Result<std::vector<FileChunk>> next();

  bool ended() const { return ended_; }
  void cancel() { cancelled_ = true; }

 private:
  Result<size_t> read();
  FileChunk chunk_of(formats::Lines lines);

  const std::unique_ptr<io::File> file_;
  FileCursor cursor_;
  formats::LineCutter cutter_;
  bool ended_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace colloquium::components
