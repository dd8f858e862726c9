// NdjsonReader: lines of a byte stream, each with the readable bytes behind it that the JSON walk needs.
//
// Reads in large blocks into one buffer and hands out views, so that a line costs no copy. A last line without
// a line feed counts. Blank lines are skipped, and counted in line(); a byte-order mark before the first is left
// out.
//
// Errors: those of `read`, and kLimit for a line above `line_limit_bytes`. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "app/verb.h"

namespace colloquium::app {

class NdjsonReader {
 public:
  explicit NdjsonReader(ReadBytes read, size_t line_limit_bytes = size_t{1} << 30);

  // True with the next line that is not blank in `line`, valid until the next call; false at the end.
  Result<bool> next(std::string_view& line);

  // Number of the line last returned, from 1.
  uint64_t line() const { return line_; }

 private:
  Status fill();

  ReadBytes read_;
  size_t line_limit_bytes_;
  // Holds whole lines and the begin of one; kBatchPadding bytes behind end_ are always readable.
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what was not handed out yet
  size_t end_ = 0;    // of what was read
  size_t searched_ = 0;
  bool at_end_ = false;
  uint64_t line_ = 0;
};

}  // namespace colloquium::app
