#include "computo/library/times.h"

#include "base/assert.h"
#include "computo/library/durations.h"
#include "computo/library/texts.h"
#include "computo/library/time_arguments.h"
#include "computo/library/time_format.h"

namespace colloquium::computo::ops {

namespace {

// The format argument 1 is; the problem of a bad one.
bool format_argument(Machine& machine, const Value* arguments, bool reading, std::string_view& out) {
  if (!text_argument(machine, arguments, 1, out)) return false;
  ASSERT(!machine.failed());
  std::string problem = format_problem(out, reading);
  return problem.empty() || machine.fail_argument(1, Category::kValue, std::move(problem));
}

std::string check_format(std::span<const ConstantText> arguments, bool reading) {
  ASSERT(!arguments.empty());
  std::string problem;
  if (arguments.size() > 1 && arguments[1]) problem = format_problem(*arguments[1], reading);
  return problem.empty() ? check_zone(arguments, 2) : problem;
}

}  // namespace

std::string check_parse_time(std::span<const ConstantText> arguments) {
  return check_format(arguments, true);
}
std::string check_format_time(std::span<const ConstantText> arguments) {
  return check_format(arguments, false);
}
std::string check_time_parts(std::span<const ConstantText> arguments) {
  return check_zone(arguments, 1);
}
std::string check_epoch_unit(std::span<const ConstantText> arguments) {
  return check_unit(arguments, 1);
}

bool parse_time(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1 && count <= 3);
  std::string_view text;
  std::string_view format;
  Zone zone;
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 1 && !format_argument(machine, arguments, true, format)) return false;
  if (!zone_argument(machine, arguments, count, 2, zone)) return false;
  const auto instant = count > 1 ? read_time(text, format, zone) : read_instant(text);
  if (!instant && count > 1) return fail_value(machine, 0, "a time of the format " + shown(format), text);
  if (!instant) return fail_value(machine, 0, "a time of RFC 3339", text);
  return time_value(machine, instant, out);
}

bool format_time(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Instant instant;
  std::string_view format;
  Zone zone;
  if (!time_argument(machine, arguments, 0, instant) || !format_argument(machine, arguments, false, format) ||
      !zone_argument(machine, arguments, count, 2, zone)) {
    return false;
  }
  Output& text = machine.text_output();
  text.start(false);
  // No directive gives more than a few bytes, so the text is bounded by the format.
  write_time(text, format, instant, zone);
  return check_output(machine) && finish_text(machine, out);
}

bool to_epoch(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  Instant instant;
  int64_t unit = 0;
  if (!time_argument(machine, arguments, 0, instant) || !unit_argument(machine, arguments, count, 1, unit)) {
    return false;
  }
  const Nanoseconds nanoseconds = nanoseconds_of(instant);
  const Nanoseconds rest = nanoseconds % unit;
  out = quotient(nanoseconds - (rest < 0 ? rest + unit : rest), unit);
  return out.kind == Kind::kInt ||
         machine.fail_argument(0, Category::kValue, "expected a time whose nanoseconds fit 64 bits");
}

bool from_epoch(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  int64_t unit = 0;
  if (!unit_argument(machine, arguments, count, 1, unit)) return false;
  const auto nanoseconds = nanoseconds_of(arguments[0], unit);
  return time_value(machine, nanoseconds ? instant_of(*nanoseconds) : std::nullopt, out);
}

bool time_parts(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  Instant instant;
  Zone zone;
  if (!time_argument(machine, arguments, 0, instant) || !zone_argument(machine, arguments, count, 1, zone)) {
    return false;
  }
  static constexpr std::string_view kParts[] = {"day",    "hour", "minute",   "month",   "nanosecond", "offset",
                                                "second", "week", "weekYear", "weekday", "year",       "yearDay"};
  const int32_t offset = zone.offset_at(instant.seconds);
  const DateTime at = date_time_of(instant.seconds + offset);
  const int64_t day = days_of(at.year, at.month, at.day);
  int32_t week_year = 0;
  uint32_t week = 0;
  iso_week_of(day, week_year, week);
  const Value values[] = {int_value(at.day),
                          int_value(at.hour),
                          int_value(at.minute),
                          int_value(at.month),
                          int_value(instant.nanoseconds),
                          int_value(offset),
                          int_value(at.second),
                          int_value(week),
                          int_value(week_year),
                          int_value(weekday_of(day)),
                          int_value(at.year),
                          int_value(day_of_year(at.year, day))};
  static_assert(std::size(kParts) == std::size(values));
  return fixed_object(machine, kParts, values, std::size(kParts), out);
}

}  // namespace colloquium::computo::ops
