#include "json/number.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "json/scan.h"

namespace colloquium::json {
namespace {

// A literal as 0.DIGITS * 10^exponent, the first digit not 0. Empty digits: zero.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
};

// Exponents beyond this decide alone, whatever the digits: a text has fewer than 2^32 of them.
constexpr int64_t kExponentBound = int64_t{1} << 40;

// Digits beyond the bound are read over.
int64_t read_exponent(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  int64_t value = 0;
  for (const char c : text) {
    if (value < kExponentBound) value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

// Zeros before the first significant digit move into the exponent, however many they are.
Decimal normalise(std::string_view literal) {
  Decimal out;
  out.negative = literal.front() == '-';
  if (out.negative) literal.remove_prefix(1);
  const size_t mark = literal.find_first_of("eE");
  if (mark != std::string_view::npos) out.exponent = read_exponent(literal.substr(mark + 1));
  const std::string_view mantissa = literal.substr(0, mark);
  bool fraction = false;
  for (const char c : mantissa) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    const bool significant = c != '0' || !out.digits.empty();
    if (significant) out.digits.push_back(c);
    if (significant && !fraction) ++out.exponent;
    if (!significant && fraction) --out.exponent;
  }
  return out;
}

// What from_chars would not decide. Doubles reach from 0.49e-323 to 0.18e309.
std::optional<double> to_double_slow(std::string_view literal) {
  const Decimal decimal = normalise(literal);
  const double zero = decimal.negative ? -0.0 : 0.0;
  if (decimal.digits.empty() || decimal.exponent < -330) return zero;
  if (decimal.exponent > 309) return std::nullopt;
  const std::string text =
      (decimal.negative ? "-0." : "0.") + decimal.digits + "e" + std::to_string(decimal.exponent);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc{}) return value;
  return decimal.exponent > 0 ? std::nullopt : std::optional<double>(zero);
}

// from_chars stops counting an exponent at five digits, and may be off by the number of zeros before the first
// significant digit.
bool is_plain(std::string_view literal) {
  return literal.size() < 400;
}

}  // namespace

std::optional<double> to_double(std::string_view literal) {
  double value = 0;
  if (is_plain(literal)) {
    const auto read = std::from_chars(literal.data(), literal.data() + literal.size(), value);
    if (read.ec == std::errc{}) return value;
  }
  return to_double_slow(literal);
}

}  // namespace colloquium::json
