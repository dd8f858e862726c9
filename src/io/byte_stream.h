// ByteStream: the bytes of whatever a path names, from front to end: of a file, a pipe, a terminal. For what
// people name on a command line, where `<(…)` and /dev/stdin are as good as files; everything else has its files
// through FileSystem.
//
// Reading waits for whoever writes. A named pipe that nobody opens for writing is given up after a while, so that
// nothing waits for ever for somebody who never comes. /dev/stdin, /dev/fd/N and /proc/self/fd/N are the open
// descriptor itself: where its writer is gone already, opening the pipe anew would wait for another.
//
// Thread safety: one thread. Errors: those of FileSystem, and kTimeout for the pipe that nobody writes to.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "colloquium/result.h"

#include "io/posix_calls.h"

namespace colloquium::io {

inline constexpr int kWriterWaitMs = 5000;

class ByteStream {
 public:
  static Result<ByteStream> open(const std::string& path, int writer_wait_ms = kWriterWaitMs);

  // Fills a part of `into` and says how much; 0 at the end.
  Result<size_t> read(std::span<char> into);

 private:
  ByteStream(Descriptor descriptor, std::string path, int writer_wait_ms)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), writer_wait_ms_(writer_wait_ms) {}

  Status wait_for_writer();

  Descriptor descriptor_;
  std::string path_;
  int writer_wait_ms_;  // 0: somebody writes, or has written
};

// All of it. kLimit if there are more than `limit_bytes`.
Result<std::string> read_stream(const std::string& path, size_t limit_bytes);

}  // namespace colloquium::io
