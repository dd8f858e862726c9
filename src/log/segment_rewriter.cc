#include "log/segment_rewriter.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

// The codec in the place where put_header and BatchSealer want it, and the mark.
uint16_t compacted_attributes(const BatchHeader& header) {
  ASSERT(!header.is_control());
  const uint16_t inner_codec = static_cast<uint16_t>(kCodecMask << kInnerCodecShift);
  const auto rest = static_cast<uint16_t>(header.attributes & ~(kCodecMask | inner_codec));
  return static_cast<uint16_t>(rest | static_cast<uint16_t>(header.codec()) | kCompacted);
}

}  // namespace

SegmentRewriter::SegmentRewriter(Partition& partition, Segment& segment, const Seal& seal, RecordFilter& filter,
                                 const std::atomic<bool>& stop)
    : partition_(partition), segment_(segment), seal_(seal), filter_(filter), stop_(stop) {
  ASSERT(seal_.base_offset == segment_.base_offset());
}

// Damage must not be summed anew and so be made good.
Status SegmentRewriter::check_whole(const SegmentWalk& walk) const {
  ASSERT(walk.bytes() == segment_.readable_bytes());
  if (walk.crc() == seal_.crc && walk.next_offset() == seal_.next_offset) return {};
  return fail(ErrorCode::kCorrupt, "the segment's bytes do not have the sum it was sealed with");
}

Result<SegmentRewriter::Finding> SegmentRewriter::look() {
  Finding finding;
  TRY_ASSIGN(SegmentWalk walk, SegmentWalk::begin(partition_, segment_));
  for (;;) {
    if (stop_) return fail(ErrorCode::kCancelled, "the log is closing");
    TRY_ASSIGN(const auto item, walk.next());
    if (!item) break;
    if (item->header.is_control() || item->header.record_count == 0) continue;
    TRY_ASSIGN(const std::string_view records, walk.unpacked(*item));
    key_ = walk.key();
    TRY_ASSIGN(const RecordFilter::Verdict verdict, filter_.judge(item->header, records));
    finding.tombstones += verdict.tombstones;
    finding.any = !verdict.all();
    if (finding.any) return finding;
  }
  TRY(check_whole(walk));
  return finding;
}

Result<std::unique_ptr<BatchSealer>> SegmentRewriter::new_key() const {
  if (key_ == nullptr) return std::unique_ptr<BatchSealer>();
  const SegmentName name{partition_.directory(), partition_.key_place(), segment_.base_offset()};
  TRY_ASSIGN(auto key, add_compacted_key(partition_.files(), partition_.keys(), name, *key_));
  ASSERT(key != nullptr);
  return std::make_unique<BatchSealer>(std::move(key));
}

Result<RewrittenSegment> SegmentRewriter::write() {
  io::FileSystem& fs = partition_.files();
  ASSERT(file_ == nullptr);
  result_ = {};
  result_.seal = seal_;
  const int32_t generation = ++result_.seal.compacted.generation;
  result_.path = compacted_path(partition_.directory(), segment_.base_offset(), generation);
  result_.seal.crc = 0;
  result_.seal.size_bytes = 0;
  TRY_ASSIGN(SegmentWalk walk, SegmentWalk::begin(partition_, segment_));
  TRY_ASSIGN(sealer_, new_key());
  TRY_ASSIGN(file_, fs.open(result_.path, io::OpenMode::kOpenOrCreate));
  TRY(file_->truncate(0));
  for (;;) {
    if (stop_) return fail(ErrorCode::kCancelled, "the log is closing");
    TRY_ASSIGN(const auto item, walk.next());
    if (!item) break;
    TRY(take(walk, *item));
  }
  TRY(check_whole(walk));
  TRY(flush_empty());
  TRY(flush());
  TRY(file_->sync());
  file_ = nullptr;
  return std::move(result_);
}

Status SegmentRewriter::take(SegmentWalk& walk, const BatchCursor::Item& item) {
  const BatchHeader& header = item.header;
  if (header.is_control() || header.record_count == 0) return take_empty(header);
  TRY_ASSIGN(const std::string_view records, walk.unpacked(item));
  TRY_ASSIGN(RecordFilter::Verdict verdict, filter_.judge(header, records));
  ASSERT(verdict.left <= verdict.count);
  result_.tombstones += verdict.tombstones;
  result_.removed_records += static_cast<uint64_t>(verdict.count - verdict.left);
  if (verdict.left == 0) return take_empty(header);
  TRY(flush_empty());
  BatchHeader left = header;
  left.attributes = compacted_attributes(header);
  if (verdict.all()) {
    TRY_ASSIGN(const std::string_view stored, walk.stored(item));
    return put(left, stored);
  }
  left.record_count = verdict.left;
  TRY_ASSIGN(const std::string_view filtered, filter_.filter(header, records));
  return put(left, filtered);
}

// Together with the offsets before, if they are of one incarnation: an incarnation's offsets are its own.
Status SegmentRewriter::take_empty(const BatchHeader& header) {
  ASSERT(header.last_offset_delta >= 0);
  const bool follows = empty_ && empty_->epoch == header.epoch &&
                       header.last_offset() - empty_->base_offset <= std::numeric_limits<int32_t>::max();
  if (follows) {
    empty_->last_offset_delta = static_cast<int32_t>(header.last_offset() - empty_->base_offset);
    empty_->max_timestamp_ms = std::max(empty_->max_timestamp_ms, header.max_timestamp_ms);
    return {};
  }
  TRY(flush_empty());
  BatchHeader& empty = empty_.emplace();
  empty.base_offset = header.base_offset;
  empty.epoch = header.epoch;
  empty.attributes = kLogAppendTime | kCompacted;
  empty.last_offset_delta = header.last_offset_delta;
  empty.base_timestamp_ms = header.base_timestamp_ms;
  empty.max_timestamp_ms = header.max_timestamp_ms;
  return {};
}

Status SegmentRewriter::flush_empty() {
  if (!empty_) return {};
  const BatchHeader header = *empty_;
  ASSERT(header.record_count == 0);
  empty_.reset();
  return put(header, {});
}

Status SegmentRewriter::put(BatchHeader header, std::string_view records) {
  Seal& seal = result_.seal;
  ASSERT(header.is_compacted() && file_ != nullptr);
  std::string body(records);
  const HeaderBytes bytes =
      sealer_ != nullptr ? sealer_->seal(header, body) : put_header(header, body.size(), io::crc32c(body));
  if (seal.size_bytes == 0) seal.first_time_ms = header.max_timestamp_ms;
  result_.index.add({header.base_offset, seal.size_bytes, header.max_timestamp_ms});
  seal.crc = io::crc32c(body, io::crc32c({bytes.data(), bytes.size()}, seal.crc));
  seal.size_bytes += bytes.size() + body.size();
  buffer_.append(bytes.data(), bytes.size());
  buffer_ += body;
  return buffer_.size() < kBufferBytes ? Status() : flush();
}

Status SegmentRewriter::flush() {
  ASSERT(flushed_bytes_ + buffer_.size() == result_.seal.size_bytes);
  if (buffer_.empty()) return {};
  TRY(file_->write_at(flushed_bytes_, buffer_));
  flushed_bytes_ += buffer_.size();
  buffer_.clear();
  return {};
}

}  // namespace colloquium::log
