#include "log/segment_scan.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {

void Evidence::testify(int64_t below, const std::string& who) {
  ASSERT(!who.empty());
  if (below <= synced_below) return;
  synced_below = below;
  witness = who;
}

namespace {

class Scanner {
 public:
  Scanner(SegmentPlace begin, const EpochTable& epochs, const Evidence& evidence)
      : epochs_(epochs), evidence_(evidence), begin_(begin.position) {
    PartitionEnd& end = scan_.end;
    end.has_active = true;
    end.active_base = begin.offset;
    end.active_bytes = begin.position;
    end.next_offset = begin.offset;
    end.mark_last = true;
    end.first_epoch = epochs.epoch_at(begin.offset);
    scan_.last_epoch = end.first_epoch;
  }

  // Why a valid batch can't be accepted here; null if it can.
  const char* defect(const BatchCursor::Item& item) const {
    const int64_t expected = scan_.end.next_offset;
    if (const char* place = place_defect(item.header, expected, epochs_.epoch_at(expected))) return place;
    const bool first = scan_.end.active_bytes == begin_;
    if (!first && item.header.is_compacted() != scan_.compacted) return mixed_compaction();
    // A compacted output is another batch than was committed.
    const auto output = evidence_.outputs.find(expected);
    if (output != evidence_.outputs.end() && !item.header.is_compacted() &&
        (output->second.crc != item.header.crc || output->second.last_offset != item.header.last_offset())) {
      return "the batch is not the one that its commit recorded";
    }
    // Behind an output that never was committed, only others of its group can stand.
    if (scan_.uncommitted && !item.header.is_transactional())
      return "an output that never was committed precedes it";
    return nullptr;
  }

  void take(const BatchCursor::Item& item) {
    PartitionEnd& end = scan_.end;
    const BatchHeader& header = item.header;
    const bool uncommitted = header.is_transactional() && header.base_offset >= evidence_.committed_end;
    if (uncommitted && !scan_.uncommitted) scan_.uncommitted = end;
    if (end.active_bytes == 0) end.first_time_ms = header.max_timestamp_ms;
    scan_.compacted = header.is_compacted();
    end.max_time_ms = std::max(end.max_time_ms, header.max_timestamp_ms);
    scan_.index.add({header.base_offset, item.position, end.max_time_ms});
    end.active_crc = io::crc32c(item.bytes, end.active_crc);
    end.active_bytes += item.bytes.size();
    end.next_offset = header.last_offset() + 1;
    end.mark_last = false;
    scan_.last_epoch = header.epoch;
    if (header.is_control()) take_control(item);
  }

  void take_control(const BatchCursor::Item& item) {
    const std::optional<SyncMark> mark = get_sync_mark(item.bytes);
    if (!mark) return;
    scan_.end.mark_last = true;
    const bool in_place = mark->offset == item.header.base_offset && mark->position == item.position;
    if (in_place) scan_.mark_offset = mark->offset;
  }

  SegmentScan finish(std::optional<Damage> damage) {
    scan_.damage = std::move(damage);
    return std::move(scan_);
  }
  const PartitionEnd& end() const { return scan_.end; }

 private:
  const EpochTable& epochs_;
  const Evidence& evidence_;
  const uint64_t begin_;
  SegmentScan scan_;
};

}  // namespace

Result<SegmentScan> scan_segment(const std::shared_ptr<const io::File>& file, SegmentPlace begin, uint64_t size,
                                 const EpochTable& epochs, const Evidence& evidence, const BatchVisitor& visit) {
  ASSERT(file != nullptr && begin.position <= size && begin.offset >= 0);
  Scanner scanner(begin, epochs, evidence);
  BatchCursor cursor(file, begin.position, size);
  for (;;) {
    const auto item = cursor.next();
    const PartitionEnd& end = scanner.end();
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    if (!item) return scanner.finish(Damage{end.active_bytes, end.next_offset, item.error().message});
    if (!*item) return scanner.finish(std::nullopt);
    if (const char* what = scanner.defect(**item)) {
      return scanner.finish(Damage{end.active_bytes, end.next_offset, what});
    }
    if (visit) TRY(visit(**item));
    scanner.take(**item);
    ASSERT(cursor.position() == scanner.end().active_bytes);
  }
}

Result<std::optional<SegmentPlace>> next_batch_behind(const io::File& file, SegmentPlace from, uint64_t size,
                                                      const EpochTable& epochs) {
  ASSERT(from.position <= size);
  constexpr uint64_t kChunk = uint64_t{1} << 20;
  std::string chunk;
  std::string batch;
  for (uint64_t begin = from.position + 1; begin + kHeaderBytes <= size; begin += kChunk) {
    chunk.resize(std::min(kChunk + kHeaderBytes - 1, size - begin));
    TRY_ASSIGN(const size_t count, file.read_at(begin, chunk));
    for (size_t at = 0; at + kHeaderBytes <= count; ++at) {
      if (chunk[at + 16] != 2) continue;
      const BatchHeader header = get_header(std::string_view(chunk).substr(at));
      const bool plausible = header_defect(header) == nullptr && header.base_offset > from.offset &&
                             begin + at + header.total_bytes() <= size &&
                             header.epoch == epochs.epoch_at(header.base_offset);
      if (!plausible) continue;
      batch.resize(header.total_bytes());
      TRY_ASSIGN(const size_t read, file.read_at(begin + at, batch));
      if (read == batch.size() && batch_defect(batch) == nullptr) {
        return std::optional<SegmentPlace>({begin + at, header.base_offset});
      }
    }
  }
  return std::optional<SegmentPlace>();
}

Result<std::optional<SyncMark>> last_mark_behind(const io::File& file, uint64_t from, uint64_t size,
                                                 const EpochTable& epochs) {
  ASSERT(from <= size);
  constexpr size_t kChunk = size_t{1} << 20;
  // A mark's batchLength, at byte 8: rare enough to look for.
  const std::string_view length("\0\0\0\x4e", 4);
  static_assert(kSyncMarkBytes - kLengthEnd == 0x4e);
  std::optional<SyncMark> last;
  std::string chunk;
  for (uint64_t begin = from; begin + kSyncMarkBytes <= size; begin += kChunk) {
    // Chunks overlap by a mark less one byte, so that none hides on a border.
    chunk.resize(std::min<uint64_t>(kChunk + kSyncMarkBytes - 1, size - begin));
    TRY_ASSIGN(const size_t count, file.read_at(begin, chunk));
    const std::string_view bytes(chunk.data(), count);
    for (size_t at = bytes.find(length, 8); at != std::string_view::npos; at = bytes.find(length, at + 1)) {
      const size_t start = at - 8;
      if (start + kSyncMarkBytes > bytes.size()) break;
      const std::string_view candidate = bytes.substr(start, kSyncMarkBytes);
      const std::optional<SyncMark> mark = get_sync_mark(candidate);
      // What it says of itself counts, not the header's offset, which no checksum covers: a mark that is damaged
      // there alone is still a witness. One of an earlier incarnation is none.
      const bool in_place =
          mark && mark->position == begin + start && get_header(candidate).epoch == epochs.epoch_at(mark->offset);
      if (in_place) last = mark;
    }
  }
  return last;
}

}  // namespace colloquium::log
