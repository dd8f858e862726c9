#include "log/batch_cursor.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::log {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

tl::unexpected<Error> defect(const char* what) {
  ASSERT(what != nullptr);
  return fail(ErrorCode::kCorrupt, what);
}

}  // namespace

const char* place_defect(const BatchHeader& header, int64_t expected_offset, int32_t expected_epoch) {
  if (header.base_offset != expected_offset) return "the batch has another offset than must follow";
  if (header.epoch != expected_epoch) return "the batch is of another incarnation than wrote this offset";
  return nullptr;
}

const char* mixed_compaction() {
  return "the batch was compacted and its segment was not, or the other way round";
}

BatchCursor::BatchCursor(std::shared_ptr<const io::File> file, uint64_t position, uint64_t end)
    : file_(std::move(file)), position_(position), end_(end) {
  ASSERT(file_ != nullptr && position_ <= end_);
}

Result<std::string_view> BatchCursor::fetch(size_t size) {
  ASSERT(size <= end_ - position_);
  const bool inside = position_ >= buffer_begin_ && position_ + size <= buffer_begin_ + buffer_used_;
  if (!inside) {
    const size_t wanted = std::min<uint64_t>(std::max(size, kChunkBytes), end_ - position_);
    if (wanted > capacity_) {
      buffer_ = std::make_unique_for_overwrite<char[]>(wanted);
      capacity_ = wanted;
    }
    buffer_begin_ = position_;
    buffer_used_ = 0;
    TRY_ASSIGN(buffer_used_, file_->read_at(position_, {buffer_.get(), wanted}));
  }
  const uint64_t skip = position_ - buffer_begin_;
  return std::string_view(buffer_.get() + skip, std::min<uint64_t>(size, buffer_used_ - skip));
}

Result<std::optional<BatchCursor::Item>> BatchCursor::next(bool check) {
  ASSERT(position_ <= end_);
  const uint64_t left = end_ - position_;
  if (left == 0) return std::optional<Item>();
  if (left < kHeaderBytes) return defect("the batch's header is cut off");
  TRY_ASSIGN(const std::string_view head, fetch(kHeaderBytes));
  if (head.size() < kHeaderBytes) return defect("the file is shorter than it should be");
  Item item{get_header(head), position_, head};
  if (const char* what = header_defect(item.header)) return defect(what);
  const size_t size = item.header.total_bytes();
  if (size > left) return defect("the batch is cut off");
  if (check) {
    TRY_ASSIGN(item.bytes, fetch(size));
    if (const char* what = batch_defect(item.bytes)) return defect(what);
  }
  position_ += size;
  return item;
}

}  // namespace colloquium::log
