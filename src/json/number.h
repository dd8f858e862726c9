// What number literals of checked JSON text are worth.
//
// std::from_chars rounds correctly and needs no locale, but says "out of range" alike for what is too large
// and what is too small, and gives up counting at very long exponents; this adapter tells them apart.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace colloquium::json {

// The nearest double; nothing if that is infinite. What is too small becomes a zero of the literal's sign.
// REQUIRES: `literal` is a number by the grammar of RFC 8259.
std::optional<double> to_double(std::string_view literal);

// Digits of 2^63: only an integer with as many needs a comparison.
inline constexpr size_t kInt64Digits = 19;

// Whether an integer literal lies in [-2^63, 2^63).
inline bool fits_int64(std::string_view literal) {
  const bool negative = literal.front() == '-';
  const std::string_view digits = literal.substr(negative);
  if (digits.size() != kInt64Digits) return digits.size() < kInt64Digits;
  return digits <= (negative ? "9223372036854775808" : "9223372036854775807");
}

}  // namespace colloquium::json
