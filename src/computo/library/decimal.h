// Decimal: a number by its digits, for rounding it as it is written.
//
// The digits are the shortest that read back to the same double, those the number is written with: 1.005 to two
// digits is 1.01, though the double is a little less than that.
// Thread safety: plain data.
#pragma once

#include <cstdint>
#include <string_view>

#include "computo/value.h"

namespace colloquium::computo::ops {

class Decimal {
 public:
  // REQUIRES: a decoded number.
  explicit Decimal(const Value& number);

  // Half away from zero, to so many digits after the point; negative: before it.
  void round(int places);
  // The nearest number: an integer if it has no fraction and fits; infinite if no double is as large.
  Value value() const;

  bool is_negative() const { return negative_; }
  bool is_zero() const { return count_ == 0; }
  // How many digits stand before the point; 0 or less: the number is below 1.
  int point() const { return point_; }
  // The digit at 10^power, '0' outside those it has.
  char digit(int power) const;

 private:
  void trim();

  // 0.DIGITS times 10 to the power of point_; without zeros at either end.
  char digits_[24] = {};
  int count_ = 0;
  int point_ = 0;
  bool negative_ = false;
};

// The number rounded so. REQUIRES: a decoded number.
Value rounded(const Value& number, int places);

}  // namespace colloquium::computo::ops
