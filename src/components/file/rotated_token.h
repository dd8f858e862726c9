// The token of a RotatedOutput: which files are being written, and how much of each is committed.
//
// As text, a line per file, fields separated by single spaces, names with %XX for what would end a field:
//
//   files 1
//   <inode> <length> <events> <opened, ms> <open|closed> <path of the .part> <path of the finished file>
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::components {

struct RotatedEntry {
  uint64_t inode = 0;
  uint64_t length = 0;
  uint64_t events = 0;
  int64_t opened_ms = 0;
  bool closed = false;
  std::string part;
  std::string name;
};

std::string encode_rotated(const std::vector<RotatedEntry>& entries);
// Nothing for an empty text. kCorrupt, with what to do, for what this version did not write.
Result<std::vector<RotatedEntry>> decode_rotated(const std::string& text);

}  // namespace colloquium::components
