// Writer: appends JSON text to a byte vector, and on request its tape to a token vector, so that what a
// script made is not parsed again by the next stage of the same leg.
//
// Canonical form: no white space, escapes only \" \\ \b \f \n \r \t and \u00xx for other controls, everything
// else verbatim; integers as digits, doubles by write_double. The caller balances begin and end and writes
// keys in the order they are to stand. Offsets in the tape count from the size the byte vector had when the
// Writer was made.
// Thread safety: belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"
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

  // The value's own bytes and tokens, unchanged.
  void raw(const ValueView& value);
  // A key as it stands, escapes included. REQUIRES: kKey.
  void raw_key(const ValueView& key);

 private:
  void separate();
  void open(TokenType type, char brace);
  void close(char brace);
  size_t token(TokenType type, size_t offset);
  struct Frame {
    size_t token;
    uint32_t count;
    bool object;
    size_t offset;
  };
  std::vector<char>& bytes_;
  std::vector<TapeToken>* tape_;
  size_t byte_base_;
  size_t token_base_;
  std::vector<Frame> stack_;
  bool after_key_ = false;
};

}  // namespace colloquium::json
