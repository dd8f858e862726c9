// GapTable: offsets of a partition that were given up on purpose.
//
// `log repair --accept-loss` writes it when events cannot be saved, so that their loss is told from one that
// nobody has noticed: where a gap is recorded readers, recovery and verification go on behind it, anywhere else
// missing offsets are corruption. A gap begins where a finished segment ends (or where the partition does) and
// ends where the next segment begins, so that no file has a hole inside.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class GapTable {
 public:
  struct Gap {
    int64_t from;
    int64_t below;  // the first offset behind it
  };

  bool empty() const { return gaps_.empty(); }
  const std::vector<Gap>& gaps() const { return gaps_; }

  // The gap that holds `offset`; null if it was not given up.
  const Gap* at(int64_t offset) const;
  // The first gap that begins behind `offset`; null if there is none.
  const Gap* behind(int64_t offset) const;
  // `offset`, or the first one behind the gap that holds it.
  int64_t skip(int64_t offset) const;

  // Gaps that touch or overlap become one. REQUIRES: from < below.
  void add(int64_t from, int64_t below);

  std::string text() const;
  // Empty if there is no such file.
  static Result<GapTable> read(const io::FileSystem& fs, const std::string& path);

 private:
  std::vector<Gap> gaps_;  // rising, apart from each other
};

}  // namespace colloquium::log
