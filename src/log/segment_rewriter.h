// SegmentRewriter: a finished segment without the records that compaction takes out, as a new file beside it.
//
// The batches keep their offsets, times, producers and incarnations, and bear the mark of compacted ones; those
// that hold nothing any more, sync marks too, become batches without records, as few as there are incarnations
// between two that hold something. So the batches still tile the segment's offsets, and what protects bytes 0 to
// 16 of a batch protects them here too. Kafka's cleaner leaves holes between batches instead
// (core/src/main/scala/kafka/log/LogCleaner.scala, "Cleaner"; DefaultRecordBatch.writeEmptyHeader for the others).
//
// An encrypted segment is encrypted anew, with a key of its own; one in the clear stays so.
// Thread safety: belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/partition.h"
#include "log/record_filter.h"
#include "log/seal.h"
#include "log/segment_walk.h"

namespace colloquium::log {

struct RewrittenSegment {
  Seal seal;  // what the segment is once it is the new one
  SegmentIndex index;
  std::string path;  // of the new file: synced, but for its name
  uint64_t removed_records = 0;
  int64_t tombstones = 0;
};

class SegmentRewriter {
 public:
  // `seal` is the segment's. `stop`, once true, ends the work with kCancelled.
  SegmentRewriter(Partition& partition, Segment& segment, const Seal& seal, RecordFilter& filter,
                  const std::atomic<bool>& stop);

  // What a look at the segment says: whether any record goes, and how many tombstones there are if none does.
  // kCorrupt if it is not as it was sealed.
  struct Finding {
    bool any = false;
    int64_t tombstones = 0;
  };
  Result<Finding> look();

  // Writes the new file. REQUIRES: look() found some. A failure leaves a file that is nobody's.
  Result<RewrittenSegment> write();

 private:
  Status take(SegmentWalk& walk, const BatchCursor::Item& item);
  Status take_empty(const BatchHeader& header);
  Status flush_empty();
  Status put(BatchHeader header, std::string_view records);
  Status flush();
  Status check_whole(const SegmentWalk& walk) const;
  Result<std::unique_ptr<BatchSealer>> new_key() const;

  Partition& partition_;
  Segment& segment_;
  const Seal& seal_;
  RecordFilter& filter_;
  const std::atomic<bool>& stop_;

  std::shared_ptr<const SegmentKey> key_;  // that the segment is encrypted with; null: it is in the clear
  std::unique_ptr<BatchSealer> sealer_;
  std::unique_ptr<io::File> file_;
  std::string buffer_;                // to be written at …
  uint64_t flushed_bytes_ = 0;        // … this position
  std::optional<BatchHeader> empty_;  // offsets without records, not written yet
  RewrittenSegment result_;
};

}  // namespace colloquium::log
