// FileCursor: where a file source is in its file, and how it knows the file again.
//
// As text, in one line of fields separated by single spaces:
//
//   file 1 <inode> <size> <base> <offset> <head length>:<head hash> <tail length>:<tail hash>
//
// Hashes are XXH3 (64 bits, hexadecimal). The head are the first up to 1024 bytes of the file, the tail the
// last up to 1024 bytes before the offset. A file is the one the cursor speaks of if both are still there: a
// file that grew is the same, one that was rewritten, rotated or cut is not. The inode only helps messages: a
// copy of a file that was read is not to be read again.
//
// Positions must rise over the source's life, whatever files come along under its path. So a position is
// base + offset, and another file begins with a base above everything the one before could have had.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::io {
class File;
}

namespace colloquium::components {

// Some bytes of a file: how many, and their hash.
struct Fingerprint {
  uint64_t length = 0;
  uint64_t hash = 0;
  friend bool operator==(Fingerprint, Fingerprint) = default;
};
inline constexpr size_t kFingerprintBytes = 1024;

Fingerprint fingerprint_of(std::string_view bytes);
Result<Fingerprint> read_fingerprint(const io::File& file, uint64_t offset, uint64_t length);

struct FileCursor {
  uint64_t inode = 0;
  uint64_t size = 0;  // of the file when the cursor was made
  int64_t base = 0;
  uint64_t offset = 0;  // everything below has been accepted
  Fingerprint head;
  Fingerprint tail;

  std::string encode() const;
  // kCorrupt, with what to do, for what this version did not write.
  static Result<FileCursor> decode(const std::string& text);

  // Whether `file` is the file the cursor speaks of.
  Result<bool> speaks_of(const io::File& file) const;

  // The base for another file behind this one.
  int64_t next_base() const;
};

}  // namespace colloquium::components
