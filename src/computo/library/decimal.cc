#include "computo/library/decimal.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "computo/number.h"
#include "computo/text.h"
#include "json/number.h"

namespace colloquium::computo::ops {

// An integer's digits, or those of the scientific notation: d.ddde±xx.
Decimal::Decimal(const Value& number) {
  ASSERT(is_decoded_number(number));
  char text[64];
  const char* end = number.kind == Kind::kDouble
                        ? std::to_chars(text, text + sizeof text, number.number, std::chars_format::scientific).ptr
                        : write_number(number, text);
  const char* at = text;
  negative_ = *at == '-';
  if (negative_) ++at;
  int exponent = 0;
  bool whole = true;
  for (; at < end && *at != 'e'; ++at) {
    whole = whole && *at != '.';
    if (*at == '.') continue;
    point_ += whole ? 1 : 0;
    digits_[count_++] = *at;
  }
  if (at < end) std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
  point_ += exponent;
  trim();
}

void Decimal::trim() {
  while (count_ > 0 && digits_[count_ - 1] == '0') --count_;
  int zeros = 0;
  while (zeros < count_ && digits_[zeros] == '0') ++zeros;
  std::memmove(digits_, digits_ + zeros, static_cast<size_t>(count_ - zeros));
  count_ -= zeros;
  point_ = count_ == 0 ? 0 : point_ - zeros;
  if (count_ == 0) negative_ = false;
  ASSERT(count_ >= 0);
}

void Decimal::round(int places) {
  const int kept = point_ + places;
  if (kept >= count_) return;
  const bool up = kept >= 0 && digits_[kept] >= '5';
  count_ = kept > 0 ? kept : 0;
  if (up) {
    int i = count_;
    while (i > 0 && digits_[i - 1] == '9') digits_[--i] = '0';
    if (i > 0) {
      ++digits_[i - 1];
    } else {
      // All nines, or nothing is kept: a one before them.
      std::memmove(digits_ + 1, digits_, static_cast<size_t>(count_));
      digits_[0] = '1';
      ++count_;
      ++point_;
    }
  }
  ASSERT(count_ < static_cast<int>(sizeof digits_));
  trim();
}

char Decimal::digit(int power) const {
  const int at = point_ - 1 - power;
  return at >= 0 && at < count_ ? digits_[at] : '0';
}

Value Decimal::value() const {
  char text[64];
  char* at = text;
  if (count_ == 0) return int_value(0);
  if (negative_) *at++ = '-';
  char* const whole = at;
  std::memcpy(at, digits_, static_cast<size_t>(count_));
  at += count_;
  // Twenty digits are as many as an integer of 64 bits has.
  if (point_ >= count_ && point_ <= 20) {
    while (at - whole < point_) *at++ = '0';
    int64_t integer = 0;
    if (std::from_chars(text, at, integer).ec == std::errc()) return int_value(integer);
    at = whole + count_;
  }
  *at++ = 'e';
  at = std::to_chars(at, text + sizeof text, point_ - count_).ptr;
  const auto number = json::to_double({text, static_cast<size_t>(at - text)});
  return double_value(number.value_or(HUGE_VAL));
}

Value rounded(const Value& number, int places) {
  Decimal decimal(number);
  decimal.round(places);
  return decimal.value();
}

}  // namespace colloquium::computo::ops
