#include "app/ndjson_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "colloquium/batch.h"

#include "base/assert.h"
#include "computo/notation.h"

namespace colloquium::app {
namespace {

// Large enough that a system call per block does not show, small enough to stay in the cache.
constexpr size_t kBlockBytes = size_t{1} << 20;

// A line of white space is no value; a lone CR is left of CR LF.
bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

NdjsonReader::NdjsonReader(ReadBytes read, size_t line_limit_bytes)
    : read_(std::move(read)), line_limit_bytes_(line_limit_bytes), buffer_(kBlockBytes + kBatchPadding) {}

// Moves what is left to the front, makes room for a block, and reads.
Status NdjsonReader::fill() {
  ASSERT(!at_end_);
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
  if (end_ > line_limit_bytes_) {
    return fail(ErrorCode::kLimit, "line " + std::to_string(line_ + 1) + " is longer than " +
                                       std::to_string(line_limit_bytes_) + " bytes");
  }
  if (buffer_.size() < end_ + kBlockBytes / 2 + kBatchPadding) buffer_.resize(2 * buffer_.size());
  TRY_ASSIGN(const size_t got,
             read_(std::span<char>(buffer_).subspan(end_, buffer_.size() - end_ - kBatchPadding)));
  ASSERT(got <= buffer_.size() - end_ - kBatchPadding);
  end_ += got;
  at_end_ = got == 0;
  return {};
}

Result<bool> NdjsonReader::next(std::string_view& line) {
  while (true) {
    const void* feed = std::memchr(buffer_.data() + searched_, '\n', end_ - searched_);
    if (feed == nullptr && !at_end_) {
      searched_ = end_;
      TRY(fill());
      continue;
    }
    // At the end, what is left without a line feed is the last line.
    if (feed == nullptr && begin_ == end_) return false;
    const size_t stop =
        feed == nullptr ? end_ : static_cast<size_t>(static_cast<const char*>(feed) - buffer_.data());
    line = std::string_view(buffer_.data() + begin_, stop - begin_);
    begin_ = searched_ = std::min(stop + 1, end_);
    ++line_;
    if (line_ == 1) line = computo::without_byte_order_mark(line);
    if (!is_blank(line)) return true;
  }
}

}  // namespace colloquium::app
