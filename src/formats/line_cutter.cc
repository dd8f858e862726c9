#include "formats/line_cutter.h"

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace colloquium::formats {
namespace {
constexpr char kNoJson = '\x01';
}

LineCutter::LineCutter(size_t max_line_bytes, uint64_t position, std::unique_ptr<Framing> framing)
    : max_line_bytes_(max_line_bytes), framing_(std::move(framing)), begin_(position) {
  ASSERT(max_line_bytes > 0);
}

std::span<char> LineCutter::room(size_t size) {
  buffer_.resize(filled_ + size);
  return {buffer_.data() + filled_, size};
}

void LineCutter::added(size_t size) {
  ASSERT(filled_ + size <= buffer_.size());
  filled_ += size;
}

std::optional<Lines> LineCutter::take() {
  if (skipping_) return take_skipped();
  if (framing_ != nullptr) return take_framed();
  const char* unseen = buffer_.data() + scanned_;
  // From the end: one look finds every whole line at once.
  const void* last = memrchr(unseen, '\n', filled_ - scanned_);
  if (last != nullptr) return split(static_cast<size_t>(static_cast<const char*>(last) - buffer_.data()) + 1);
  // What was looked at is not looked at again when the rest of the line has come.
  scanned_ = filled_;
  if (filled_ > max_line_bytes_) cut_long_line();
  return std::nullopt;
}

std::optional<Lines> LineCutter::take_framed() {
  const std::string_view bytes(buffer_.data(), filled_);
  size_t end = framing_->complete(bytes);
  if (end == 0 && filled_ > max_line_bytes_) {
    end = framing_->cut_long(bytes, max_line_bytes_);
    if (end == 0) cut_long_line();
  }
  if (end == 0) return std::nullopt;
  return split(end);
}

std::optional<Lines> LineCutter::take_at_rest() {
  if (skipping_ || framing_ == nullptr || filled_ == 0) return std::nullopt;
  const size_t end = framing_->complete_at_rest({buffer_.data(), filled_});
  if (end == 0) return std::nullopt;
  return split(end);
}

// The first `at` bytes become a body; the body takes the buffer over, so only the partial line is copied.
Lines LineCutter::split(size_t at) {
  std::string rest = buffer_.substr(at, filled_ - at);
  std::string body = std::move(buffer_);
  body.resize(at);
  Lines lines{std::make_shared<const std::string>(std::move(body)), begin_, begin_ + at};
  buffer_ = std::move(rest);
  filled_ = buffer_.size();
  // Of what a framing has said nothing, it has to see all again.
  scanned_ = filled_;
  if (framing_ != nullptr) framing_->begin();
  begin_ += at;
  return lines;
}

void LineCutter::cut_long_line() {
  // Enough to recognise the line in the dead letters.
  cut_.assign(buffer_, 0, max_line_bytes_);
  cut_ += kNoJson;
  cut_begin_ = begin_;
  skipping_ = true;
  begin_ += filled_;
  filled_ = scanned_ = 0;
  if (framing_ != nullptr) framing_->begin();
}

std::optional<Lines> LineCutter::take_skipped() {
  const bool to_the_end = framing_ != nullptr && framing_->is_whole();
  const void* found = filled_ == 0 || to_the_end ? nullptr : std::memchr(buffer_.data(), '\n', filled_);
  if (found == nullptr) {
    begin_ += filled_;
    filled_ = scanned_ = 0;
    return std::nullopt;
  }
  const size_t at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
  // What follows the long line stays for the next take().
  buffer_.erase(0, at);
  filled_ -= at;
  begin_ += at;
  skipping_ = false;
  return Lines{std::make_shared<const std::string>(std::move(cut_)), cut_begin_, begin_};
}

std::optional<Lines> LineCutter::finish() {
  if (skipping_) {
    skipping_ = false;
    return Lines{std::make_shared<const std::string>(std::move(cut_)), cut_begin_, begin_ + filled_};
  }
  if (filled_ == 0) return std::nullopt;
  return split(filled_);
}

}  // namespace colloquium::formats
