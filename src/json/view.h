// ValueView: a JSON value seen through its tape. A pointer into a batch and an index; copies nothing.
//
// A view is valid as long as the bytes and the tape it was made over (a Batch, a Document).
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "colloquium/tape.h"

namespace colloquium::json {

class ValueView {
 public:
  // `root` is the first token of the event; `text` the first byte of its value.
  ValueView(const char* text, const TapeToken* root, uint32_t index) : text_(text), root_(root), index_(index) {}

  const TapeToken& token() const { return root_[index_]; }
  TokenType type() const { return token().type(); }

  // The bytes as written, quotes and braces included.
  std::string_view raw() const { return {text_ + token().offset, token().length}; }

  // REQUIRES: kString or kKey. The text between the quotes; if is_escaped(), still with its escapes.
  std::string_view raw_string() const { return {text_ + token().offset + 1, token().length - 2}; }
  bool is_escaped() const { return (token().flags & kTokenEscaped) != 0; }
  // Decodes into `scratch` if there is an escape, else views the bytes.
  std::string_view string(std::string& scratch) const;

  // REQUIRES: kInteger, not kTokenBigInteger.
  int64_t integer() const;
  // REQUIRES: kInteger or kDouble. The nearest double.
  double number() const;
  // kInteger: its value if it is in [0, 2^64).
  std::optional<uint64_t> unsigned_integer() const;

  // REQUIRES: kArray or kObject. Elements, or key-value pairs as written (duplicates counted).
  uint32_t count() const;

  // REQUIRES: kObject. The member of that (decoded) key, the last if there are several.
  std::optional<ValueView> member(std::string_view key) const;
  // REQUIRES: kArray.
  std::optional<ValueView> element(uint64_t i) const;

  // Iteration: the first token inside a container, and the token after this value.
  ValueView first_child() const { return {text_, root_, index_ + 1}; }
  ValueView next() const { return {text_, root_, token().next}; }
  bool at_end_of(const ValueView& container) const { return index_ >= container.token().next; }

  const char* text() const { return text_; }
  const TapeToken* root() const { return root_; }
  uint32_t index() const { return index_; }

 private:
  const char* text_;
  const TapeToken* root_;
  uint32_t index_;
};

// The value's tokens, itself the first. Offsets and `next` still count from the event's first byte and token.
inline std::span<const TapeToken> tape_of(const ValueView& value) {
  return {value.root() + value.index(), value.token().next - value.index()};
}

// Decodes the escapes of a checked string's inner bytes, appending to `out`.
void unescape(std::string_view inner, std::string& out);

}  // namespace colloquium::json
