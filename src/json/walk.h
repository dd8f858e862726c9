// The checking walk: reads one JSON text completely and writes its tape (colloquium/tape.h).
//
// Accepts exactly RFC 8259 with the readings of the Computo specification, sections 2.1–2.3: valid UTF-8, no
// lone surrogate escapes, no number whose double is infinite, nothing but white space after the value. Of
// duplicate keys the last counts; integers stay exact.
// One pass over the bytes beside a vectorised UTF-8 check; no recursion, so depth costs no stack.
//
// Thread safety: functions; a Walker belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"
#include "colloquium/tape.h"

#include "json/duplicate_keys.h"

namespace colloquium::json {

struct WalkLimits {
  uint32_t depth = 1024;
};

struct WalkError {
  uint64_t byte = 0;           // of the first bad byte, from the start of the text
  const char* what = nullptr;  // "expected ':' after the key"
};

class Walker {
 public:
  explicit Walker(WalkLimits limits = {});

  // Appends the tokens of the value that is `text` to `tape`. On failure `tape` is as it was, and false is
  // returned with `error` set. REQUIRES: kBatchPadding readable bytes behind `text`; size under 4 GiB.
  bool walk(std::string_view text, std::vector<TapeToken>& tape, WalkError& error);

  // The same for text that was checked before and is known to be unchanged (its CRC held).
  void walk_unchecked(std::string_view text, std::vector<TapeToken>& tape);

 private:
  // An open container: its token, the content counted so far, and which keys may have been seen.
  struct Frame {
    uint32_t token;
    uint32_t count;
    KeyFilter keys;
  };
  template <bool kChecked>
  class Pass;

  WalkLimits limits_;
  std::vector<Frame> stack_;
};

// For text without padding (configuration, command line): copies it. The error names line and column.
struct Document {
  std::string text;
  std::vector<TapeToken> tape;
};
Result<Document> parse(std::string_view text, std::string_view origin, WalkLimits limits = {});

}  // namespace colloquium::json
