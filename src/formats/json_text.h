// JsonText: scratch memory in which a decoder writes one event, with the check of the room taken once per piece.
//
// A decoder says with room() how much may come at most and then writes without looking; append_to() copies the
// whole event once. One per thread (local()), as decoders are shared by threads.
//
// Thread safety: an object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "json/escape.h"

namespace colloquium::formats {

class JsonText {
 public:
  // The calling thread's, empty.
  static JsonText& local();

  void clear() { size_ = 0; }

  // From here on up to `bytes` more may be put.
  void room(size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
  }

  // REQUIRES, here and below: room() for it.
  void put(char c) { data_[size_++] = c; }
  void put(std::string_view text) {
    if (text.empty()) return;  // memcpy takes no null, not even for nothing
    std::memcpy(data_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  // What stands between the quotes of a string; takes up to kEscapeMax bytes for each of `text`.
  void put_escaped(std::string_view text);

  // Both with the room they need.
  void add(std::string_view text) {
    room(text.size());
    put(text);
  }
  void add_string(std::string_view text) {
    room(text.size() * json::kEscapeMax + 2);
    put('"');
    put_escaped(text);
    put('"');
  }

  void append_to(std::vector<char>& out) const { out.insert(out.end(), data_.get(), data_.get() + size_); }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  void grow(size_t bytes);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Whether `text` is one number as JSON has them, no longer than a double or a 64-bit integer needs.
bool is_json_number(std::string_view text);

}  // namespace colloquium::formats
