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

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Bytes whose marks fit one machine word.
constexpr unsigned kMarksWidth = 64;

}  // namespace

// One walk.
//
// What makes it fast is that little waits for anything: the marks (quotes, backslashes, control characters) of 64
// bytes at a time are found ahead of the walk, so where a string begins and ends comes from a bit mask, not from
// the end of the token before. What the loop carries (position, marks, end of the tape) travels by value or
// within inlined functions, so that it stays in registers; functions kept out of line never see its address.
//
// A position is null after a failure. No loop runs past the text by more than one load of 64 bytes: what takes
// several bytes checks the end itself, and the structural bytes, taken one by one, are checked where a value
// begins and where one ended.
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
        tape_base_(tape.size()) {}

  // On failure the tape is as it was.
  bool run() {
    State state;
    state.out = reserve(0, static_cast<size_t>(end_ - begin_) / 8 + kTapeStep / 4);
    state.marks = {begin_, marks64<kChecked>(begin_)};
    const bool good = values(skip_space(begin_), state);
    tape_.resize(good ? tape_base_ + token_count_ : tape_base_);
    return good;
  }

  const WalkError& error() const { return error_; }

 private:
  using Position = const char*;

  // The marks of the 64 bytes from `base` on that are not yet passed.
  struct Marks {
    Position base;
    uint64_t bits;
  };

  // What the loop carries beside the position.
  struct State {
    Marks marks;
    TapeToken* out;  // where the next token goes
  };

  // A number's end and what it is.
  struct Number {
    Position end;
    TokenType type = TokenType::kInteger;
    uint8_t flags = 0;
  };

  // The grammar above the single token.
  [[gnu::always_inline]] bool values(Position p, State& state) {
    for (;;) {
      bool entered = false;
      p = value(p, state, entered);
      if (p == nullptr) return false;
      if (!entered) {
        p = behind_value(p, state);
        if (p == nullptr) return complete_;
      }
      if (closer_ == '}') {
        p = key(p, state);
        if (p == nullptr) return false;
      }
    }
  }

  // `entered`: the value is a container with content, and the result is where that begins.
  [[gnu::always_inline]] Position value(Position p, State& state, bool& entered) {
    if (p >= end_) return too_early();
    switch (*p) {
      case '"':
        return string(p, state, TokenType::kString);
      case '{':
        return open(p, state, TokenType::kObject, entered);
      case '[':
        return open(p, state, TokenType::kArray, entered);
      case 't':
        return literal(p, state, "true", TokenType::kTrue);
      case 'f':
        return literal(p, state, "false", TokenType::kFalse);
      case 'n':
        return literal(p, state, "null", TokenType::kNull);
      default:
        return number(p, state);
    }
  }

  // Closes containers until there is a comma; returns the position behind that. Null at the end of the text
  // (complete_) or after a failure.
  [[gnu::always_inline]] Position behind_value(Position p, State& state) {
    for (;;) {
      if (depth_ == 0) return finish(p, state.out);
      p = skip_space(p);
      if (p >= end_) return too_early();
      ++frame_.count;
      if (*p == ',') return skip_space(p + 1);
      if (*p != closer_) return fail(p, closer_ == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
      close(++p, state.out);
    }
  }

  // The key, its colon and the white space around that.
  [[gnu::always_inline]] Position key(Position p, State& state) {
    if (p >= end_) return too_early();
    if (*p != '"') return fail(p, "expected a key in quotes");
    p = string(p, state, TokenType::kKey);
    if (p == nullptr) return nullptr;
    p = skip_space(p);
    if (p >= end_) return too_early();
    if (*p != ':') return fail(p, "expected ':' after the key");
    return skip_space(p + 1);
  }

  // Behind the outermost value. Null in any case: there is nothing to go on with.
  [[gnu::noinline]] Position finish(Position p, const TapeToken* out) {
    p = skip_space(p);
    if (p != end_) return fail(p, "expected nothing more after the value");
    token_count_ = count_to(out);
    complete_ = true;
    return nullptr;
  }

  // Containers.

  // A container without content is done at once and never becomes the innermost one.
  [[gnu::always_inline]] Position open(Position p, State& state, TokenType type, bool& entered) {
    if (depth_ == limits_.depth) return fail(p, too_deep());
    const uint32_t index = count_to(state.out);
    push(state, p, 1, type, 0);
    const Position inside = skip_space(p + 1);
    const char closer = type == TokenType::kObject ? '}' : ']';
    if (inside < end_ && *inside == closer) {
      state.out[-1].length = static_cast<uint32_t>(inside + 1 - p);
      return inside + 1;
    }
    if (depth_ == stack_.size()) stack_.resize(depth_ * 2 + 16);
    stack_[depth_++] = frame_;
    frame_ = Frame{index, 0, {}};
    closer_ = closer;
    entered = true;
    return inside;
  }

  // `behind`: the position behind the closing brace or bracket.
  [[gnu::always_inline]] void close(Position behind, const TapeToken* out) {
    TapeToken& token = first_[frame_.token];
    token.length = static_cast<uint32_t>(behind - begin_) - token.offset;
    token.next = count_to(out);
    token.count = std::min(frame_.count, kTokenCountMax);
    if (frame_.keys.deferred() && has_duplicate_keys(begin_, first_, frame_.token)) mark_duplicates();
    frame_ = stack_[--depth_];
    closer_ = depth_ != 0 && first_[frame_.token].type() == TokenType::kObject ? '}' : ']';
  }

  // A key the filter could not clear. Its own token is not yet on the tape.
  [[gnu::noinline]] void look_for_key(std::string_view inner, uint8_t flags, const TapeToken* out) {
    if (flags != 0 || frame_.count >= KeyFilter::kCompareMax) return frame_.keys.defer();
    if (has_key(begin_, first_, frame_.token, count_to(out), inner)) mark_duplicates();
  }

  void mark_duplicates() { first_[frame_.token].flags |= kTokenDuplicateKeys; }

  // Marks.

  // The first mark not yet passed, which it passes; at or behind the end of the text if there is none.
  [[gnu::always_inline]] Position next_mark(State& state) const {
    Marks& marks = state.marks;
    while (marks.bits == 0) {
      marks.base += kMarksWidth;
      if (marks.base >= end_) return end_;
      marks.bits = marks64<kChecked>(marks.base);
    }
    const Position mark = marks.base + std::countr_zero(marks.bits);
    marks.bits &= marks.bits - 1;
    return mark;
  }

  // Passes all marks below p.
  [[gnu::noinline]] Marks pass_marks(Marks marks, Position p) const {
    const size_t blocks = static_cast<size_t>(p - marks.base) / kMarksWidth;
    if (blocks != 0) {
      marks.base += blocks * kMarksWidth;
      marks.bits = marks64<kChecked>(marks.base);
    }
    marks.bits &= ~uint64_t{0} << (p - marks.base);
    return marks;
  }

  // Strings and keys. Returns the position behind the closing quote.
  [[gnu::always_inline]] Position string(Position p, State& state, TokenType type) {
    // Equal to p, but known without waiting for whatever p was computed from.
    Position begin = next_mark(state);
    if (begin != p) {
      // Line breaks between the tokens are marks too.
      state.marks = pass_marks(state.marks, p + 1);
      begin = p;
    }
    Position q = next_mark(state);
    uint8_t flags = 0;
    while (*q != '"' || q >= end_) {
      if (q >= end_) return too_early();
      flags = kTokenEscaped;
      q = escape(q);
      if (q == nullptr) return nullptr;
      // The escaped byte may be a mark itself.
      state.marks = pass_marks(state.marks, q);
      q = next_mark(state);
    }
    if (type == TokenType::kKey) {
      const std::string_view inner(begin + 1, static_cast<size_t>(q - begin - 1));
      if (flags != 0 || frame_.keys.add(inner.data(), static_cast<uint32_t>(inner.size()))) {
        look_for_key(inner, flags, state.out);
      }
    }
    push(state, begin, static_cast<uint32_t>(q + 1 - begin), type, flags);
    return q + 1;
  }

  // At a backslash or a control character inside a string.
  [[gnu::noinline]] Position escape(Position p) {
    if constexpr (!kChecked) return std::min(p + 2, end_);
    if (*p != '\\') return fail(p, "a control character in a string must be escaped");
    if (p + 1 >= end_) return too_early();
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

  // A pair of surrogates is taken as one escape of twelve bytes.
  Position unicode_escape(Position p) {
    const unsigned unit = hex4_value(p + 2);
    if (unit > 0xffff || p + 6 > end_) return bad_hex(p + 2);
    if (is_low_surrogate(unit)) return fail(p, "a low surrogate without a high one before it");
    if (!is_high_surrogate(unit)) return p + 6;
    const Position second = p + 6;
    if (second == end_ || (second + 1 == end_ && *second == '\\')) return too_early();
    if (*second == '\\' && second[1] == 'u') {
      const unsigned low = hex4_value(p + 8);
      if (low > 0xffff || p + 12 > end_) return bad_hex(p + 8);
      if (is_low_surrogate(low)) return p + 12;
    }
    return fail(p, "a high surrogate without a low one behind it");
  }

  // Finds the digit that is none.
  Position bad_hex(Position p) {
    while (p < end_ && hex_value(*p) < 16) ++p;
    return p < end_ ? fail(p, "expected four hexadecimal digits") : too_early();
  }

  // Literals and numbers.

  template <size_t kSize>
  [[gnu::always_inline]] Position literal(Position p, State& state, const char (&word)[kSize], TokenType type) {
    constexpr size_t kLength = kSize - 1;
    if (p + kLength > end_ || std::memcmp(p, word, kLength) != 0) return bad_literal(p, word);
    push(state, p, kLength, type, 0);
    return p + kLength;
  }

  // Finds the letter that is wrong.
  [[gnu::noinline]] Position bad_literal(Position p, const char* word) {
    while (p < end_ && *p == *word) ++p, ++word;
    return p < end_ ? fail(p, "expected true, false or null") : too_early();
  }

  // Behind the run of digits at p; no further than the end.
  [[gnu::always_inline]] Position digits(Position p) const {
    for (;;) {
      const unsigned count = count_digits(p);
      p += count;
      if (p >= end_) return end_;
      if (count < kScanWidth) return p;
    }
  }

  // Whatever begins no other value is taken for a number and found to be none there. `plain`: integers that need
  // no further look, which is nearly all of them.
  [[gnu::always_inline]] Position number(Position p, State& state) {
    const Position first = p + (*p == '-');
    Number found{digits(first)};
    const size_t count = static_cast<size_t>(found.end - first);
    const bool plain = count != 0 && count < kInt64Digits && (*first != '0' || count == 1);
    if (!plain) {
      found = odd_number(p, first, found.end);
    } else if (found.end < end_ && *found.end == '.') {
      found = decimals(p, first, found.end);
    } else if (is_exponent(found.end)) {
      found = exponent(p, found.end, found.end - first);
    }
    if (found.end == nullptr) return nullptr;
    push(state, p, static_cast<uint32_t>(found.end - p), found.type, found.flags);
    return found.end;
  }

  bool is_exponent(Position p) const { return p < end_ && (*p | 0x20) == 'e'; }

  // No digit at all, a leading zero, or an integer part that may not fit 64 bits.
  [[gnu::noinline]] Number odd_number(Position p, Position first, Position behind) {
    if (first >= end_) return {too_early()};
    if (first == behind) return {fail(first, first == p ? "expected a value" : "expected a digit")};
    if (*first == '0') return {fail(first + 1, "a number has no leading zero")};
    if (behind < end_ && *behind == '.') return decimals(p, first, behind);
    if (is_exponent(behind)) return exponent(p, behind, behind - first);
    const bool fits = fits_int64({p, static_cast<size_t>(behind - p)});
    return finite({behind, TokenType::kInteger, fits ? uint8_t{0} : kTokenBigInteger}, p, behind - first);
  }

  // At the point.
  [[gnu::always_inline]] Number decimals(Position p, Position first, Position point) {
    const Position behind = point + 1 < end_ ? digits(point + 1) : end_;
    if (behind == point + 1)
      return {behind < end_ ? fail(behind, "expected a digit after the point") : too_early()};
    if (is_exponent(behind)) return exponent(p, behind, point - first);
    return finite({behind, TokenType::kDouble}, p, point - first);
  }

  // At the exponent mark. `magnitude`: digits before the point; the exponent adds to them as far as it matters.
  [[gnu::noinline]] Number exponent(Position p, Position mark, int64_t magnitude) {
    Position q = mark + 1;
    const bool negative = q < end_ && *q == '-';
    if (q < end_ && (*q == '-' || *q == '+')) ++q;
    const Position first = q;
    int64_t value = 0;
    for (; q < end_ && is_digit(*q); ++q) value = std::min<int64_t>(value * 10 + (*q - '0'), int64_t{1} << 40);
    if (q == first) return {q < end_ ? fail(q, "expected a digit in the exponent") : too_early()};
    return finite({q, TokenType::kDouble}, p, magnitude + (negative ? -value : value));
  }

  // Refuses what has no finite double. Only a number of some magnitude needs the exact answer.
  [[gnu::always_inline]] Number finite(const Number& number, Position p, int64_t magnitude) {
    if (!kChecked || magnitude <= kSafeMagnitude) return number;
    if (to_double({p, static_cast<size_t>(number.end - p)})) return number;
    return {fail(p, "the number is too large for a double")};
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

  uint32_t count_to(const TapeToken* out) const { return static_cast<uint32_t>(out - first_); }

  // Offsets and `next` count from the event's beginning, wherever the tape begins.
  [[gnu::always_inline]] void push(State& state, Position p, uint32_t length, TokenType type, uint8_t flags) {
    if (state.out == limit_) {
      const uint32_t used = count_to(state.out);
      state.out = reserve(used, used / 2 + kTapeStep);
    }
    const uint32_t next = count_to(state.out) + 1;
    *state.out++ =
        TapeToken{static_cast<uint32_t>(p - begin_), length, next, 0, flags, static_cast<uint32_t>(type)};
  }

  // Makes room for `more` tokens behind the first `used`; returns where the next one goes.
  [[gnu::noinline]] TapeToken* reserve(size_t used, size_t more) {
    tape_.resize(tape_base_ + used + more);
    first_ = tape_.data() + tape_base_;
    limit_ = tape_.data() + tape_.size();
    return first_ + used;
  }

  [[gnu::noinline, gnu::cold]] Position fail(Position p, const char* what) {
    error_ = WalkError{static_cast<uint64_t>(p - begin_), what};
    return nullptr;
  }
  // Names the limit that everybody meets; another one is chosen by who then knows it.
  const char* too_deep() const {
    static_assert(WalkLimits{}.depth == 1024, "the message says so");
    return limits_.depth == WalkLimits{}.depth ? "more than 1024 levels of nesting" : "too many levels of nesting";
  }

  Position too_early() { return fail(end_, "unexpected end of the text"); }

  const Position begin_;
  const Position end_;
  const WalkLimits limits_;
  std::vector<Frame>& stack_;
  std::vector<TapeToken>& tape_;
  const size_t tape_base_;
  TapeToken* first_ = nullptr;
  TapeToken* limit_ = nullptr;
  uint32_t depth_ = 0;
  Frame frame_{};      // the innermost open container; its outer ones are on the stack
  char closer_ = ']';  // what ends it
  bool complete_ = false;
  uint32_t token_count_ = 0;  // once complete_
  WalkError error_;
};

Walker::Walker(WalkLimits limits) : limits_(limits), stack_(std::min<size_t>(limits.depth, 64)) {}

bool Walker::walk(std::string_view text, std::vector<TapeToken>& tape, WalkError& error) {
  ASSERT(text.size() < UINT32_MAX);
  const size_t tape_size = tape.size();
  Pass<true> pass(text, limits_, stack_, tape);
  const bool good = pass.run();
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  if (good && valid) return true;
  tape.resize(tape_size);
  error = pass.error();
  if (text.starts_with(kByteOrderMark)) error.what = "a byte-order mark stands before the value; leave it out";
  if (valid) return false;
  // The first bad byte counts, and a bad sequence is where it begins.
  const WalkError bad_sequence{valid_utf8_prefix(text), "invalid UTF-8"};
  if (good || bad_sequence.byte <= error.byte) error = bad_sequence;
  return false;
}

void Walker::walk_unchecked(std::string_view text, std::vector<TapeToken>& tape) {
  ASSERT(text.size() < UINT32_MAX);
  Pass<false> pass(text, limits_, stack_, tape);
  const bool good = pass.run();
  ASSERT_WHY(good, "the text is not what a walk checked");
}

}  // namespace colloquium::json
