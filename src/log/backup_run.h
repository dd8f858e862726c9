// A backup under way: what back_up() does, step by step. In two files: backup.cc has the order of things and what
// is tried again, backup_copy.cc how a partition, its segments and the journal are copied.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/backup.h"
#include "log/data_instant.h"
#include "log/journal_state.h"
#include "log/segment_file.h"
#include "log/segment_scan.h"
#include "log/snapshot_writer.h"

namespace colloquium::log {

class Backup {
 public:
  explicit Backup(const BackupOptions& options) : options_(options), fs_(*options.files) {}

  Result<BackupReport> run();

 private:
  // A finished segment that is in the snapshot.
  struct Finished {
    int64_t next_offset = 0;
    std::vector<std::string> key_ids;  // none: in the clear
  };

  Status prepare();
  Status choose_previous(const std::vector<Snapshot>& snapshots);
  Status copy_everything();
  bool nobody_writes() const;
  Status copy_finished_segments();
  Status copy_instant();
  Status check_absent(const DataInstant& instant) const;
  Status copy_unchanging_files(const DataInstant& instant);
  Status copy_journal(const PartitionInstant& journal);
  Result<bool> begins_whole(const PartitionInstant& journal, int64_t base) const;
  Status read_journal(const PartitionInstant& journal, const PartitionEnd& copied);
  Status copy_partition(const PartitionInstant& place, const Evidence& evidence);
  Status copy_side_texts(const PartitionInstant& place);
  Result<bool> copy_sealed(const PartitionInstant& place, int64_t base, bool before_instant, int64_t& next);
  Status link_or_copy(const PartitionInstant& place, const SealedFile& from, const std::string& seal,
                      bool has_key);
  Status copy_new_sealed(const PartitionInstant& place, const SealedFile& from, bool has_key);
  void keep_sealed(const PartitionInstant& place, int64_t base, const Finished& finished);
  Result<PartitionEnd> copy_open(const PartitionInstant& place, int64_t base, int64_t limit,
                                 const Evidence& evidence);
  Status copy_segment_of(const PartitionInstant& place, size_t i, const Evidence& evidence, int64_t& next);
  Result<std::vector<std::string>> copy_key(const PartitionInstant& place, int64_t base);
  const HeldSegment& held_segment(const PartitionInstant& journal, int64_t base) const;
  Result<SegmentScan> copy_batches(const PartitionInstant& place, int64_t base,
                                   const std::shared_ptr<const io::File>& file, uint64_t size,
                                   const Evidence& evidence, bool has_key);
  Result<uint64_t> length_of(const PartitionInstant& place, int64_t base, const io::File& file) const;
  Status copy_if_there(const std::string& path);
  Evidence evidence_for(const PartitionInstant& place) const;
  void count_total();
  void advance(uint64_t bytes);
  Status remove_old();

  // Of a path in the data directory, within the snapshot.
  std::string within(const std::string& path) const { return path.substr(directory_.size() + 1); }

  const BackupOptions& options_;
  io::FileSystem& fs_;
  std::string directory_;
  std::string tag_;
  std::unique_ptr<io::FileLock> lock_;
  std::optional<SnapshotWriter> snapshot_;
  BackupReport report_;
  std::optional<JournalState> journal_;       // as copied; nothing while, or because, it can't be read
  std::map<std::string, Finished> finished_;  // by the segment's path
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace colloquium::log
