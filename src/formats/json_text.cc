#include "formats/json_text.h"

#include <algorithm>
#include <utility>

namespace colloquium::formats {
namespace {

constexpr size_t kSmallest = 4096;
// 1.7976931348623157e308 and what an integer of 64 bits has; longer ones are rather names of things, and stay
// text.
constexpr size_t kNumberBytes = 24;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The digits from `at` on; false if there is none.
bool skip_digits(std::string_view text, size_t& at) {
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at > begin;
}

}  // namespace

JsonText& JsonText::local() {
  thread_local JsonText text;
  text.clear();
  return text;
}

void JsonText::grow(size_t bytes) {
  const size_t capacity = std::max({kSmallest, size_ + bytes, capacity_ * 2});
  std::unique_ptr<char[]> data(new char[capacity]);  // not set to zero: it is written before it is read
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void JsonText::put_escaped(std::string_view text) {
  while (true) {
    const size_t plain = json::plain_prefix(text);
    put(text.substr(0, plain));
    if (plain == text.size()) return;
    size_ += json::write_escape(text[plain], data_.get() + size_);
    text.remove_prefix(plain + 1);
  }
}

bool is_json_number(std::string_view text) {
  if (text.empty() || text.size() > kNumberBytes) return false;
  size_t at = text[0] == '-' ? 1 : 0;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!skip_digits(text, at)) {
    return false;
  }
  if (at < text.size() && text[at] == '.' && !skip_digits(text, ++at)) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!skip_digits(text, at)) return false;
  }
  return at == text.size();
}

}  // namespace colloquium::formats
