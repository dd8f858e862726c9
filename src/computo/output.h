// Output: bytes and tape of one rendering, in memory that is reused.
//
// Offsets and `next` of the tokens count from the start of the rendering, as those of an event's value do.
// Thread safety: belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"

#include "json/view.h"

namespace colloquium::computo {

class Output {
 public:
  Output();
  void start(bool with_tape);

  // Room for `bytes` more; commit() says how far it was used. Valid until the next call.
  char* room(size_t bytes) {
    if (bytes > static_cast<size_t>(end_ - at_)) grow(bytes);
    return at_;
  }
  void commit(char* at) { at_ = at; }
  void put(char c) {
    *room(1) = c;
    ++at_;
  }
  void put(std::string_view text);

  size_t size() const { return static_cast<size_t>(at_ - buffer_.get()); }
  std::string_view text() const { return {buffer_.get(), size()}; }
  const std::vector<TapeToken>& tape() const { return tape_; }

  // Of the tape; without one they do nothing.
  void leaf(TokenType type, size_t offset, uint8_t flags);
  size_t open(TokenType type);
  void close(size_t opened, uint32_t count);
  // The tokens of a value whose bytes were put at `offset`.
  void copy_tokens(const json::ValueView& view, size_t offset, bool retype_numbers);

 private:
  void grow(size_t bytes);

  std::unique_ptr<char[]> buffer_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::vector<TapeToken> tape_;
  bool with_tape_ = false;
};

}  // namespace colloquium::computo
