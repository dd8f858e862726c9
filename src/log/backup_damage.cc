#include "log/backup_damage.h"

#include <utility>

#include "base/assert.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

// From where the valid part ends to where something valid follows.
Result<LostRange> range_of(const PartitionInstant& place, const io::File& file, uint64_t size,
                           const SegmentScan& scan, int64_t limit) {
  const PartitionEnd& end = scan.end;
  ASSERT(end.next_offset < limit && end.active_bytes <= size);
  LostRange range;
  range.file = segment_path(place.folder, end.active_base, "log");
  range.position = end.active_bytes;
  range.size = size - end.active_bytes;
  range.first_offset = end.next_offset;
  range.last_offset = limit - 1;
  TRY_ASSIGN(const auto more, next_batch_behind(file, {end.active_bytes, end.next_offset}, size, place.epochs));
  if (more && more->offset < limit) {
    range.last_offset = more->offset - 1;
    range.size = more->position - range.position;
  }
  range.what = scan.damage ? scan.damage->what : "the file ends before them";
  return range;
}

}  // namespace

Status refuse_damaged(const PartitionInstant& place, LostRange range) {
  range.stream = place.stream;
  range.partition = place.number;
  ASSERT(range.last_offset >= range.first_offset);
  return fail(ErrorCode::kCorrupt,
              "cannot back up what is damaged: " + range.describe() +
                  "; 'colloquium log verify' lists every damaged place, 'colloquium log repair' "
                  "says what can be mended; earlier snapshots stay as they are");
}

Status refuse_broken_seal(const PartitionInstant& place, const Seal& seal, const io::File& file, uint64_t size,
                          const SegmentScan& scan) {
  LostRange range;
  if (scan.end.next_offset < seal.next_offset) {
    TRY_ASSIGN(range, range_of(place, file, size, scan, seal.next_offset));
    return refuse_damaged(place, std::move(range));
  }
  range.file = segment_path(place.folder, seal.base_offset, "log");
  range.first_offset = seal.base_offset;
  range.last_offset = seal.next_offset - 1;
  range.size = size;
  range.what = "its bytes are not those that its seal was made of";
  ASSERT(range.first_offset <= range.last_offset);
  return refuse_damaged(place, std::move(range));
}

Status refuse_cut_short(const PartitionInstant& place, const io::File& file, uint64_t size,
                        const SegmentScan& scan, int64_t limit) {
  ASSERT(scan.end.next_offset < limit);
  TRY_ASSIGN(LostRange range, range_of(place, file, size, scan, limit));
  if (scan.uncommitted)
    range.what = "a mark says that these outputs were committed, and the commit journal does not";
  return refuse_damaged(place, std::move(range));
}

}  // namespace colloquium::log
