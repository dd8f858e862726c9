#include "computo/library/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "computo/library/elements.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {

// Mean and sum of squared distances, updated number by number (Welford).
struct Moments {
  uint64_t count = 0;
  double mean = 0;
  double squares = 0;
};

bool next_number(Machine& machine, Elements& elements, Value& out) {
  const Value element = elements.next();
  if (type_of(element) != Type::kNumber) return machine.fail_type(0, "an array of numbers", element);
  out = decode_number(element);
  ASSERT(is_decoded_number(out));
  return true;
}

bool moments_of(Machine& machine, const Value& array, Moments& out) {
  const uint32_t size = array_size(array);
  if (!machine.charge(size)) return false;
  Elements elements(array);
  for (uint32_t i = 0; i < size; ++i) {
    Value number;
    if (!next_number(machine, elements, number)) return false;
    const double x = to_double(number);
    const double before = x - out.mean;
    out.mean += before / static_cast<double>(++out.count);
    out.squares += before * (x - out.mean);
  }
  ASSERT(out.count == size);
  return true;
}

bool finite(Machine& machine, double result, Value& out) {
  if (!std::isfinite(result)) return machine.fail(Category::kNumber, "the result is not finite");
  ASSERT(!machine.failed());
  out = double_value(result);
  return true;
}

bool total(Machine& machine, const Value& array, Value& out) {
  const uint32_t size = array_size(array);
  if (!machine.charge(size)) return false;
  Elements elements(array);
  out = int_value(0);
  for (uint32_t i = 0; i < size; ++i) {
    Value number;
    if (!next_number(machine, elements, number)) return false;
    if (add(out, number, out) != Arithmetic::kOk) {
      return machine.fail(Category::kNumber, "the sum is not finite");
    }
  }
  ASSERT(is_decoded_number(out));
  return true;
}

// Nothing, or the variance; `out` null if there are too few numbers.
bool spread_of(Machine& machine, const Value* arguments, uint32_t count, bool root, Value& out) {
  bool sample = false;
  if (count == 2) {
    std::string_view kind;
    if (!text_of(machine, arguments[1], kind)) return false;
    sample = kind == "sample";
    if (!sample && kind != "population") {
      return machine.fail_argument(1, Category::kValue, "expected \"population\" or \"sample\"");
    }
  }
  Moments moments;
  if (!moments_of(machine, arguments[0], moments)) return false;
  out = null_value();
  if (moments.count < (sample ? 2u : 1u)) return true;
  ASSERT(moments.squares >= 0 || !std::isfinite(moments.squares));
  const double variance = moments.squares / static_cast<double>(moments.count - (sample ? 1 : 0));
  return finite(machine, root ? std::sqrt(variance) : variance, out);
}

// The numbers, in scratch memory.
bool numbers_of(Machine& machine, const Value& array, double*& out) {
  const uint32_t size = array_size(array);
  out = machine.charge(size) ? machine.allocate_scratch<double>(size) : nullptr;
  if (out == nullptr) return false;
  Elements elements(array);
  for (uint32_t i = 0; i < size; ++i) {
    Value number;
    if (!next_number(machine, elements, number)) return false;
    out[i] = to_double(number);
  }
  ASSERT(!machine.failed());
  return true;
}

// The number at rank percent/100 * (n-1), interpolated. Two selections instead of a sort.
bool at_rank(Machine& machine, const Value& array, double percent, Value& out) {
  const uint32_t size = array_size(array);
  out = null_value();
  if (size == 0) return true;
  ASSERT(percent >= 0 && percent <= 100);
  const ScratchScope scratch(machine);
  double* numbers = nullptr;
  if (!numbers_of(machine, array, numbers)) return false;
  // In hundredths of a place, which for whole percentages are exact: 95 % of 5 numbers is 3.8, not 3.7999….
  const double hundredths = percent * (size - 1);
  const auto lower = static_cast<uint32_t>(hundredths / 100);
  std::nth_element(numbers, numbers + lower, numbers + size);
  const double below = numbers[lower];
  const double above = lower + 1 < size ? *std::min_element(numbers + lower + 1, numbers + size) : below;
  const double part = std::max(0.0, hundredths - 100.0 * lower) / 100;
  // Apart, so that neighbours near the ends of the range of doubles do not overflow in between.
  return finite(machine, below * (1 - part) + above * part, out);
}

}  // namespace

std::string check_deviation(std::span<const ConstantText> arguments) {
  if (arguments.size() < 2 || !arguments[1] || arguments[1] == "population" || arguments[1] == "sample") return {};
  ASSERT(arguments.size() == 2);
  return "expected \"population\" or \"sample\", got \"" + std::string(*arguments[1]) + "\"";
}

bool average(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  const uint32_t size = array_size(arguments[0]);
  if (size == 0) {
    out = null_value();
    return true;
  }
  if (!total(machine, arguments[0], out)) return false;
  // The size is no zero, and a quotient of finite numbers by 1 or more is finite.
  return divide(out, int_value(size), out) == Arithmetic::kOk;
}

bool median(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  return at_rank(machine, arguments[0], 50, out);
}

bool percentile(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const double percent = to_double(decode_number(arguments[1]));
  if (!(percent >= 0 && percent <= 100)) {
    return machine.fail_argument(1, Category::kValue, "expected a percentage from 0 to 100");
  }
  return at_rank(machine, arguments[0], percent, out);
}

bool sum(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return total(machine, arguments[0], out);
}

bool variance(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  return spread_of(machine, arguments, count, false, out);
}

bool standard_deviation(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  return spread_of(machine, arguments, count, true, out);
}

}  // namespace colloquium::computo::ops
