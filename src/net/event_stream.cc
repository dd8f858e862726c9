#include "net/event_stream.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace colloquium::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Of a line, beside the data in it.
constexpr size_t kFieldNameBytesMax = 64;
// Of an id or a type; longer ones are no use in a header.
constexpr size_t kNameBytesMax = 4096;
constexpr int64_t kMostRetryMs = 24LL * 3600 * 1000;

std::optional<int64_t> milliseconds(std::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  int64_t value = 0;
  if (!digits) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() ? std::min(value, kMostRetryMs) : kMostRetryMs;
}

// Where the first line of `bytes` ends; their end if none does. memchr, as streams of long lines are most of what
// there is.
size_t line_end(std::string_view bytes) {
  const auto at = [&](char c, size_t size) {
    const void* const found = std::memchr(bytes.data(), c, size);
    return found == nullptr ? size : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
  };
  return at('\r', at('\n', bytes.size()));
}

}  // namespace

EventStreamParser::EventStreamParser(size_t data_bytes_max, std::string last_id)
    : data_bytes_max_(data_bytes_max), id_(last_id), last_id_(std::move(last_id)) {}

void EventStreamParser::begin() {
  line_.clear();
  line_cut_ = after_return_ = has_data_ = truncated_ = false;
  at_beginning_ = true;
  type_.clear();
  data_.clear();
  id_ = last_id_;
}

void EventStreamParser::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = line_end(bytes);
    const std::string_view line = bytes.substr(0, end);
    const bool is_whole = end < bytes.size() && line_.empty() && line.size() < line_bytes_max();
    if (!is_whole) add_to_line(line);
    if (end == bytes.size()) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(is_whole ? line : std::string_view(line_), take);
    line_.clear();
    line_cut_ = false;
  }
}

// One byte more than fits, so that what is too long is known to be.
size_t EventStreamParser::line_bytes_max() const {
  return std::max(data_bytes_max_, kNameBytesMax) + kFieldNameBytesMax + 1;
}

void EventStreamParser::add_to_line(std::string_view bytes) {
  const size_t room = line_bytes_max() - std::min(line_bytes_max(), line_.size());
  line_ += bytes.substr(0, room);
  if (bytes.size() > room) line_cut_ = true;
}

void EventStreamParser::end_line(std::string_view line, const Take& take) {
  if (std::exchange(at_beginning_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(3);
  if (line.empty()) {
    dispatch(take);
  } else if (line.front() != ':') {
    const size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    field(line.substr(0, colon), value);
  }
}

void EventStreamParser::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    add_data(value);
  } else if (name == "event" && value.size() <= kNameBytesMax) {
    type_ = value;
  } else if (name == "id" && value.size() <= kNameBytesMax && value.find('\0') == value.npos) {
    id_ = value;
  } else if (name == "retry") {
    if (const auto wait_ms = milliseconds(value)) retry_ms_ = wait_ms;
  }
}

void EventStreamParser::add_data(std::string_view value) {
  if (has_data_ && data_.size() < data_bytes_max_) {
    data_ += '\n';
  } else if (has_data_) {
    truncated_ = true;
  }
  has_data_ = true;
  const size_t room = data_bytes_max_ - std::min(data_bytes_max_, data_.size());
  data_ += value.substr(0, room);
  if (value.size() > room || line_cut_) truncated_ = true;
}

// An event without data is none, but its id counts.
void EventStreamParser::dispatch(const Take& take) {
  last_id_ = id_;
  const bool is_one = std::exchange(has_data_, false);
  const bool truncated = std::exchange(truncated_, false);
  if (is_one) take({type_.empty() ? std::string_view("message") : type_, data_, last_id_, truncated});
  type_.clear();
  data_.clear();
}

}  // namespace colloquium::net
