// Journal: the commit point of every leg.
//
// One partition of its own, journal/: each batch holds the commits of one group, synced before any of them is
// told of. Once a segment is full the next one begins with a checkpoint of everything the journal says, and the
// old one is deleted when that is durable. So the journal is read whole at every start, and stays small.
//
// Thread safety: leg_state() and needed_of() on any thread; the rest on the log thread (open: before it runs).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/clean_marker.h"
#include "log/journal_record.h"
#include "log/journal_state.h"
#include "log/leg_state.h"
#include "log/partition_writer.h"
#include "log/recovery.h"

namespace colloquium::log {

class Journal {
 public:
  // Reads journal/ of the data directory, which need not exist yet, and changes nothing. `clean` as in
  // RecoveryOptions; `keys` as in LogOptions. state() is there afterwards; everything else needs apply().
  static Result<std::unique_ptr<Journal>> examine(io::FileSystem& fs, const std::string& directory,
                                                  const CleanEntry* clean, uint64_t segment_bytes,
                                                  std::shared_ptr<const KeyRing> keys = nullptr);
  // Mends it as PartitionRecovery does, and removes segments that are not needed.
  Status apply(std::vector<RecoveryNote>& notes);

  // Writes and syncs the commits as one batch. kNoSpace: nothing happened, and they may be tried again; any
  // other failure is for good.
  Status append(const std::vector<CommitRecord>& commits, int64_t now_ms);

  std::optional<LegState> leg_state(const std::string& leg) const;
  // What of a partition some leg has not committed.
  Needed needed_of(const std::string& stream, int32_t partition, const std::vector<std::string>& legs) const;
  PartitionWriter& writer() { return *writer_; }

  // Whether it is as CLEAN says. REQUIRES: not applied yet.
  bool left_clean() const { return recovery_->clean(); }
  // What it says as a whole. REQUIRES: the log thread does not run yet.
  JournalState& state() { return state_; }

 private:
  Journal(std::shared_ptr<Partition> partition, uint64_t segment_bytes)
      : partition_(std::move(partition)), segment_bytes_(segment_bytes) {}

  Status examine_segments(const CleanEntry* clean);
  Result<bool> begins_with_checkpoint(int64_t base);
  Status judge_first(int64_t base);
  Status judge_unfinished(int64_t base);
  Status roll(int64_t now_ms);
  Status write_batch(std::string_view key, const std::vector<std::string>& values, int64_t now_ms);

  const std::shared_ptr<Partition> partition_;
  const uint64_t segment_bytes_;
  std::unique_ptr<PartitionRecovery> recovery_;  // between examine() and apply()
  std::vector<int64_t> superfluous_;             // segments that apply() removes
  bool unfinished_ = false;                      // one of them is a roll that a crash interrupted
  std::unique_ptr<PartitionWriter> writer_;

  mutable std::mutex mutex_;
  JournalState state_;  // guarded by mutex_ for readers; changed by the log thread alone
};

}  // namespace colloquium::log
