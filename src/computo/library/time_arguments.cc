#include "computo/library/time_arguments.h"

#include <cmath>
#include <limits>

#include "base/assert.h"
#include "computo/library/durations.h"
#include "computo/library/texts.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {
constexpr std::string_view kTimes = "a time: RFC 3339, or an integer of milliseconds";
constexpr std::string_view kZones = "a time zone such as \"UTC\", \"+02:00\" or \"Europe/Berlin\"";
constexpr std::string_view kUnits = "a unit: ns, us, ms, s, m, h, d or w";
constexpr int64_t kMillisecond = 1'000'000;
}  // namespace

bool time_argument(Machine& machine, const Value* arguments, uint32_t i, Instant& out) {
  const Type type = type_of(arguments[i]);
  if (type == Type::kNumber) {
    const Value number = decode_number(arguments[i]);
    if (!is_integral(number)) return machine.fail_type(i, kTimes, arguments[i]);
    const auto instant = instant_of(static_cast<Nanoseconds>(to_integer(number)) * kMillisecond);
    if (!instant) return machine.fail_argument(i, Category::kValue, "expected a time in the years 0000 to 9999");
    out = *instant;
    return true;
  }
  if (type != Type::kString) return machine.fail_type(i, kTimes, arguments[i]);
  std::string_view text;
  if (!text_argument(machine, arguments, i, text)) return false;
  const auto instant = read_instant(text);
  if (!instant) return fail_value(machine, i, kTimes, text);
  ASSERT(is_in_bounds(instant->seconds));
  out = *instant;
  return true;
}

bool zone_argument(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, Zone& out) {
  if (count <= i) return true;
  std::string_view name;
  if (!text_argument(machine, arguments, i, name)) return false;
  const auto zone = Zone::find(name);
  if (!zone) return fail_value(machine, i, kZones, name);
  ASSERT(!machine.failed());
  out = *zone;
  return true;
}

bool unit_argument(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, int64_t& nanoseconds) {
  nanoseconds = kMillisecond;
  if (count <= i) return true;
  std::string_view name;
  if (!text_argument(machine, arguments, i, name)) return false;
  nanoseconds = unit_nanoseconds(name);
  ASSERT(nanoseconds >= 0);
  return nanoseconds > 0 || fail_value(machine, i, kUnits, name);
}

bool time_value(Machine& machine, const std::optional<Instant>& instant, Value& out) {
  if (!instant) return machine.fail(Category::kValue, "the time lies outside the years 0000 to 9999");
  ASSERT(!machine.failed());
  char* const text = machine.allocate<char>(kInstantBytes);
  if (text == nullptr) return false;
  const char* const end = write_instant(*instant, text);
  out = string_value({text, static_cast<size_t>(end - text)});
  return true;
}

Value quotient(Nanoseconds nanoseconds, int64_t unit) {
  ASSERT(unit > 0);
  const Nanoseconds whole = nanoseconds / unit;
  const bool fits = whole >= std::numeric_limits<int64_t>::min() && whole <= std::numeric_limits<int64_t>::max();
  if (fits && nanoseconds % unit == 0) return int_value(static_cast<int64_t>(whole));
  return double_value(static_cast<double>(nanoseconds) / static_cast<double>(unit));
}

std::optional<Nanoseconds> nanoseconds_of(const Value& number, int64_t unit) {
  const Value decoded = decode_number(number);
  if (decoded.kind == Kind::kInt) return static_cast<Nanoseconds>(decoded.integer) * unit;
  const double value = to_double(decoded);
  const double whole = std::floor(value);
  if (!(std::fabs(whole) < 1e19)) return std::nullopt;
  ASSERT(value >= whole);
  return static_cast<Nanoseconds>(whole) * unit +
         static_cast<Nanoseconds>(std::floor((value - whole) * static_cast<double>(unit) + 0.5));
}

std::string check_zone(std::span<const ConstantText> arguments, size_t i) {
  if (arguments.size() <= i || !arguments[i] || Zone::find(*arguments[i])) return {};
  ASSERT(!arguments.empty());
  return expectation(kZones, *arguments[i]);
}

std::string check_unit(std::span<const ConstantText> arguments, size_t i) {
  if (arguments.size() <= i || !arguments[i] || unit_nanoseconds(*arguments[i]) > 0) return {};
  ASSERT(!arguments.empty());
  return expectation(kUnits, *arguments[i]);
}

}  // namespace colloquium::computo::ops
