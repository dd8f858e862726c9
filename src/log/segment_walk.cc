#include "log/segment_walk.h"

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {

Result<SegmentWalk> SegmentWalk::begin(Partition& partition, Segment& segment) {
  SegmentWalk walk;
  TRY_ASSIGN(walk.file_, segment.file(partition.files()));
  TRY_ASSIGN(auto key, partition.key_of(segment));
  walk.epochs_ = partition.epochs();
  walk.cursor_ = std::make_unique<BatchCursor>(walk.file_, 0, segment.readable_bytes());
  walk.opener_ = std::make_unique<BatchOpener>();
  walk.opener_->enter(std::move(key));
  walk.decompressor_ = std::make_unique<io::Decompressor>();
  walk.compacted_ = segment.compacted();
  walk.expected_ = segment.base_offset();
  ASSERT(walk.epochs_ != nullptr);
  return walk;
}

Result<std::optional<BatchCursor::Item>> SegmentWalk::next() {
  ASSERT(cursor_ != nullptr);
  TRY_ASSIGN(auto item, cursor_->next());
  if (!item) return item;
  const BatchHeader& header = item->header;
  const char* what = place_defect(header, expected_, epochs_->epoch_at(expected_));
  if (what == nullptr && header.is_compacted() != compacted_) what = mixed_compaction();
  if (what != nullptr) return fail(ErrorCode::kCorrupt, what);
  expected_ = header.last_offset() + 1;
  crc_ = io::crc32c(item->bytes, crc_);
  return item;
}

Result<std::string_view> SegmentWalk::stored(const BatchCursor::Item& item) {
  ASSERT(!item.header.is_control());
  return opener_->open(item);
}

Result<std::string_view> SegmentWalk::unpacked(const BatchCursor::Item& item) {
  ASSERT(!item.header.is_control());
  unpacked_.clear();
  TRY_ASSIGN(const std::string_view packed, opener_->open(item));
  if (item.header.record_count == 0) return std::string_view();
  const auto compression = static_cast<io::Compression>(item.header.codec());
  const Status done = decompressor_->decompress(compression, packed, kMaxRecordsBytes, unpacked_);
  if (!done) return fail(ErrorCode::kCorrupt, done.error().message);
  return std::string_view(unpacked_);
}

}  // namespace colloquium::log
