#include "log/partition_reader.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/layout.h"
#include "log/oldest.h"

namespace colloquium::log {

PartitionReader::PartitionReader(std::shared_ptr<Partition> partition, int64_t from_offset,
                                 const TapeBuilder* tape)
    : partition_(std::move(partition)),
      offset_(std::max<int64_t>(0, from_offset)),
      decoder_(partition_->origin(), tape) {}

std::shared_ptr<const Batch> PartitionReader::deliver(std::shared_ptr<const Batch> batch, int64_t end) {
  ASSERT(batch != nullptr && !batch->empty() && offset_ < end);
  const auto entries = batch->entries();
  const auto first = std::partition_point(entries.begin(), entries.end(), [&](const BatchEntry& entry) {
    return batch->base_offset() + entry.offset_delta < offset_;
  });
  offset_ = end;
  sought_ = false;
  if (first == entries.end()) return nullptr;
  if (first != entries.begin()) batch = batch->tail(static_cast<size_t>(first - entries.begin()));
  return decoder_.with_tapes(std::move(batch));
}

Result<std::shared_ptr<const Batch>> PartitionReader::next() {
  for (;;) {
    ASSERT(offset_ >= 0);
    offset_ = partition_->gaps().skip(offset_);
    if (offset_ >= partition_->readable_end()) return std::shared_ptr<const Batch>();
    bool known = false;
    std::shared_ptr<const Batch> batch = partition_->in_memory(offset_, known);
    if (known && batch == nullptr) return batch;
    if (known) {
      const int64_t end = batch->base_offset() + static_cast<int64_t>(batch->size());
      return deliver(std::move(batch), end);
    }
    TRY_ASSIGN(const auto item, next_stored());
    if (!item) return std::shared_ptr<const Batch>();
    TRY_ASSIGN(const std::string_view stored, records(*item));
    auto decoded = decoder_.decode(item->header, stored);
    if (!decoded) return damaged(decoded.error().message);
    // Of a compacted batch everything behind the offset may be gone.
    if (auto rest = deliver(std::move(*decoded), item->header.last_offset() + 1)) return rest;
  }
}

Result<std::string_view> PartitionReader::records(const BatchCursor::Item& item) {
  ASSERT(segment_ != nullptr);
  if (opens_ != segment_) {
    TRY_ASSIGN(auto key, partition_->key_of(*segment_));
    opener_.enter(std::move(key));
    opens_ = segment_;
  }
  const auto opened = opener_.open(item);
  if (!opened) return damaged(opened.error().message);
  return *opened;
}

tl::unexpected<Error> PartitionReader::damaged(const std::string& what) const {
  ASSERT(segment_ != nullptr && !what.empty());
  const std::string file = segment_path(partition_->directory(), segment_->base_offset(), "log");
  return fail(ErrorCode::kCorrupt,
              "cannot read offset " + std::to_string(expected_) + " in '" + file + "' at byte " +
                  std::to_string(cursor_ ? cursor_->position() : 0) + ": " + what +
                  "; 'colloquium log verify' lists every damaged place; restore the partition from a backup",
              partition_->name() + "@" + std::to_string(expected_));
}

tl::unexpected<Error> PartitionReader::removed(int64_t oldest) const {
  ASSERT(oldest > offset_);
  return fail(ErrorCode::kNotFound,
              "cannot read offset " + std::to_string(offset_) + " of '" + partition_->name() +
                  "': it was removed by retention; the oldest offset left is " + std::to_string(oldest),
              partition_->name() + "@" + std::to_string(offset_));
}

// Opens segment_'s file; false if it was removed meanwhile, and segment_of() has another one now.
Result<bool> PartitionReader::open_segment() {
  ASSERT(segment_ != nullptr);
  auto opened = segment_->file(partition_->files());
  if (opened) {
    file_ = std::move(*opened);
    return true;
  }
  if (opened.error().code != ErrorCode::kNotFound) return fail(opened.error());
  if (partition_->segment_of(segment_->base_offset()) != segment_) return false;
  // Read without the lock: another process may have removed it.
  const auto oldest = read_oldest(partition_->files(), partition_->directory());
  if (!oldest && io::waits_for_room(oldest.error())) return fail(oldest.error());
  if (oldest && oldest->offset > offset_) return removed(oldest->offset);
  return damaged("the file is not there");
}

Status PartitionReader::find_place() {
  ASSERT(offset_ < partition_->readable_end());
  for (bool open = false; !open;) {
    segment_ = partition_->segment_of(offset_);
    ASSERT_WHY(segment_ != nullptr, "a readable offset is in a segment");
    cursor_.reset();
    if (offset_ < segment_->base_offset()) {
      if (!sought_) return removed(segment_->base_offset());
      offset_ = segment_->base_offset();
    }
    expected_ = segment_->base_offset();
    TRY_ASSIGN(open, open_segment());
  }
  TRY_ASSIGN(const SegmentIndex::Entry place, segment_->place_before(partition_->files(), offset_));
  expected_ = place.offset;
  cursor_.emplace(file_, place.position, segment_->readable_bytes());
  return {};
}

// False at the end of the newest one.
Result<bool> PartitionReader::next_segment() {
  ASSERT(segment_ != nullptr && expected_ >= segment_->base_offset());
  for (bool open = false; !open;) {
    const std::shared_ptr<Segment> next = partition_->segment_after(segment_->base_offset());
    if (next == nullptr) return false;
    if (next->base_offset() != partition_->gaps().skip(expected_)) {
      // The file that was open could be read to its end although it was removed; what followed it is gone.
      if (partition_->info().oldest_offset > expected_) return removed(next->base_offset());
      return damaged("the segment ends, and the next begins at offset " + std::to_string(next->base_offset()));
    }
    const std::shared_ptr<Segment> before = std::exchange(segment_, next);
    cursor_.reset();
    TRY_ASSIGN(open, open_segment());
    if (!open) segment_ = before;
  }
  expected_ = segment_->base_offset();
  offset_ = std::max(offset_, expected_);
  cursor_.emplace(file_, 0, segment_->readable_bytes());
  return true;
}

Result<std::optional<BatchCursor::Item>> PartitionReader::next_stored() {
  const int64_t end = partition_->readable_end();
  offset_ = partition_->gaps().skip(offset_);
  if (offset_ >= end) return std::optional<BatchCursor::Item>();
  if (!cursor_ || expected_ != offset_) TRY(find_place());
  auto item = walk(end);
  if (!item && item.error().code == ErrorCode::kNotFound && sought_) {
    // The segment that stands open was read to its end, and what followed is gone: on to the oldest that is left.
    TRY(find_place());
    item = walk(end);
  }
  if (item) sought_ = false;
  return item;
}

Result<std::optional<BatchCursor::Item>> PartitionReader::walk(int64_t end) {
  ASSERT(cursor_ && segment_ != nullptr);
  while (expected_ < end) {
    cursor_->set_end(segment_->readable_bytes());
    const auto item = cursor_->next();
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    if (!item) return damaged(item.error().message);
    if (!*item) {
      TRY_ASSIGN(const bool more, next_segment());
      if (!more) break;
      continue;
    }
    const BatchHeader& header = (*item)->header;
    if (const char* what = place_defect(header, expected_, partition_->epochs()->epoch_at(expected_))) {
      return damaged(what);
    }
    if (header.is_compacted() != segment_->compacted()) return damaged(mixed_compaction());
    expected_ = header.last_offset() + 1;
    if (header.last_offset() >= offset_ && !header.is_control() && header.record_count > 0) return *item;
    if (expected_ > offset_) offset_ = expected_;
  }
  return std::optional<BatchCursor::Item>();
}

}  // namespace colloquium::log
