// Operators over the digits of numbers, binary and decimal.

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "computo/library/decimal.h"
#include "computo/library/numbers.h"
#include "computo/library/texts.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {

constexpr int64_t kMostBase = 36;
constexpr int64_t kMostFraction = 100;
constexpr size_t kMostSeparator = 16;

template <class Step>
bool fold_bits(Machine& machine, const Value* arguments, uint32_t count, Step step, Value& out) {
  int64_t bits = integer_argument(arguments, 0);
  if (!machine.charge(count / 16)) return false;
  for (uint32_t i = 1; i < count; ++i) bits = step(bits, integer_argument(arguments, i));
  ASSERT(count > 0);
  out = int_value(bits);
  return true;
}

bool distance_argument(Machine& machine, const Value* arguments, int64_t& out) {
  out = integer_argument(arguments, 1);
  ASSERT(!machine.failed());
  if (out >= 0 && out < 64) return true;
  return machine.fail_argument(1, Category::kValue,
                               "expected a distance from 0 to 63, got " + std::to_string(out));
}

std::string base_problem(std::string_view got) {
  return "expected a base from 2 to 36, got " + std::string(got);
}

bool base_argument(Machine& machine, const Value* arguments, uint32_t count, int& out) {
  const int64_t base = count > 1 ? integer_argument(arguments, 1) : 10;
  ASSERT(!machine.failed());
  if (base < 2 || base > kMostBase) {
    return machine.fail_argument(1, Category::kValue, base_problem(std::to_string(base)));
  }
  out = static_cast<int>(base);
  return true;
}

// Digits from the highest place down to the last after the point.
void put_decimal(const Decimal& decimal, int places, std::string_view group, std::string_view point,
                 Output& text) {
  const int highest = std::max(decimal.point(), 1) - 1;
  ASSERT(places >= 0 && highest < 400);
  if (decimal.is_negative()) text.put('-');
  for (int power = highest; power >= 0; --power) {
    text.put(decimal.digit(power));
    if (power > 0 && power % 3 == 0 && !group.empty()) text.put(group);
  }
  if (places == 0) return;
  text.put(point);
  for (int power = -1; power >= -places; --power) text.put(decimal.digit(power));
}

}  // namespace

bool bit_and(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  return fold_bits(
      machine, arguments, count, [](int64_t a, int64_t b) { return a & b; }, out);
}

bool bit_or(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  return fold_bits(
      machine, arguments, count, [](int64_t a, int64_t b) { return a | b; }, out);
}

bool bit_xor(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  return fold_bits(
      machine, arguments, count, [](int64_t a, int64_t b) { return a ^ b; }, out);
}

bool bit_not(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  out = int_value(~integer_argument(arguments, 0));
  return true;
}

bool shift_left(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int64_t distance = 0;
  if (!distance_argument(machine, arguments, distance)) return false;
  out = int_value(static_cast<int64_t>(static_cast<uint64_t>(integer_argument(arguments, 0)) << distance));
  return true;
}

bool shift_right(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int64_t distance = 0;
  if (!distance_argument(machine, arguments, distance)) return false;
  out = int_value(integer_argument(arguments, 0) >> distance);
  return true;
}

std::string check_base(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  if (arguments.size() < 2 || !arguments[1]) return {};
  const std::string_view text = *arguments[1];
  int64_t base = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), base);
  // What is no integer is a matter of types, and said when it is evaluated.
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return {};
  return base >= 2 && base <= kMostBase ? std::string() : base_problem(text);
}

bool parse_int(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view whole;
  int base = 10;
  if (!text_argument(machine, arguments, 0, whole) || !base_argument(machine, arguments, count, base))
    return false;
  std::string_view text = trim_ascii(whole);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t integer = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), integer, base);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return fail_value(machine, 0, "an integer of 64 bits in base " + std::to_string(base), whole);
  }
  out = int_value(integer);
  return true;
}

bool format_int(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int base = 10;
  char digits[72];
  if (!base_argument(machine, arguments, count, base)) return false;
  const char* const end = std::to_chars(digits, digits + sizeof digits, integer_argument(arguments, 0), base).ptr;
  return copied_text(machine, {digits, static_cast<size_t>(end - digits)}, out);
}

bool format_number(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  int64_t places = 0;
  std::string_view group;
  std::string_view point = ".";
  if (!count_argument(machine, arguments, 1, 0, places)) return false;
  if (places > kMostFraction) {
    return machine.fail_argument(1, Category::kValue,
                                 "expected at most 100 digits after the point, got " + std::to_string(places));
  }
  if (count > 2 && !text_argument(machine, arguments, 2, group)) return false;
  if (count > 3 && !text_argument(machine, arguments, 3, point)) return false;
  if (group.size() > kMostSeparator) return fail_value(machine, 2, "a separator of at most 16 bytes", group);
  if (point.size() > kMostSeparator) return fail_value(machine, 3, "a point of at most 16 bytes", point);
  Decimal decimal(decode_number(arguments[0]));
  decimal.round(static_cast<int>(places));
  Output& text = machine.text_output();
  text.start(false);
  put_decimal(decimal, static_cast<int>(places), group, point, text);
  return finish_text(machine, out);
}

}  // namespace colloquium::computo::ops
