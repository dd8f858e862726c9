#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "json/writer.h"

namespace colloquium::json {
namespace {

// Doubles below 2^53 that are integers print as such.
constexpr double kExactIntegerBound = 9007199254740992.0;

// Where ECMAScript's Number::toString changes to an exponent: digits before the point, zeros behind it.
constexpr int kPlainDigitsMax = 21;
constexpr int kPlainZerosMax = 5;

// The longest shortest form: 17 digits.
constexpr size_t kDigitsMax = 17;

struct Shortest {
  std::array<char, kDigitsMax> digits;
  int count = 0;
  int point = 0;  // the value is 0.DIGITS * 10^point
};

// From to_chars' "d.ddde+xx".
Shortest shortest(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  ASSERT(end.ec == std::errc{});
  Shortest out;
  const char* p = text;
  for (; *p != 'e'; ++p) {
    if (*p != '.') out.digits[static_cast<size_t>(out.count++)] = *p;
  }
  p += p[1] == '+' ? 2 : 1;
  std::from_chars(p, end.ptr, out.point);
  ++out.point;
  return out;
}

// Both return the position behind what they wrote.
char* put(char* out, const char* text, int count) {
  std::memcpy(out, text, static_cast<size_t>(count));
  return out + count;
}

char* put_zeros(char* out, int count) {
  std::memset(out, '0', static_cast<size_t>(count));
  return out + count;
}

// Without exponent. Three forms: 12000, 12.5, 0.0012.
char* put_plain(const Shortest& number, char* out) {
  const char* digits = number.digits.data();
  if (number.point >= number.count) {
    return put_zeros(put(out, digits, number.count), number.point - number.count);
  }
  if (number.point > 0) {
    out = put(out, digits, number.point);
    *out++ = '.';
    return put(out, digits + number.point, number.count - number.point);
  }
  out = put_zeros(put(out, "0.", 2), -number.point);
  return put(out, digits, number.count);
}

// As in 1.25e+21; the sign of the exponent is always written, its zeros never.
char* put_exponential(const Shortest& number, char* out) {
  *out++ = number.digits[0];
  if (number.count > 1) {
    *out++ = '.';
    out = put(out, number.digits.data() + 1, number.count - 1);
  }
  const int exponent = number.point - 1;
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return std::to_chars(out, out + 3, exponent < 0 ? -exponent : exponent).ptr;
}

}  // namespace

size_t write_double(double value, char* out) {
  ASSERT(std::isfinite(value));
  char* const begin = out;
  if (std::fabs(value) < kExactIntegerBound && value == std::trunc(value)) {
    // Both zeros become 0.
    return static_cast<size_t>(std::to_chars(out, out + 32, static_cast<int64_t>(value)).ptr - begin);
  }
  if (value < 0) *out++ = '-';
  const Shortest number = shortest(std::fabs(value));
  const bool plain = number.point <= kPlainDigitsMax && number.point >= -kPlainZerosMax;
  out = plain ? put_plain(number, out) : put_exponential(number, out);
  return static_cast<size_t>(out - begin);
}

}  // namespace colloquium::json
