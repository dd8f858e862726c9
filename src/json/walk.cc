#include "json/walk.h"

#include <algorithm>
#include <simdjson.h>

#include "base/assert.h"
#include "json/number.h"
#include "json/scan.h"
#include "json/utf8.h"

namespace colloquium::json {
namespace {

// Tokens the tape grows by when it is full; growing zeroes them, so more would cost short events.
constexpr size_t kTapeStep = 48;

// Decimal digits before the point that every double has room for: below that no literal is infinite.
constexpr int64_t kSafeMagnitude = 308;

constexpr char kTooEarly[] = "unexpected end of the text";

}  // namespace

// One walk. Positions travel as `const char*` from function to function, null after a failure, so that they
// stay in a register; everything is inlined into run().
//
// No loop runs past the text by more than a wide load: each consumer of more than one byte checks the end
// itself, and the structural bytes, taken one by one, are checked where a value begins and where one ended.
//
// kChecked false: the text passed a checking walk before. Escapes, UTF-8 and number forms are believed; the
// structure is still followed byte by byte, so that a broken promise is found and not followed into the dark.
template <bool kChecked>
class Walker::Pass {
 public:
  Pass(std::string_view text, WalkLimits limits, std::vector<Frame>& stack, std::vector<TapeToken>& tape)
      : begin_(text.data()),
        end_(begin_ + text.size()),
        limits_(limits),
        stack_(stack),
        tape_(tape),
        tape_base_(tape.size()) {
    grow();
  }

  // On failure the tape is as it was.
  bool run() {
    const bool good = values(skip_space(begin_));
    tape_.resize(good ? tape_base_ + token_count() : tape_base_);
    return good;
  }

  const WalkError& error() const { return error_; }

 private:
  using Position = const char*;

  // The whole grammar above the single token.
  bool values(Position p) {
    for (;;) {
      // At the start of a value.
      p = value(p);
      if (p == nullptr) return false;
      // Behind a value or, if `opened_`, behind the opening of a container that has content.
      while (!opened_) {
        if (depth_ == 0) return at_end(p);
        p = skip_space(p);
        if (p >= end_) return fail(end_, kTooEarly) != nullptr;
        ++frame_.count;
        if (*p == ',') {
          p = skip_space(p + 1);
          break;
        }
        if (*p != closer_)
          return fail(p, closer_ == '}' ? "expected ',' or '}'" : "expected ',' or ']'") != nullptr;
        close(++p);
      }
      opened_ = false;
      if (closer_ == '}') {
        p = key(p);
        if (p == nullptr) return false;
      }
    }
  }

  [[gnu::always_inline]] Position value(Position p) {
    if (p >= end_) return fail(end_, kTooEarly);
    switch (*p) {
      case '"':
        return string(p, TokenType::kString);
      case '{':
        return open(p, TokenType::kObject);
      case '[':
        return open(p, TokenType::kArray);
      case 't':
        return literal(p, "true", TokenType::kTrue);
      case 'f':
        return literal(p, "false", TokenType::kFalse);
      case 'n':
        return literal(p, "null", TokenType::kNull);
      default:
        return number(p);
    }
  }

  [[gnu::always_inline]] Position key(Position p) {
    if (p >= end_) return fail(end_, kTooEarly);
    if (*p != '"') return fail(p, "expected a key in quotes");
    p = string(p, TokenType::kKey);
    if (p == nullptr) return nullptr;
    p = skip_space(p);
    if (p >= end_) return fail(end_, kTooEarly);
    if (*p != ':') return fail(p, "expected ':' after the key");
    return skip_space(p + 1);
  }

  bool at_end(Position p) {
    p = skip_space(p);
    return p == end_ || fail(p, "expected nothing more after the value") != nullptr;
  }

  // Containers.

  [[gnu::always_inline]] Position open(Position p, TokenType type) {
    if (depth_ == limits_.depth) return fail(p, "too many levels of nesting");
    const uint32_t index = token_count();
    push(p, 1, type, 0);
    const Position inside = skip_space(p + 1);
    const char closer = type == TokenType::kObject ? '}' : ']';
    if (inside < end_ && *inside == closer) {
      out_[-1].length = static_cast<uint32_t>(inside + 1 - p);
      return inside + 1;
    }
    if (depth_ == stack_.size()) stack_.resize(depth_ * 2 + 16);
    stack_[depth_++] = frame_;
    frame_ = Frame{index, 0, {}};
    closer_ = closer;
    opened_ = true;
    return inside;
  }

  // `behind`: the position behind the closing brace or bracket.
  [[gnu::always_inline]] void close(Position behind) {
    TapeToken& token = first_[frame_.token];
    token.length = static_cast<uint32_t>(behind - begin_) - token.offset;
    token.next = token_count();
    token.count = std::min(frame_.count, kTokenCountMax);
    if (frame_.keys.suspect()) mark_duplicates();
    frame_ = stack_[--depth_];
    closer_ = depth_ != 0 && first_[frame_.token].type() == TokenType::kObject ? '}' : ']';
  }

  [[gnu::noinline]] void mark_duplicates() {
    if (has_duplicate_keys(begin_, first_, frame_.token)) first_[frame_.token].flags |= kTokenDuplicateKeys;
  }

  // Strings and keys. Returns the position behind the closing quote.
  [[gnu::always_inline]] Position string(Position p, TokenType type) {
    Position q = p + 1;
    uint8_t flags = 0;
    for (;;) {
      const unsigned stops = kChecked ? special_mask(q) : quote_mask(q);
      if (stops == 0) {
        q += kScanWidth;
        if (q >= end_) return fail(end_, kTooEarly);
        continue;
      }
      q += std::countr_zero(stops);
      if (q >= end_) return fail(end_, kTooEarly);
      if (*q == '"') break;
      flags = kTokenEscaped;
      q = escape(q);
      if (q == nullptr) return nullptr;
    }
    if (type == TokenType::kKey) {
      if (flags != 0) {
        frame_.keys.add_escaped();
      } else {
        frame_.keys.add(p + 1, static_cast<uint32_t>(q - p - 1));
      }
    }
    push(p, static_cast<uint32_t>(q + 1 - p), type, flags);
    return q + 1;
  }

  // At a backslash or a control character inside a string.
  Position escape(Position p) {
    if constexpr (!kChecked) return p + 2;
    if (*p != '\\') return fail(p, "a control character in a string must be escaped");
    if (p + 1 >= end_) return fail(end_, kTooEarly);
    switch (p[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
        return p + 2;
      case 'u':
        return unicode_escape(p);
      default:
        return fail(p + 1, "not an escape character");
    }
  }

  Position unicode_escape(Position p) {
    const unsigned unit = hex4_value(p + 2);
    if (unit > 0xffff || p + 6 > end_) return bad_hex(p + 2);
    if (is_low_surrogate(unit)) return fail(p, "a low surrogate without a high one before it");
    if (!is_high_surrogate(unit)) return p + 6;
    const Position second = p + 6;
    if (second == end_ || (second + 1 == end_ && *second == '\\')) return fail(end_, kTooEarly);
    if (*second == '\\' && second[1] == 'u') {
      const unsigned low = hex4_value(p + 8);
      if (low > 0xffff || p + 12 > end_) return bad_hex(p + 8);
      if (is_low_surrogate(low)) return p + 12;
    }
    return fail(p, "a high surrogate without a low one behind it");
  }

  Position bad_hex(Position p) {
    while (p < end_ && hex_value(*p) < 16) ++p;
    return p < end_ ? fail(p, "expected four hexadecimal digits") : fail(end_, kTooEarly);
  }

  // Literals and numbers.

  template <size_t kSize>
  [[gnu::always_inline]] Position literal(Position p, const char (&word)[kSize], TokenType type) {
    constexpr size_t kLength = kSize - 1;
    if (p + kLength > end_ || std::memcmp(p, word, kLength) != 0) return bad_literal(p, word);
    push(p, kLength, type, 0);
    return p + kLength;
  }

  [[gnu::noinline]] Position bad_literal(Position p, const char* word) {
    while (p < end_ && *p == *word) ++p, ++word;
    return p < end_ ? fail(p, "expected true, false or null") : fail(end_, kTooEarly);
  }

  [[gnu::always_inline]] Position digits(Position p) const {
    for (;;) {
      const unsigned count = count_digits(p);
      p += count;
      if (p >= end_) return end_;
      if (count < kScanWidth) return p;
    }
  }

  [[gnu::always_inline]] Position number(Position p) {
    const Position first = p + (*p == '-');
    const Position behind = digits(first);
    const size_t count = static_cast<size_t>(behind - first);
    if (count - 1 >= kInt64Digits - 1) return long_number(p, first, behind);
    if (*first == '0' && count > 1) return fail(first + 1, "a number has no leading zero");
    if (behind < end_ && (*behind == '.' || (*behind | 0x20) == 'e')) return fraction(p, first, behind);
    push(p, static_cast<uint32_t>(behind - p), TokenType::kInteger, 0);
    return behind;
  }

  // No digit at all, or an integer part that may not fit 64 bits.
  [[gnu::noinline]] Position long_number(Position p, Position first, Position behind) {
    if (first >= end_) return fail(end_, kTooEarly);
    if (first == behind) return fail(first, first == p ? "expected a value" : "expected a digit");
    if (*first == '0' && behind > first + 1) return fail(first + 1, "a number has no leading zero");
    if (behind < end_ && (*behind == '.' || (*behind | 0x20) == 'e')) return fraction(p, first, behind);
    const std::string_view all(first, static_cast<size_t>(behind - first));
    if (kChecked && all.size() > kSafeMagnitude && !to_double(all))
      return fail(p, "the number is too large for a double");
    push(p, static_cast<uint32_t>(behind - p), TokenType::kInteger,
         fits_int64({p, static_cast<size_t>(behind - p)}) ? 0 : kTokenBigInteger);
    return behind;
  }

  // `q`: at the point or the exponent mark.
  Position fraction(Position p, Position first, Position q) {
    int64_t magnitude = q - first;
    if (*q == '.') {
      const Position decimals = q + 1;
      q = decimals < end_ ? digits(decimals) : end_;
      if (q == decimals) return q < end_ ? fail(q, "expected a digit after the point") : fail(end_, kTooEarly);
    }
    if (q < end_ && (*q | 0x20) == 'e') {
      q = exponent(q + 1, magnitude);
      if (q == nullptr) return nullptr;
    }
    const std::string_view all(p, static_cast<size_t>(q - p));
    if (kChecked && magnitude > kSafeMagnitude && !to_double(all))
      return fail(p, "the number is too large for a double");
    push(p, static_cast<uint32_t>(all.size()), TokenType::kDouble, 0);
    return q;
  }

  // Adds the exponent to `magnitude`, as far as it matters.
  Position exponent(Position p, int64_t& magnitude) {
    const bool negative = p < end_ && *p == '-';
    if (p < end_ && (*p == '-' || *p == '+')) ++p;
    const Position first = p;
    int64_t value = 0;
    for (; p < end_ && is_digit(*p); ++p) value = std::min<int64_t>(value * 10 + (*p - '0'), int64_t{1} << 40);
    if (p == first) return p < end_ ? fail(p, "expected a digit in the exponent") : fail(end_, kTooEarly);
    magnitude += negative ? -value : value;
    return p;
  }

  // White space is rare in what machines write; when it comes, it is one blank or a line break and a margin.
  [[gnu::always_inline]] Position skip_space(Position p) const {
    if (static_cast<unsigned char>(*p) > ' ') return p;
    return skip_margin(p);
  }

  [[gnu::noinline]] Position skip_margin(Position p) const {
    while (p < end_) {
      const unsigned count = count_spaces(p);
      p += count;
      if (count < kScanWidth) break;
    }
    return std::min(p, end_);
  }

  // Tokens.

  uint32_t token_count() const { return static_cast<uint32_t>(out_ - first_); }

  [[gnu::always_inline]] void push(Position p, uint32_t length, TokenType type, uint8_t flags) {
    if (out_ == limit_) grow();
    const uint32_t next = token_count() + 1;
    *out_++ = TapeToken{static_cast<uint32_t>(p - begin_), length, next, 0, flags, static_cast<uint32_t>(type)};
  }

  [[gnu::noinline]] void grow() {
    const size_t used = static_cast<size_t>(out_ - first_);
    tape_.resize(tape_base_ + used + kTapeStep);
    first_ = tape_.data() + tape_base_;
    out_ = first_ + used;
    limit_ = tape_.data() + tape_.size();
  }

  [[gnu::noinline, gnu::cold]] Position fail(Position p, const char* what) {
    error_ = WalkError{static_cast<uint64_t>(p - begin_), what};
    return nullptr;
  }

  const Position begin_;
  const Position end_;
  const WalkLimits limits_;
  std::vector<Frame>& stack_;
  std::vector<TapeToken>& tape_;
  const size_t tape_base_;
  TapeToken* first_ = nullptr;
  TapeToken* out_ = nullptr;
  TapeToken* limit_ = nullptr;
  uint32_t depth_ = 0;
  Frame frame_{};      // the innermost open container; its outer ones are on the stack
  char closer_ = ']';  // what ends it
  bool opened_ = false;
  WalkError error_;
};

Walker::Walker(WalkLimits limits) : limits_(limits), stack_(std::min<size_t>(limits.depth, 64)) {}

bool Walker::walk(std::string_view text, std::vector<TapeToken>& tape, WalkError& error) {
  ASSERT(text.size() < UINT32_MAX);
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  if (!valid) return refuse_utf8(text, tape, error);
  Pass<true> pass(text, limits_, stack_, tape);
  const bool good = pass.run();
  if (!good) error = pass.error();
  return good;
}

// The first bad byte is the malformed sequence's, unless the text before it goes wrong by itself.
bool Walker::refuse_utf8(std::string_view text, std::vector<TapeToken>& tape, WalkError& error) {
  const size_t tape_size = tape.size();
  const std::string_view prefix = text.substr(0, valid_utf8_prefix(text));
  Pass<true> pass(prefix, limits_, stack_, tape);
  const bool good = pass.run();
  tape.resize(tape_size);
  const bool own_error = !good && pass.error().byte < prefix.size();
  error = own_error ? pass.error() : WalkError{prefix.size(), "invalid UTF-8"};
  return false;
}

void Walker::walk_unchecked(std::string_view text, std::vector<TapeToken>& tape) {
  ASSERT(text.size() < UINT32_MAX);
  Pass<false> pass(text, limits_, stack_, tape);
  const bool good = pass.run();
  ASSERT_WHY(good, "the text is not what a walk checked");
}

}  // namespace colloquium::json
