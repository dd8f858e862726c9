#include "computo/library/numbers.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/decimal.h"
#include "computo/library/elements.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {

// No double has a digit farther from its point than this, so more places change nothing.
constexpr int64_t kMostPlaces = 400;

double as_double(const Value* arguments, uint32_t i) {
  return to_double(decode_number(arguments[i]));
}

bool finish(Machine& machine, double number, Value& out) {
  ASSERT(!machine.failed());
  if (!std::isfinite(number)) return machine.fail(Category::kNumber, "the result is not finite");
  out = double_value(number);
  return true;
}

// A double without a fraction, as an integer if it fits.
Value whole(double number) {
  const Value v = double_value(number);
  ASSERT(std::isfinite(number));
  return is_integral(v) ? int_value(to_integer(v)) : v;
}

bool to_whole(const Value* arguments, double (*step)(double), Value& out) {
  const Value number = decode_number(arguments[0]);
  ASSERT(is_decoded_number(number));
  out = number.kind == Kind::kDouble ? whole(step(number.number)) : arguments[0];
  return true;
}

// By squaring; false if it does not fit.
bool integer_power(int64_t base, int64_t exponent, int64_t& out) {
  ASSERT(exponent >= 0);
  out = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) return false;
    exponent >>= 1;
    // Of 0 and 1 and -1 every square fits; of anything else it soon does not, and then it must not be needed.
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return false;
  }
  return true;
}

// The least (wanted -1) or greatest (1) of the numbers in `items`, which are operands, or elements of the first.
bool extreme(Machine& machine, const Value* items, uint32_t count, int wanted, bool of_array, Value& out) {
  Value best = null_value();
  if (!machine.charge(count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (type_of(items[i]) != Type::kNumber) {
      return machine.fail_type(of_array ? 0 : i, of_array ? "an array of numbers" : "number", items[i]);
    }
    const Value number = decode_number(items[i]);
    if (i > 0 && compare_numbers(number, best) != wanted) continue;
    best = number;
    out = items[i];
  }
  ASSERT(!machine.failed());
  return true;
}

bool extreme_of(Machine& machine, const Value* arguments, uint32_t count, int wanted, Value& out) {
  ASSERT(count > 0);
  if (count > 1 || type_of(arguments[0]) != Type::kArray) {
    return extreme(machine, arguments, count, wanted, false, out);
  }
  const uint32_t size = array_size(arguments[0]);
  if (size == 0) return machine.fail_argument(0, Category::kEmptyArray, "expected an array with numbers, got []");
  const Value* const items = items_of(machine, arguments[0]);
  return items != nullptr && extreme(machine, items, size, wanted, true, out);
}

}  // namespace

bool round(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(!machine.failed());
  const int64_t places = count > 1 ? integer_argument(arguments, 1) : 0;
  const Value number = decode_number(arguments[0]);
  if (number.kind != Kind::kDouble && places >= 0) {
    out = arguments[0];
    return true;
  }
  out = rounded(number, static_cast<int>(std::clamp(places, -kMostPlaces, kMostPlaces)));
  // Only the largest doubles can be rounded to what is none.
  return out.kind != Kind::kDouble || finish(machine, out.number, out);
}

bool floor(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  return to_whole(arguments, std::floor, out);
}

bool ceil(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  return to_whole(arguments, std::ceil, out);
}

bool truncate_number(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  return to_whole(arguments, std::trunc, out);
}

bool abs(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  const Value number = decode_number(arguments[0]);
  if (compare_numbers(number, int_value(0)) >= 0) {
    out = arguments[0];
    return true;
  }
  // The least integer has no positive of its own: a double.
  return subtract(int_value(0), number, out) == Arithmetic::kOk || finish(machine, HUGE_VAL, out);
}

bool sign(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  out = int_value(compare_numbers(decode_number(arguments[0]), int_value(0)));
  return true;
}

bool pow(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const Value base = decode_number(arguments[0]);
  const Value exponent = decode_number(arguments[1]);
  if (base.kind == Kind::kInt && exponent.kind == Kind::kInt && exponent.integer >= 0) {
    int64_t power = 0;
    if (integer_power(base.integer, exponent.integer, power)) {
      out = int_value(power);
      return true;
    }
  }
  return finish(machine, std::pow(to_double(base), to_double(exponent)), out);
}

bool sqrt(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return finish(machine, std::sqrt(as_double(arguments, 0)), out);
}

bool exp(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return finish(machine, std::exp(as_double(arguments, 0)), out);
}

// The library's logarithms to 2 and 10 are exact for their powers, a quotient is not.
bool log(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  const double number = as_double(arguments, 0);
  if (count == 1) return finish(machine, std::log(number), out);
  const double base = as_double(arguments, 1);
  if (base == 2) return finish(machine, std::log2(number), out);
  if (base == 10) return finish(machine, std::log10(number), out);
  // To the base 0 everything would be 0, which is no logarithm.
  return finish(machine, base > 0 ? std::log(number) / std::log(base) : HUGE_VAL, out);
}

bool min(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count > 0);
  return extreme_of(machine, arguments, count, -1, out);
}

bool max(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count > 0);
  return extreme_of(machine, arguments, count, 1, out);
}

bool clamp(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 3);
  const Value number = decode_number(arguments[0]);
  const Value least = decode_number(arguments[1]);
  const Value most = decode_number(arguments[2]);
  if (compare_numbers(least, most) > 0) {
    return machine.fail_argument(2, Category::kValue, "expected an upper bound that is not below the lower one");
  }
  out = arguments[compare_numbers(number, least) < 0 ? 1 : compare_numbers(number, most) > 0 ? 2 : 0];
  return true;
}

}  // namespace colloquium::computo::ops
