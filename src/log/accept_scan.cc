#include "log/accept_scan.h"

#include <algorithm>

#include "base/assert.h"
#include "log/batch_decoder.h"
#include "log/partition_reader.h"

namespace colloquium::log {
namespace {

// The append time of the segment's first batch.
Result<int64_t> first_time(Partition& partition, Segment& segment) {
  TRY_ASSIGN(const std::shared_ptr<const io::File> file, segment.file(partition.files()));
  if (segment.readable_bytes() == 0) return INT64_MAX;
  BatchCursor cursor(file, 0, segment.readable_bytes());
  TRY_ASSIGN(const auto item, cursor.next(false));
  ASSERT(item.has_value());
  return item->header.max_timestamp_ms;
}

// An offset at or before the first batch of that time: append times rise, so the segment can be told by its
// first batch and the place in it by the time index.
Result<int64_t> offset_before_time(Partition& partition, int64_t time_ms) {
  const std::vector<std::shared_ptr<Segment>> segments = partition.segments();
  for (size_t i = segments.size(); i-- > 0;) {
    const auto begins = first_time(partition, *segments[i]);
    // Removed by retention since we looked: what is left of the partition is above.
    if (!begins && i + 1 < segments.size() && partition.info().oldest_offset > segments[i]->base_offset()) {
      return segments[i + 1]->base_offset();
    }
    TRY_ASSIGN(const int64_t begins_ms, begins);
    if (begins_ms >= time_ms && i > 0) continue;
    TRY_ASSIGN(const SegmentIndex::Entry place, segments[i]->place_before_time(partition.files(), time_ms));
    return place.offset;
  }
  return partition.readable_end();
}

}  // namespace

Result<int64_t> offset_at_time(const std::shared_ptr<Partition>& partition, int64_t time_ms) {
  ASSERT(partition != nullptr);
  TRY_ASSIGN(const int64_t before, offset_before_time(*partition, time_ms));
  PartitionReader reader(partition, before, nullptr);
  for (;;) {
    TRY_ASSIGN(const auto item, reader.next_stored());
    if (!item) return std::max(before, partition->readable_end());
    if (item->header.max_timestamp_ms >= time_ms) return item->header.base_offset;
    reader.seek(item->header.last_offset() + 1);
  }
}

Result<int64_t> offset_before_end(Partition& partition, uint64_t bytes) {
  const auto segments = partition.segments();
  uint64_t behind = 0;
  for (auto at = segments.rbegin(); at != segments.rend(); ++at) {
    Segment& segment = **at;
    const auto file = segment.file(partition.files());
    // Removed by retention since we looked.
    if (!file && partition.info().oldest_offset > segment.base_offset()) return partition.info().oldest_offset;
    if (!file) return fail(file.error());
    const uint64_t size = segment.readable_bytes();
    if (behind + size <= bytes) {
      behind += size;
      continue;
    }
    // A batch that begins before that place and ends behind it may stay.
    const uint64_t position = size - (bytes - behind);
    TRY_ASSIGN(const SegmentIndex::Entry entry, segment.place_before_position(partition.files(), position));
    return entry.offset;
  }
  return partition.info().oldest_offset;
}

Status visit_accepted(const std::shared_ptr<Partition>& partition, int64_t since_ms, int64_t known_below,
                      const std::function<void(const Log::Accepted&)>& visit) {
  ASSERT(partition != nullptr && visit);
  std::vector<Log::Accepted> old;
  for (const auto& [source, mark] : partition->sources()) {
    if (mark.append_time_ms >= since_ms && mark.first_offset >= known_below) continue;
    old.push_back({partition->number(), mark.first_offset, mark.append_time_ms, {source, mark.cursor, {}}});
  }
  std::sort(old.begin(), old.end(), [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
  for (const Log::Accepted& accepted : old) visit(accepted);

  // Even to search for the time would read every segment since.
  if (known_below >= partition->readable_end()) return {};
  TRY_ASSIGN(const int64_t begin, offset_at_time(partition, since_ms));
  PartitionReader reader(partition, std::max(begin, known_below), nullptr);
  BatchDecoder decoder(partition->origin(), nullptr);
  for (;;) {
    TRY_ASSIGN(const auto item, reader.next_stored());
    if (!item) return {};
    TRY_ASSIGN(const std::string_view records, reader.records(*item));
    reader.seek(item->header.last_offset() + 1);
    TRY_ASSIGN(const std::optional<AcceptInfo> info, decoder.decode_accept(item->header, records));
    if (info) visit({partition->number(), item->header.base_offset, item->header.max_timestamp_ms, *info});
  }
}

}  // namespace colloquium::log
