#include "json/view.h"

#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "json/number.h"
#include "json/scan.h"

namespace colloquium::json {
namespace {

// REQUIRES: a Unicode scalar value, which a checked escape always is.
void append_utf8(uint32_t code_point, std::string& out) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

// `inner` starts behind "\u". Returns how many bytes of it the escape takes, a pair's second half included.
size_t append_unicode_escape(std::string_view inner, std::string& out) {
  ASSERT(inner.size() >= 4);
  const uint32_t unit = hex4_value(inner.data());
  if (!is_high_surrogate(unit)) {
    append_utf8(unit, out);
    return 4;
  }
  ASSERT(inner.size() >= 10);
  const uint32_t low = hex4_value(inner.data() + 6);
  append_utf8(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff), out);
  return 10;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // quote, backslash and slash stand for themselves
  }
}

// Most keys hold no escape: a comparison of bytes decides.
bool key_equals(const ValueView& key, std::string_view wanted) {
  const std::string_view inner = key.raw_string();
  if (!key.is_escaped())
    return inner.size() == wanted.size() && std::memcmp(inner.data(), wanted.data(), wanted.size()) == 0;
  if (inner.size() < wanted.size()) return false;  // an escape is never shorter than what it stands for
  std::string decoded;
  unescape(inner, decoded);
  return decoded == wanted;
}

}  // namespace

void unescape(std::string_view inner, std::string& out) {
  while (!inner.empty()) {
    const size_t plain = inner.find('\\');
    out.append(inner.substr(0, plain));
    if (plain == std::string_view::npos) return;
    ASSERT_WHY(plain + 1 < inner.size(), "the string was not checked by a walk");
    const char escape = inner[plain + 1];
    inner.remove_prefix(plain + 2);
    if (escape == 'u') {
      inner.remove_prefix(append_unicode_escape(inner, out));
    } else {
      out.push_back(simple_escape(escape));
    }
  }
}

std::string_view ValueView::string(std::string& scratch) const {
  ASSERT(type() == TokenType::kString || type() == TokenType::kKey);
  if (!is_escaped()) return raw_string();
  scratch.clear();
  unescape(raw_string(), scratch);
  return scratch;
}

int64_t ValueView::integer() const {
  ASSERT(type() == TokenType::kInteger && (token().flags & kTokenBigInteger) == 0);
  int64_t value = 0;
  const std::string_view digits = raw();
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

double ValueView::number() const {
  ASSERT(type() == TokenType::kInteger || type() == TokenType::kDouble);
  if (type() == TokenType::kInteger && (token().flags & kTokenBigInteger) == 0) {
    return static_cast<double>(integer());
  }
  return to_double(raw()).value_or(0);  // the walk refuses what has no finite double
}

std::optional<uint64_t> ValueView::unsigned_integer() const {
  if (type() != TokenType::kInteger) return std::nullopt;
  const std::string_view digits = raw();
  if (digits == "-0") return 0;
  uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

uint32_t ValueView::count() const {
  ASSERT(type() == TokenType::kArray || type() == TokenType::kObject);
  if (token().count != kTokenCountMax) return token().count;
  // Saturated: the exact number is in the tape.
  uint32_t count = 0;
  for (ValueView child = first_child(); !child.at_end_of(*this); child = child.next()) ++count;
  return type() == TokenType::kObject ? count / 2 : count;
}

std::optional<ValueView> ValueView::member(std::string_view key) const {
  ASSERT(type() == TokenType::kObject);
  const bool unique = (token().flags & kTokenDuplicateKeys) == 0;
  std::optional<ValueView> found;
  for (ValueView name = first_child(); !name.at_end_of(*this);) {
    const ValueView value{text_, root_, name.index_ + 1};
    if (key_equals(name, key)) {
      if (unique) return value;
      found = value;
    }
    name = value.next();  // one step, whatever the value holds
  }
  return found;
}

std::optional<ValueView> ValueView::element(uint64_t i) const {
  ASSERT(type() == TokenType::kArray);
  const uint32_t end = token().next;
  // Without containers inside, an array has one token per element.
  if (end - index_ - 1 == count()) {
    return i < count() ? std::optional<ValueView>({text_, root_, static_cast<uint32_t>(index_ + 1 + i)})
                       : std::nullopt;
  }
  for (ValueView child = first_child(); !child.at_end_of(*this); child = child.next()) {
    if (i-- == 0) return child;
  }
  return std::nullopt;
}

}  // namespace colloquium::json
