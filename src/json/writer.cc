#include "json/writer.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "json/escape.h"
#include "json/number.h"
#include "json/rebase.h"

namespace colloquium::json {
namespace {

// 2^63 as the first unsigned integer that needs the flag.
constexpr uint64_t kBigIntegerMin = uint64_t{1} << 63;

constexpr char kKeyPlace[] = "a key stands in an object, before a value";

// Keys of up to this length are written in one piece.
constexpr size_t kShortKey = 60;

// What was written of a string is longer than the string and its quotes only if something was escaped.
uint8_t escape_flag(uint64_t written, size_t decoded) {
  return written != decoded + 2 ? kTokenEscaped : 0;
}

}  // namespace

Writer::Writer(std::vector<char>& bytes, std::vector<TapeToken>* tape)
    : bytes_(bytes), tape_(tape), byte_base_(bytes.size()), token_base_(tape != nullptr ? tape->size() : 0) {}

// REQUIRES: depth_ > 0.
Writer::Frame& Writer::frame() {
  return depth_ <= kNearLevels ? near_[depth_ - 1] : far_[depth_ - 1 - kNearLevels];
}

// What goes before a value: nothing after a key and at the top, else a comma.
void Writer::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  ASSERT_WHY(!frame().object, "a value in an object needs a key");
  if (frame().count++ != 0) bytes_.push_back(',');
}

// What goes before a key.
void Writer::begin_key() {
  ASSERT_WHY(depth_ != 0 && frame().object && !after_key_, kKeyPlace);
  if (frame().count++ != 0) bytes_.push_back(',');
}

// Looks whether the object has the key already. Its token is the last on the tape.
void Writer::note_key(uint32_t begin, bool escaped) {
  Frame& object = frame();
  if (escaped || object.count > KeyFilter::kCompareMax) return object.keys.defer();
  const char* text = bytes_.data() + byte_base_;
  const std::string_view inner(text + begin + 1, tape_->back().length - 2);
  if (!object.keys.add(inner.data(), static_cast<uint32_t>(inner.size()))) return;
  const auto end = static_cast<uint32_t>(tape_->size() - 1 - token_base_);
  const bool twice =
      has_key(text, tape_->data() + token_base_, static_cast<uint32_t>(object.token - token_base_), end, inner);
  if (twice) (*tape_)[object.token].flags |= kTokenDuplicateKeys;
}

// `begin`: offset of the opening quote.
void Writer::end_key(uint32_t begin, bool escaped) {
  if (tape_ != nullptr) {
    token(TokenType::kKey, begin, escaped ? kTokenEscaped : 0);
    note_key(begin, escaped);
  }
  bytes_.push_back(':');
  after_key_ = true;
}

// The token of the value whose last byte was just written.
void Writer::token(TokenType type, uint32_t begin, uint8_t flags) {
  const auto next = static_cast<uint32_t>(tape_->size() - token_base_) + 1;
  tape_->push_back(TapeToken{begin, offset() - begin, next, 0, flags, static_cast<uint32_t>(type)});
}

// `text` needs no escaping.
void Writer::scalar(TokenType type, std::string_view text, uint8_t flags) {
  separate();
  const uint32_t begin = offset();
  append(text);
  if (tape_ != nullptr) token(type, begin, flags);
}

void Writer::null() {
  scalar(TokenType::kNull, "null");
}

void Writer::boolean(bool value) {
  scalar(value ? TokenType::kTrue : TokenType::kFalse, value ? "true" : "false");
}

void Writer::integer(int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  scalar(TokenType::kInteger, {digits, static_cast<size_t>(end.ptr - digits)});
}

void Writer::unsigned_integer(uint64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  scalar(TokenType::kInteger, {digits, static_cast<size_t>(end.ptr - digits)},
         value >= kBigIntegerMin ? kTokenBigInteger : 0);
}

void Writer::number(double value) {
  char digits[32];
  const std::string_view text(digits, write_double(value, digits));
  if (text.find_first_of(".e") != std::string_view::npos) return scalar(TokenType::kDouble, text);
  // Written without a fraction it reads back as an integer. The text decides: the shortest digits of -2^63 are
  // those of a smaller number.
  scalar(TokenType::kInteger, text, fits_int64(text) ? 0 : kTokenBigInteger);
}

void Writer::string(std::string_view text) {
  separate();
  const uint32_t begin = offset();
  append_quoted(text, bytes_);
  if (tape_ != nullptr) token(TokenType::kString, begin, escape_flag(offset() - begin, text.size()));
}

// Most keys are short and plain: comma, quotes and colon go out with them in one piece.
void Writer::key(std::string_view text) {
  if (text.size() > kShortKey || plain_prefix(text) != text.size()) return long_key(text);
  ASSERT_WHY(depth_ != 0 && frame().object && !after_key_, kKeyPlace);
  char piece[kShortKey + 4];
  char* p = piece;
  if (frame().count++ != 0) *p++ = ',';
  const uint32_t begin = offset() + static_cast<uint32_t>(p - piece);
  *p++ = '"';
  p = std::copy(text.begin(), text.end(), p);
  *p++ = '"';
  *p++ = ':';
  append({piece, static_cast<size_t>(p - piece)});
  after_key_ = true;
  if (tape_ == nullptr) return;
  token(TokenType::kKey, begin, 0);
  tape_->back().length = static_cast<uint32_t>(text.size()) + 2;
  note_key(begin, false);
}

void Writer::long_key(std::string_view text) {
  begin_key();
  const uint32_t begin = offset();
  append_quoted(text, bytes_);
  end_key(begin, escape_flag(offset() - begin, text.size()) != 0);
}

void Writer::raw_key(const ValueView& key) {
  ASSERT(key.type() == TokenType::kKey);
  begin_key();
  const uint32_t begin = offset();
  append(key.raw());
  end_key(begin, key.is_escaped());
}

// The token is completed by close().
void Writer::open(TokenType type, char brace) {
  separate();
  const uint32_t begin = offset();
  bytes_.push_back(brace);
  if (depth_ >= kNearLevels && far_.size() == depth_ - kNearLevels) far_.emplace_back();
  ++depth_;
  const size_t index = tape_ != nullptr ? tape_->size() : 0;
  frame() = Frame{index, begin, 0, type == TokenType::kObject, {}};
  if (tape_ != nullptr) token(type, begin, 0);
}

void Writer::close(char brace, bool object) {
  ASSERT_WHY(depth_ != 0 && frame().object == object && !after_key_, "unbalanced begin and end");
  bytes_.push_back(brace);
  const Frame& done = frame();
  --depth_;
  if (tape_ == nullptr) return;
  TapeToken& open_token = (*tape_)[done.token];
  open_token.length = offset() - done.offset;
  open_token.next = static_cast<uint32_t>(tape_->size() - token_base_);
  open_token.count = std::min(done.count, kTokenCountMax);
  if (!done.keys.deferred()) return;
  const auto index = static_cast<uint32_t>(done.token - token_base_);
  const bool twice = has_duplicate_keys(bytes_.data() + byte_base_, tape_->data() + token_base_, index);
  if (twice) open_token.flags |= kTokenDuplicateKeys;
}

void Writer::begin_object() {
  open(TokenType::kObject, '{');
}
void Writer::end_object() {
  close('}', true);
}
void Writer::begin_array() {
  open(TokenType::kArray, '[');
}
void Writer::end_array() {
  close(']', false);
}

void Writer::raw(const ValueView& value) {
  ASSERT(value.type() != TokenType::kKey);
  separate();
  const uint32_t begin = offset();
  append(value.raw());
  if (tape_ == nullptr) return;
  const TapeToken& source = value.token();
  // A scalar's token says nothing that depends on where it stands.
  if (source.next == value.index() + 1) {
    token(source.type(), begin, static_cast<uint8_t>(source.flags));
    return;
  }
  append_rebased(tape_of(value), value.index(), static_cast<uint32_t>(tape_->size() - token_base_), begin, *tape_);
}

}  // namespace colloquium::json
