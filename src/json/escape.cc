#include "json/escape.h"

#include "json/scan.h"

namespace colloquium::json {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Fewer than 16 bytes, through a buffer: the text may end where its page ends.
size_t plain_prefix_short(const char* text, size_t size) {
  char block[kScanWidth] = {};
  std::memcpy(block, text, size);
  const unsigned beyond = ~0u << size;
  return static_cast<size_t>(std::countr_zero(marks16<true>(block) | beyond));
}

}  // namespace

size_t plain_prefix(std::string_view text) {
  if (text.size() < kScanWidth) return plain_prefix_short(text.data(), text.size());
  const size_t last = text.size() - kScanWidth;
  for (size_t i = 0; i < last; i += kScanWidth) {
    const unsigned mask = marks16<true>(text.data() + i);
    if (mask != 0) return i + static_cast<size_t>(std::countr_zero(mask));
  }
  // The last block overlaps the one before it, which holds nothing special.
  const unsigned mask = marks16<true>(text.data() + last);
  return mask != 0 ? last + static_cast<size_t>(std::countr_zero(mask)) : text.size();
}

size_t write_escape(char c, char* out) {
  out[0] = '\\';
  switch (c) {
    case '"':
    case '\\':
      out[1] = c;
      return 2;
    case '\b':
      out[1] = 'b';
      return 2;
    case '\f':
      out[1] = 'f';
      return 2;
    case '\n':
      out[1] = 'n';
      return 2;
    case '\r':
      out[1] = 'r';
      return 2;
    case '\t':
      out[1] = 't';
      return 2;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  std::memcpy(out + 1, "u00", 3);
  out[4] = kHexDigits[byte >> 4];
  out[5] = kHexDigits[byte & 15];
  return 6;
}

}  // namespace colloquium::json
