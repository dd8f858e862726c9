// Writer: appends JSON text to a byte vector, and on request its tape to a token vector, so that what a
// script made is not parsed again by the next stage of the same leg.
//
// Canonical form: no white space, escapes only \" \\ \b \f \n \r \t and \u00xx for other controls, everything
// else verbatim; integers as digits, doubles by write_double. The caller balances begin and end and writes
// keys in the order they are to stand. Offsets in the tape count from the size the byte vector had when the
// Writer was made.
// Thread safety: belongs to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"

#include "json/duplicate_keys.h"
#include "json/view.h"

namespace colloquium::json {

// The shortest digits that read back to the same double, laid out as ECMAScript Number::toString (ECMA-262
// 6.1.6.1.20). REQUIRES: finite. Returns the number of characters (at most 32).
size_t write_double(double value, char* out);

class Writer {
 public:
  // `tape` may be null.
  Writer(std::vector<char>& bytes, std::vector<TapeToken>* tape);

  void null();
  void boolean(bool value);
  void integer(int64_t value);
  void unsigned_integer(uint64_t value);
  void number(double value);           // an integral double is written without a fraction
  void string(std::string_view text);  // decoded text; escaped here
  void key(std::string_view text);
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();

  // The value's own bytes and tokens, unchanged. REQUIRES: they stand outside the vectors written to.
  void raw(const ValueView& value);
  // A key as it stands, escapes included. REQUIRES: kKey.
  void raw_key(const ValueView& key);

 private:
  // An open container: its token (if there is a tape), what it holds so far, and where it began.
  struct Frame {
    size_t token = 0;
    uint32_t offset = 0;
    uint32_t count = 0;
    bool object = false;
    KeyFilter keys;
  };

  // Most values are flat: the first levels need no allocation.
  static constexpr size_t kNearLevels = 8;

  Frame& frame();
  uint32_t offset() const { return static_cast<uint32_t>(bytes_.size() - byte_base_); }
  void append(std::string_view text) {
    const size_t size = bytes_.size();
    bytes_.resize(size + text.size());
    std::copy(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
  }
  void separate();
  void begin_key();
  void long_key(std::string_view text);
  void note_key(uint32_t begin, bool escaped);
  void end_key(uint32_t begin, bool escaped);
  void open(TokenType type, char brace);
  void close(char brace, bool object);
  void scalar(TokenType type, std::string_view text, uint8_t flags = 0);
  void token(TokenType type, uint32_t begin, uint8_t flags);

  std::vector<char>& bytes_;
  std::vector<TapeToken>* tape_;
  size_t byte_base_;
  size_t token_base_;
  size_t depth_ = 0;
  std::array<Frame, kNearLevels> near_;
  std::vector<Frame> far_;
  bool after_key_ = false;
};

}  // namespace colloquium::json
