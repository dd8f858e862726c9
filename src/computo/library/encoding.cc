#include "computo/library/encoding.h"

#include <array>

#include "base/assert.h"
#include "computo/library/bytes.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kAlphabetNames = "\"standard\" or \"url\"";
constexpr uint8_t kNoDigit = 64;

// Six bits for each character of either alphabet.
constexpr auto kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 64; ++i) {
    digits[static_cast<unsigned char>(kStandard[i])] = i;
    digits[static_cast<unsigned char>(kUrl[i])] = i;
  }
  return digits;
}();

char* encode_base64(std::string_view text, std::string_view alphabet, bool padded, char* out) {
  for (size_t i = 0; i < text.size(); i += 3) {
    const size_t bytes = std::min<size_t>(3, text.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < bytes ? static_cast<unsigned char>(text[i + k]) : 0u);
    for (size_t k = 0; k <= bytes; ++k) *out++ = alphabet[bits >> (18 - 6 * k) & 63];
    for (size_t k = bytes; padded && k < 3; ++k) *out++ = '=';
  }
  ASSERT(alphabet.size() == 64);
  return out;
}

// Padding is right if it fills the last group; without it the last group has two or three digits.
bool strip_padding(std::string_view& text) {
  const size_t whole = text.size();
  while (!text.empty() && text.back() == '=' && whole - text.size() < 2) text.remove_suffix(1);
  ASSERT(whole - text.size() <= 2);
  return (whole == text.size() || whole % 4 == 0) && text.size() % 4 != 1;
}

// False if a character is of no alphabet, or bits are left that no byte takes.
bool decode_base64(std::string_view text, char*& out) {
  uint32_t bits = 0;
  uint32_t held = 0;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return false;
    bits = bits << 6 | digit;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    *out++ = static_cast<char>(bits >> held & 0xFF);
  }
  ASSERT(held < 8);
  return (bits & ((1u << held) - 1)) == 0;
}

std::string_view html_reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return "&#39;";
  }
}

}  // namespace

std::string check_alphabet(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  if (arguments.size() < 2 || !arguments[1]) return {};
  if (*arguments[1] == "standard" || *arguments[1] == "url") return {};
  return expectation(kAlphabetNames, *arguments[1]);
}

bool base64_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  std::string_view name = "standard";
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 1 && !text_argument(machine, arguments, 1, name)) return false;
  const bool url = name == "url";
  if (!url && name != "standard") return fail_value(machine, 1, kAlphabetNames, name);
  char* const begin = text_room(machine, (uint64_t{text.size()} + 2) / 3 * 4);
  if (begin == nullptr) return false;
  const char* const end = encode_base64(text, url ? kUrl : kStandard, !url, begin);
  out = string_value({begin, static_cast<size_t>(end - begin)});
  return true;
}

bool base64_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view whole;
  if (!text_argument(machine, arguments, 0, whole)) return false;
  std::string_view text = whole;
  char* const begin = text_room(machine, uint64_t{text.size()} / 4 * 3 + 3);
  char* end = begin;
  if (begin == nullptr) return false;
  if (!strip_padding(text) || !decode_base64(text, end)) return fail_value(machine, 0, "base64", whole);
  return utf8_value(machine, {begin, static_cast<size_t>(end - begin)}, whole, out);
}

bool hex_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  return text_argument(machine, arguments, 0, text) && hex_value(machine, text, out);
}

bool hex_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  char* const begin = text_room(machine, text.size() / 2);
  if (begin == nullptr) return false;
  bool valid = text.size() % 2 == 0;
  for (size_t i = 0; valid && i < text.size(); i += 2) valid = hex_byte(text.data() + i, begin[i / 2]);
  if (!valid) return fail_value(machine, 0, "pairs of hexadecimal digits", text);
  return utf8_value(machine, {begin, text.size() / 2}, text, out);
}

bool html_escape(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  Output& output = machine.text_output();
  output.start(false);
  size_t done = 0;
  for (size_t at = 0; (at = text.find_first_of("&<>\"'", at)) != std::string_view::npos; done = ++at) {
    output.put(text.substr(done, at - done));
    output.put(html_reference(text[at]));
  }
  if (done == 0) {
    out = arguments[0];
    return true;
  }
  output.put(text.substr(done));
  return finish_text(machine, out);
}

}  // namespace colloquium::computo::ops
