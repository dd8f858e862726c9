// PartitionRecovery: from files of unknown history to a Partition that can be read and written.
//
// The rules (docs/internals/log-format.md, "Recovery"): what stands at or above everything known to be synced
// and is not valid was torn by a crash, and is saved, cut off, synced, and followed by a new incarnation; what
// is not valid below is corruption, and nothing is changed. Outputs that no commit names are taken back.
// Every step can be interrupted and repeated.
//
// Thread safety: none; the caller holds the data directory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/batch_crypt.h"
#include "log/batch_decoder.h"
#include "log/clean_marker.h"
#include "log/oldest.h"
#include "log/partition.h"
#include "log/partition_writer.h"
#include "log/segment_file.h"
#include "log/segment_scan.h"

namespace colloquium::log {

struct RecoveryNote {
  std::string partition;  // "orders/0", "the commit journal"
  std::string text;       // what was found and done, a sentence
};

struct RecoveryOptions {
  const CleanEntry* clean = nullptr;  // how the partition was left, if it was left cleanly
  bool seals = true;                  // false: the journal, whose segments are deleted instead
  std::vector<int64_t> passed_over;   // segments to act as if they were not there
};

// In two steps, so that a start that has to be refused for one partition has changed none.
class PartitionRecovery {
 public:
  // `evidence` is copied. `partition` gets its segments in examine() and is ready after apply().
  PartitionRecovery(io::FileSystem& fs, std::shared_ptr<Partition> partition, Evidence evidence,
                    RecoveryOptions options);
  ~PartitionRecovery();

  // Reads, and changes nothing on disk. kCorrupt if anything synced is damaged.
  Status examine();
  // Whether it is as CLEAN says. REQUIRES: examine().
  bool clean() const;
  // Where the partition ends. REQUIRES: examine().
  const PartitionEnd& end() const;
  // Cuts off what is torn, writes what is missing, begins a new incarnation unless the stop was clean.
  Status apply(std::vector<RecoveryNote>& notes);
  const std::shared_ptr<Partition>& partition() const { return partition_; }

 private:
  Status load_epochs(bool has_segments);
  Status load_keys(const std::vector<int64_t>& bases);
  std::shared_ptr<const SegmentKey> key_of(int64_t base) const;
  Status remove_lost_keys();
  Status load_oldest(std::vector<int64_t>& bases);
  Status finish_removal();
  Status finish_compaction();
  Status take_sealed(int64_t base, const Seal& seal);
  Status take_older(int64_t base, int64_t next);
  Status take_last(int64_t base);
  Status take_clean(int64_t base, uint64_t size);
  Status take_scanned(int64_t base, uint64_t size);
  Result<SegmentScan> scan(int64_t base, uint64_t size);
  Status note_accept(const BatchCursor::Item& item);
  bool left_clean(const std::vector<int64_t>& bases) const;
  const GapTable& gaps() const { return partition_->gaps(); }
  Status check_end() const;
  Status cut();
  Status save_torn(const io::File& file) const;
  void note(std::string text) { notes_.push_back({partition_->name(), std::move(text)}); }

  io::FileSystem& fs_;
  const std::shared_ptr<Partition> partition_;
  const std::string& directory_;
  const Evidence evidence_;
  const RecoveryOptions options_;
  std::unique_ptr<BatchDecoder> decoder_;
  BatchOpener opener_;  // of the segment that is scanned

  // What examine() found.
  EpochTable epochs_;
  std::map<int64_t, std::shared_ptr<const SegmentKey>> keys_;  // of the encrypted segments
  std::vector<int64_t> lost_keys_;                             // key files whose segments are gone
  Oldest oldest_;
  UnfinishedCompactions compactions_;
  bool unclean_ = true;
  bool new_epochs_ = false;       // there was no epochs file yet
  std::vector<Seal> lost_seals_;  // to be written again
  PartitionEnd end_;
  SourceMarks sources_;
  uint64_t sealed_bytes_ = 0;
  uint64_t last_size_ = 0;  // of the active segment's file; more than end_.active_bytes is to be cut
  std::optional<Damage> damage_;
  bool takes_back_ = false;  // outputs of a commit that never was
  std::vector<RecoveryNote> notes_;
};

// Whether damage is a crash's (cut it) or corruption (refuse): kCorrupt with the range that is lost.
Status judge_damage(const std::string& place, const std::string& file, const Damage& damage,
                    const Evidence& evidence, const EpochTable& epochs, std::optional<SyncMark> mark_behind);

}  // namespace colloquium::log
