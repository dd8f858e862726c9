// Journal: the commit point of every leg.
//
// One partition of its own, journal/: each batch holds the commits of one group, synced before any of them is
// told of. Once a segment is full the next one begins with a checkpoint of everything the journal says, and the
// old one is deleted when that is durable. So the journal is read whole at every start, and stays small.
//
// Thread safety: leg_state() on any thread; the rest on the log thread (open: before it runs).
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
#include "log/partition_writer.h"
#include "log/recovery.h"

namespace colloquium::log {

class Journal {
 public:
  // Recovers journal/ of the data directory, making it if it is not there. `clean` as in RecoveryOptions.
  static Result<std::unique_ptr<Journal>> open(io::FileSystem& fs, const std::string& directory,
                                               const CleanEntry* clean, uint64_t segment_bytes,
                                               std::vector<RecoveryNote>& notes);

  // Writes and syncs the commits as one batch. kNoSpace: nothing happened, and they may be tried again; any
  // other failure is for good.
  Status append(const std::vector<CommitRecord>& commits, int64_t now_ms);

  std::optional<LegState> leg_state(const std::string& leg) const;
  PartitionWriter& writer() { return *writer_; }

  // What the journal proves about a partition, for its recovery.
  Evidence evidence_for(const std::string& stream, int32_t partition) const;
  // The outputs named since the checkpoint; forgotten once the streams are recovered.
  const std::vector<OutputRef>& outputs() const { return outputs_; }
  void forget_outputs() { outputs_.clear(); }

 private:
  Journal(std::shared_ptr<Partition> partition, uint64_t segment_bytes)
      : partition_(std::move(partition)), segment_bytes_(segment_bytes) {}

  Status recover(const CleanEntry* clean, std::vector<RecoveryNote>& notes);
  Result<bool> begins_with_checkpoint(int64_t base);
  Status discard_unfinished(int64_t base, std::vector<RecoveryNote>& notes);
  Status replay(const PartitionEnd& end);
  Status replay_record(const Record& record, bool first);
  void apply(const CommitRecord& commit);
  Status roll(int64_t now_ms);
  Status write_batch(std::string_view key, const std::vector<std::string>& values, int64_t now_ms);

  const std::shared_ptr<Partition> partition_;
  const uint64_t segment_bytes_;
  std::unique_ptr<PartitionWriter> writer_;
  std::map<std::pair<std::string, int32_t>, int64_t> committed_ends_;
  std::vector<OutputRef> outputs_;  // of the commits replayed at open; evidence for the recovery of the streams

  mutable std::mutex mutex_;
  std::map<std::string, LegState> legs_;  // guarded by mutex_ for readers; changed by the log thread alone
};

}  // namespace colloquium::log
