#include "computo/number.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace colloquium::computo {

namespace {

// Holds every integer operand exactly; results are brought back to 64 bits or to double.
__extension__ using Wide = __int128;

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

bool is_integer(const Value& v) {
  return v.kind != Kind::kDouble;
}

Wide to_wide(const Value& v) {
  ASSERT(v.kind == Kind::kInt || v.kind == Kind::kUint);
  return v.kind == Kind::kInt ? static_cast<Wide>(v.integer) : static_cast<Wide>(v.natural);
}

bool fits(Wide w) {
  return w >= std::numeric_limits<int64_t>::min() && w <= std::numeric_limits<int64_t>::max();
}

// Results that are not numbers of JSON are errors, and leave `out` alone.
Arithmetic finish(double d, Value& out) {
  if (!std::isfinite(d)) return Arithmetic::kNotFinite;
  out = double_value(d);
  return Arithmetic::kOk;
}

// REQUIRES: d is finite. Compares without rounding the integer.
int compare_wide(Wide a, double d) {
  ASSERT(std::isfinite(d));
  if (d >= kTwo64) return -1;
  if (d < -kTwo63) return 1;
  // Between the bounds the whole part fits exactly, and what is left decides between equal wholes.
  const double whole = std::trunc(d);
  const Wide w = static_cast<Wide>(whole);
  if (a != w) return a < w ? -1 : 1;
  if (d == whole) return 0;
  return d > whole ? -1 : 1;
}

}  // namespace

Value decode_number(const Value& v) {
  if (v.kind != Kind::kView) return v;
  const json::ValueView view = v.view();
  ASSERT(view.type() == TokenType::kInteger || view.type() == TokenType::kDouble);
  if (view.type() == TokenType::kDouble) return double_value(view.number());
  if ((view.token().flags & kTokenBigInteger) == 0) return int_value(view.integer());
  if (const auto natural = view.unsigned_integer()) return uint_value(*natural);
  return double_value(view.number());
}

double to_double(const Value& v) {
  switch (v.kind) {
    case Kind::kInt:
      return static_cast<double>(v.integer);
    case Kind::kUint:
      return static_cast<double>(v.natural);
    case Kind::kDouble:
      return v.number;
    default:
      break;
  }
  ASSERT_WHY(false, "not a decoded number");
}

bool is_zero(const Value& v) {
  ASSERT(is_decoded_number(v));
  return v.kind == Kind::kDouble ? v.number == 0 : v.natural == 0;
}

bool is_integral(const Value& v) {
  ASSERT(is_decoded_number(v));
  if (v.kind == Kind::kInt) return true;
  // 2^63 itself is a double, and beyond int64.
  return v.kind == Kind::kDouble && std::trunc(v.number) == v.number && v.number >= -0x1p63 && v.number < 0x1p63;
}

int64_t to_integer(const Value& v) {
  ASSERT(is_integral(v));
  return v.kind == Kind::kInt ? v.integer : static_cast<int64_t>(v.number);
}

Arithmetic add(const Value& a, const Value& b, Value& out) {
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    int64_t sum;
    if (!__builtin_add_overflow(a.integer, b.integer, &sum)) {
      out = int_value(sum);
      return Arithmetic::kOk;
    }
  } else if (is_integer(a) && is_integer(b)) {
    const Wide sum = to_wide(a) + to_wide(b);
    if (fits(sum)) {
      out = int_value(static_cast<int64_t>(sum));
      return Arithmetic::kOk;
    }
  }
  return finish(to_double(a) + to_double(b), out);
}

Arithmetic subtract(const Value& a, const Value& b, Value& out) {
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    int64_t difference;
    if (!__builtin_sub_overflow(a.integer, b.integer, &difference)) {
      out = int_value(difference);
      return Arithmetic::kOk;
    }
  } else if (is_integer(a) && is_integer(b)) {
    const Wide difference = to_wide(a) - to_wide(b);
    if (fits(difference)) {
      out = int_value(static_cast<int64_t>(difference));
      return Arithmetic::kOk;
    }
  }
  return finish(to_double(a) - to_double(b), out);
}

Arithmetic multiply(const Value& a, const Value& b, Value& out) {
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    int64_t product;
    if (!__builtin_mul_overflow(a.integer, b.integer, &product)) {
      out = int_value(product);
      return Arithmetic::kOk;
    }
  } else if (is_integer(a) && is_integer(b)) {
    Wide product;
    if (!__builtin_mul_overflow(to_wide(a), to_wide(b), &product) && fits(product)) {
      out = int_value(static_cast<int64_t>(product));
      return Arithmetic::kOk;
    }
  }
  return finish(to_double(a) * to_double(b), out);
}

// 6 / 3 is the integer 2, 7 / 2 the double 3.5.
Arithmetic divide(const Value& a, const Value& b, Value& out) {
  if (is_zero(b)) return Arithmetic::kDivisionByZero;
  if (is_integer(a) && is_integer(b)) {
    const Wide x = to_wide(a);
    const Wide y = to_wide(b);
    if (x % y == 0 && fits(x / y)) {
      out = int_value(static_cast<int64_t>(x / y));
      return Arithmetic::kOk;
    }
  }
  return finish(to_double(a) / to_double(b), out);
}

Arithmetic remainder(const Value& a, const Value& b, Value& out) {
  if (is_zero(b)) return Arithmetic::kDivisionByZero;
  if (is_integer(a) && is_integer(b)) {
    const Wide rest = to_wide(a) % to_wide(b);
    if (fits(rest)) {
      out = int_value(static_cast<int64_t>(rest));
      return Arithmetic::kOk;
    }
  }
  return finish(std::fmod(to_double(a), to_double(b)), out);
}

Arithmetic arithmetic_step(Opcode step, const Value& a, const Value& b, Value& out) {
  switch (step) {
    case Opcode::kAdd:
      return add(a, b, out);
    case Opcode::kSubtract:
      return subtract(a, b, out);
    case Opcode::kMultiply:
      return multiply(a, b, out);
    case Opcode::kDivide:
      return divide(a, b, out);
    case Opcode::kRemainder:
      return remainder(a, b, out);
    default:
      break;
  }
  ASSERT_WHY(false, "not a step of arithmetic");
  return Arithmetic::kNotFinite;
}

int compare_numbers(const Value& a, const Value& b) {
  ASSERT(is_decoded_number(a) && is_decoded_number(b));
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    return a.integer < b.integer ? -1 : a.integer > b.integer;
  }
  if (a.kind == Kind::kDouble && b.kind == Kind::kDouble) return a.number < b.number ? -1 : a.number > b.number;
  if (a.kind == Kind::kDouble) return -compare_wide(to_wide(b), a.number);
  if (b.kind == Kind::kDouble) return compare_wide(to_wide(a), b.number);
  const Wide x = to_wide(a);
  const Wide y = to_wide(b);
  return x < y ? -1 : x > y;
}

uint64_t hash_number(const Value& v) {
  ASSERT(is_decoded_number(v));
  // As the nearest double: numbers that are equal have the same one. Adding 0 turns -0 into 0.
  const double d = to_double(v) + 0.0;
  uint64_t bits;
  std::memcpy(&bits, &d, sizeof bits);
  return bits * 0x9e3779b97f4a7c15u;
}

}  // namespace colloquium::computo
