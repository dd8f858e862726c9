// EpochTable: which incarnation of a partition wrote which offsets.
//
// The incarnation is in every batch header (partitionLeaderEpoch); the table says what it has to be. A new one begins at every unclean start, truncation and failed write, and is on disk before the
// first batch that bears it; everything below its start was synced before. So a stale batch that a cut left
// behind is never taken for a new one, and (incarnation, offset) names bytes that are written once.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class EpochTable {
 public:
  struct Entry {
    int32_t epoch;
    int64_t start;  // the first offset it may have written
  };

  bool empty() const { return entries_.empty(); }
  int32_t current() const { return entries_.empty() ? -1 : entries_.back().epoch; }
  // −1 below the first.
  int32_t epoch_at(int64_t offset) const;
  // Everything below was synced before the current incarnation began.
  int64_t current_start() const { return entries_.empty() ? 0 : entries_.back().start; }
  const std::vector<Entry>& entries() const { return entries_; }

  // Begins a new incarnation at `start`; those that would have begun there or later wrote nothing that is left.
  void begin(int64_t start);

  // Takes an entry as it is. REQUIRES: both rise.
  void add(const Entry& entry);

  std::string text() const;
  static Result<EpochTable> read(const io::FileSystem& fs, const std::string& path);

 private:
  std::vector<Entry> entries_;
};

}  // namespace colloquium::log
