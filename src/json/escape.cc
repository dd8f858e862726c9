#include "json/escape.h"

#include "json/scan.h"

namespace colloquium::json {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// An unaligned load.
template <class Word>
uint64_t load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Fewer than 16 bytes, by loads that overlap: the text may end where its page ends.
__m128i load_short(const char* p, size_t size) {
  if (size >= 8) {
    const uint64_t high = size == 8 ? 0 : load<uint64_t>(p + size - 8) >> (8 * (16 - size));
    return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(load<uint64_t>(p)));
  }
  uint64_t bytes = 0;
  if (size >= 4) {
    bytes = load<uint32_t>(p) | load<uint32_t>(p + size - 4) << (8 * (size - 4));
  } else if (size != 0) {
    bytes = load<uint8_t>(p) | load<uint8_t>(p + size / 2) << (8 * (size / 2)) |
            load<uint8_t>(p + size - 1) << (8 * (size - 1));
  }
  return _mm_set_epi64x(0, static_cast<int64_t>(bytes));
}

size_t plain_prefix_short(const char* text, size_t size) {
  const unsigned beyond = ~0u << size;  // the zeros there look like control characters
  return static_cast<size_t>(std::countr_zero(mask_of(match_marks<true>(load_short(text, size))) | beyond));
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
