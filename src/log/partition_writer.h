// PartitionWriter: appends to one partition's active segment, a group at a time.
//
//   begin → add … → write → (savepoint → add … → write) → sync → publish
//
// A group may end before it is synced and published, if nobody was promised that it lasts; both follow then. Every
// group begins with a sync mark for what the groups before it wrote, once all of that is synced. A group that
// could not be written is cut off again, and what is written in its place bears a new incarnation.
//
// Thread safety: the log thread only, but for sync(), which a sync helper may run while the log thread waits or
// writes more, and set_roll().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/batch_crypt.h"
#include "log/partition.h"
#include "log/record_batch.h"

namespace colloquium::log {

// What is known of a partition's end when it is opened.
struct PartitionEnd {
  int64_t next_offset = 0;
  int64_t max_time_ms = 0;
  bool has_active = false;  // a segment to go on with; the rest describes it
  int64_t active_base = 0;
  uint64_t active_bytes = 0;
  uint32_t active_crc = 0;
  int64_t first_time_ms = 0;
  int32_t first_epoch = 0;
  bool mark_last = false;  // its last batch is a sync mark
};

class PartitionWriter {
 public:
  // `partition` is filled by a recovery. The active segment is opened when it is first written.
  PartitionWriter(std::shared_ptr<Partition> partition, const PartitionEnd& end, uint64_t segment_bytes);

  Partition& partition() { return *partition_; }
  const std::shared_ptr<Partition>& shared() const { return partition_; }
  bool in_group() const { return in_group_; }
  int64_t next_offset() const { return next_offset_; }
  uint64_t group_bytes() const { return active_bytes_ - group_begin_.bytes; }
  // Something is written that is not known to be synced.
  bool unsynced() const { return unsynced_; }
  // Whether begin() would do what needs all before it synced and published.
  bool begins_anew(int64_t now_ms) const { return epoch_spent_ || is_full(now_ms) || must_roll(); }

  // Whether begin() would make, open and sync nothing.
  bool goes_on(int64_t now_ms) const {
    return has_active_ && file_ != nullptr && !(foreign_ && active_bytes_ == 0) && !begins_anew(now_ms);
  }

  // Makes the partition ready for a group: a new incarnation if the last group failed, a new segment if the
  // active one is full, a sync mark. `seal` false (the journal): segments are not sealed or rolled here.
  // REQUIRES: not unsynced() if begins_anew().
  Status begin(int64_t now_ms, bool seal = true);
  // Takes a batch's place. `producer` is −1, or the leg's id for an output. REQUIRES: in a group.
  AppendResult add(EncodedBatch batch, int64_t producer, int64_t now_ms);
  // Checksum (of the header's bytes 21… and the records) of the batch added last: a commit refers to it.
  uint32_t last_crc() const { return last_crc_; }
  Status write();
  Status sync();
  // A sync has succeeded that began when next_offset() was `end`.
  void synced(int64_t end);
  // Makes what was added and lies below `end` readable.
  void publish(int64_t end);
  void end_group();

  // Where a group can be cut back to: before outputs, when their commit can't be stored.
  struct Savepoint {
    uint64_t bytes;
    uint32_t crc;
    int64_t next_offset;
    int64_t max_time_ms;
    bool mark_last;
    bool unsynced;
  };
  Savepoint savepoint() const;
  // Undoes what was added since, on disk too. The group is over; the next one begins a new incarnation.
  Status cut_back(const Savepoint& to);
  Status cut_back_group() { return cut_back(group_begin_); }

  // A sync mark on its own, if anything was written since the last. REQUIRES: no group.
  bool wants_mark() const { return !mark_last_ && active_bytes_ > 0; }
  // When a group last wrote here, by the monotonic clock.
  int64_t written_ns() const { return written_ns_; }
  void note_written(int64_t now_ns) { written_ns_ = now_ns; }

  // Whether the active segment may not be added to, because it is encrypted, or what is new has to be, and another
  // process began it. Of a stream's partition begin() sees to that.
  bool must_roll() const { return has_active_ && active_bytes_ > 0 && foreign_; }
  // From the next group on segments are finished at `segment_bytes`, or `roll_ms` after their first append (0:
  // never for their age). Any thread.
  void set_roll(uint64_t segment_bytes, int64_t roll_ms);
  // Finishes the active segment, if nothing was appended to it for longer than `age_ms`, so that retention can
  // remove it. REQUIRES: no group, nothing unsynced.
  Status roll_if_older(int64_t age_ms, int64_t now_ms);

  // --- the journal's segments -----------------------------------------------------------------------------
  uint64_t active_bytes() const { return active_bytes_; }
  int64_t active_base() const { return active_base_; }
  // Starts a segment at the next offset without sealing the one before, which stays until drop_segment().
  Status start_segment();
  // Goes back to the segment before the one just started, after a failure. `folder` is the partition's.
  Status abandon_segment(const PartitionEnd& back, io::Folder& folder);
  Status drop_segment(int64_t base_offset, io::Folder& folder);

  // A clean stop keeps the incarnation: one that was cut must not write again after the next start either.
  Status leave_spent_epoch() { return epoch_spent_ ? renew_epoch() : Status(); }
  // How the partition stands, for CLEAN.
  PartitionEnd end() const;
  // Writes the active segment's index files.
  Status store_active_index();

 private:
  Status renew_epoch();
  Status seal_active();
  Status ensure_active();
  Result<std::shared_ptr<const SegmentKey>> new_key(int64_t base_offset);
  void adopt_key(std::shared_ptr<const SegmentKey> key);
  bool encrypts() const;
  bool is_full(int64_t now_ms) const;
  void notice(int64_t now_ms);
  void add_mark(int64_t now_ms);
  void take(std::string_view header, std::string_view records);

  const std::shared_ptr<Partition> partition_;
  std::atomic<uint64_t> segment_bytes_;
  std::atomic<int64_t> roll_ms_{0};
  io::FileSystem& fs_;

  int64_t next_offset_;
  int64_t max_time_ms_;
  bool has_active_;
  std::shared_ptr<Segment> segment_;
  std::unique_ptr<io::File> file_;
  int64_t active_base_;
  uint64_t active_bytes_;  // with what is added and not yet written
  uint32_t active_crc_;
  int64_t first_time_ms_;
  // When the active segment got its first and its newest batch, by a clock that may have been set back since:
  // never in its future. Append times never go back, so that after a jump they say nothing of age.
  int64_t begun_ms_;
  int64_t newest_ms_;
  int32_t first_epoch_;
  bool mark_last_;
  bool foreign_ = false;                 // the active segment is another process's, and keys are at stake
  std::unique_ptr<BatchSealer> sealer_;  // of the active segment; null: in the clear
  bool unsynced_ = false;
  int64_t written_ns_ = 0;
  bool epoch_spent_ = false;  // a group was cut: its incarnation must not write again
  int32_t epoch_ = 0;
  uint32_t last_crc_ = 0;

  // The group.
  bool in_group_ = false;
  Savepoint group_begin_{};
  uint64_t written_bytes_ = 0;       // of the file
  std::deque<std::string> headers_;  // own the pieces' bytes
  std::deque<EncodedBatch> batches_;
  std::vector<std::string_view> pieces_;  // to be written next, from written_bytes_ on
  struct Unpublished {
    Partition::Published batch;
    uint64_t end_bytes;  // of the file, behind the batch
    std::string source;  // empty: none
    SourceMark mark;
  };
  std::deque<Unpublished> unpublished_;
};

}  // namespace colloquium::log
