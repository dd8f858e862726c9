// Reading a whole segment to say what of it is valid: for recovery, verification and offline readers.
//
// Changes nothing. Thread safety: functions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/batch_cursor.h"
#include "log/epochs.h"
#include "log/partition_writer.h"
#include "log/segment_index.h"

namespace colloquium::log {

// A batch that a commit says is there.
struct OutputRef {
  std::string stream;
  int32_t partition = 0;
  int64_t base_offset = 0;
  int64_t last_offset = 0;
  uint32_t crc = 0;
};

// What other places say about a partition: all of it must be there, whatever its own end looks like.
struct Evidence {
  int64_t synced_below = 0;              // offsets below were synced …
  std::string witness;                   // … says this
  int64_t committed_end = 0;             // outputs below are committed; outputs from here on never were
  std::map<int64_t, OutputRef> outputs;  // since the journal's checkpoint, by first offset

  void testify(int64_t below, const std::string& who);
};

struct Damage {
  uint64_t position = 0;
  int64_t offset = 0;  // that should stand there
  std::string what;
};

struct SegmentScan {
  PartitionEnd end;  // behind the last valid batch; `mark_last`, times, CRC and bytes with it
  int32_t last_epoch = 0;
  bool compacted = false;  // its batches bear the mark of it
  SegmentIndex index;
  std::optional<Damage> damage;
  int64_t mark_offset = -1;  // of the highest valid sync mark before the damage; −1: none
  // Where the first output that never was committed stands, with the end the segment has without it.
  std::optional<PartitionEnd> uncommitted;
};

// Called for every valid batch that stands in its place.
using BatchVisitor = std::function<Status(const BatchCursor::Item&)>;

struct SegmentPlace {
  uint64_t position = 0;
  int64_t offset = 0;
};

// Scans from `begin` (a whole segment: position 0, its first offset) to `size`. Damage is a finding, not a
// failure; a failure is an I/O error, or the visitor's.
Result<SegmentScan> scan_segment(const std::shared_ptr<const io::File>& file, SegmentPlace begin, uint64_t size,
                                 const EpochTable& epochs, const Evidence& evidence, const BatchVisitor& visit);

// The next place behind `from` where a valid batch of a higher offset begins, found without knowing where
// batches begin; nothing if there is none.
Result<std::optional<SegmentPlace>> next_batch_behind(const io::File& file, SegmentPlace from, uint64_t size,
                                                      const EpochTable& epochs);

// The last valid sync mark in [from, size), looked for at every byte; it stands at the position it names, so
// that no event's bytes are taken for one.
Result<std::optional<SyncMark>> last_mark_behind(const io::File& file, uint64_t from, uint64_t size,
                                                 const EpochTable& epochs);

}  // namespace colloquium::log
