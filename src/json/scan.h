// Wide scans over JSON text: 16 bytes per step, SSE2 only, which every x86-64 has.
//
// Each function may read up to 15 bytes behind the place it was asked about, never more: callers promise
// kBatchPadding readable bytes behind their text. The whole walk built for AVX2 gained less than two runs differ,
// so there is no dispatch at run time (docs/internals/json.md).
// Thread safety: pure functions.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <emmintrin.h>

namespace colloquium::json {

inline constexpr unsigned kScanWidth = 16;

inline __m128i load16(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline unsigned mask_of(__m128i matches) {
  return static_cast<unsigned>(_mm_movemask_epi8(matches));
}

// Of 16 bytes: ff where there is a quote, a backslash or, if kControls, a control character: what ends a run of
// plain bytes, both for who reads a string and for who escapes one.
template <bool kControls>
[[gnu::always_inline]] inline __m128i match_marks(__m128i bytes) {
  const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i marks = _mm_or_si128(quotes, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  if constexpr (!kControls) return marks;
  return _mm_or_si128(marks, _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
}

// Bit i is set where match_marks finds p[i], for 16 and for 64 bytes.
template <bool kControls>
[[gnu::always_inline]] inline unsigned marks16(const char* p) {
  return mask_of(match_marks<kControls>(load16(p)));
}

template <bool kControls>
[[gnu::always_inline]] inline uint64_t marks64(const char* p) {
  const uint64_t low = marks16<kControls>(p) | marks16<kControls>(p + kScanWidth) << kScanWidth;
  const char* second = p + 2 * kScanWidth;
  const uint64_t high = marks16<kControls>(second) | marks16<kControls>(second + kScanWidth) << kScanWidth;
  return low | high << 2 * kScanWidth;
}

// How many of the 16 bytes from p on are decimal digits before the first that is none.
inline unsigned count_digits(const char* p) {
  const __m128i distance = _mm_sub_epi8(load16(p), _mm_set1_epi8('0'));
  const __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(distance, _mm_set1_epi8(9)), distance);
  return static_cast<unsigned>(std::countr_one(mask_of(digits)));
}

// How many of the 16 bytes from p on are white space before the first that is none.
inline unsigned count_spaces(const char* p) {
  const __m128i bytes = load16(p);
  const __m128i blanks =
      _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')));
  const __m128i breaks =
      _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
  return static_cast<unsigned>(std::countr_one(mask_of(_mm_or_si128(blanks, breaks))));
}

// White space as RFC 8259 has it: neither form feed nor vertical tab.
inline bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, or a number of 16 and more.
inline unsigned hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const unsigned letter = (static_cast<unsigned char>(c) | 0x20u) - 'a';
  return letter < 6 ? letter + 10 : 255;
}

// The value of four hexadecimal digits, or a number of 0x10000 and more.
inline unsigned hex4_value(const char* p) {
  unsigned value = 0;
  unsigned bad = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned digit = hex_value(p[i]);
    bad |= digit;
    value = value << 4 | (digit & 15);
  }
  return bad > 15 ? 0x10000 : value;
}

// UTF-16 code units that make a character only in a pair, high before low.
inline bool is_high_surrogate(unsigned unit) {
  return (unit & 0xfc00) == 0xd800;
}
inline bool is_low_surrogate(unsigned unit) {
  return (unit & 0xfc00) == 0xdc00;
}

}  // namespace colloquium::json
