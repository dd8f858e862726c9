#include <algorithm>

#include "base/assert.h"
#include "computo/library/durations.h"
#include "computo/library/texts.h"
#include "computo/library/time_arguments.h"
#include "computo/library/times.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kDurations = "a duration such as \"1h30m\", \"-7d\" or \"PT90M\"";
constexpr std::string_view kFields[] = {"second", "minute", "hour", "day", "week", "month", "quarter", "year"};
constexpr int64_t kFieldSeconds[] = {1, 60, 3600};
constexpr uint32_t kDayField = 3;

uint32_t field_of(std::string_view name) {
  return static_cast<uint32_t>(std::find(std::begin(kFields), std::end(kFields), name) - std::begin(kFields));
}

std::string check_duration(std::span<const ConstantText> arguments, size_t i, bool fixed) {
  if (arguments.size() <= i || !arguments[i]) return {};
  const auto duration = read_duration(*arguments[i]);
  if (!duration) return expectation(kDurations, *arguments[i]);
  ASSERT(i < arguments.size());
  return fixed && duration->months != 0 ? "months and years have no fixed length" : "";
}

bool duration_argument(Machine& machine, const Value* arguments, uint32_t i, Duration& out) {
  if (type_of(arguments[i]) == Type::kNumber && is_integral(decode_number(arguments[i]))) {
    out.nanoseconds = static_cast<Nanoseconds>(integer_argument(arguments, i)) * 1'000'000;
    return true;
  }
  if (type_of(arguments[i]) != Type::kString) {
    return machine.fail_type(i, "a duration, or an integer of milliseconds", arguments[i]);
  }
  std::string_view text;
  if (!text_argument(machine, arguments, i, text)) return false;
  const auto duration = read_duration(text);
  if (!duration) return fail_value(machine, i, kDurations, text);
  ASSERT(!machine.failed());
  out = *duration;
  return true;
}

// The local time of a zone later by months and days of the calendar, at the same time of day.
int64_t later_by_calendar(int64_t utc_seconds, const Duration& duration, const Zone& zone) {
  const int64_t local = utc_seconds + zone.offset_at(utc_seconds);
  DateTime at = date_time_of(local);
  const int64_t months = at.year * 12 + static_cast<int64_t>(at.month) - 1 + duration.months;
  const int64_t year = months >= 0 ? months / 12 : (months - 11) / 12;
  ASSERT(year > -32000 && year < 32000);
  at.year = static_cast<int32_t>(year);
  at.month = static_cast<uint32_t>(months - year * 12) + 1;
  at.day = std::min(at.day, last_day_of(at.year, at.month));
  return local_seconds_of(at) + duration.days * kSecondsPerDay;
}

// The first second of the local day, week, … that a local time lies in.
int64_t beginning_of(int64_t local_seconds, uint32_t field) {
  const DateTime at = date_time_of(local_seconds);
  int64_t day = days_of(at.year, at.month, at.day);
  ASSERT(field >= kDayField && field < std::size(kFields));
  if (kFields[field] == "week") day -= weekday_of(day) - 1;
  if (kFields[field] == "month") day = days_of(at.year, at.month, 1);
  if (kFields[field] == "quarter") day = days_of(at.year, (at.month - 1) / 3 * 3 + 1, 1);
  if (kFields[field] == "year") day = days_of(at.year, 1, 1);
  return day * kSecondsPerDay;
}

}  // namespace

std::string check_time_add(std::span<const ConstantText> arguments) {
  ASSERT(arguments.size() >= 2);
  // A number's text is its JSON; it has no unit, and is no duration's text.
  const bool number = arguments[1] && read_duration(std::string(*arguments[1]) + "ms").has_value();
  const std::string problem = number ? "" : check_duration(arguments, 1, false);
  return problem.empty() ? check_zone(arguments, 2) : problem;
}

std::string check_time_diff(std::span<const ConstantText> arguments) {
  return check_unit(arguments, 2);
}

std::string check_truncate_time(std::span<const ConstantText> arguments) {
  ASSERT(arguments.size() >= 2);
  if (arguments[1] && field_of(*arguments[1]) == std::size(kFields)) {
    return expectation("second, minute, hour, day, week, month, quarter or year", *arguments[1]);
  }
  return check_zone(arguments, 2);
}

std::string check_parse_duration(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  const std::string problem = check_duration(arguments, 0, true);
  return problem.empty() ? check_unit(arguments, 1) : problem;
}

bool time_add(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Instant instant;
  Duration duration;
  Zone zone;
  if (!time_argument(machine, arguments, 0, instant) || !duration_argument(machine, arguments, 1, duration) ||
      !zone_argument(machine, arguments, count, 2, zone)) {
    return false;
  }
  // Hours are added to the instant and not to local time, so they are hours across a change of clocks too.
  if (duration.months != 0 || duration.days != 0) {
    instant.seconds = zone.to_utc(later_by_calendar(instant.seconds, duration, zone));
  }
  return time_value(machine, instant_of(nanoseconds_of(instant) + duration.nanoseconds), out);
}

bool time_diff(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Instant later;
  Instant earlier;
  int64_t unit = 0;
  if (!time_argument(machine, arguments, 0, later) || !time_argument(machine, arguments, 1, earlier) ||
      !unit_argument(machine, arguments, count, 2, unit)) {
    return false;
  }
  out = quotient(nanoseconds_of(later) - nanoseconds_of(earlier), unit);
  return true;
}

bool truncate_time(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Instant instant;
  std::string_view name;
  Zone zone;
  if (!time_argument(machine, arguments, 0, instant) || !text_argument(machine, arguments, 1, name)) return false;
  const uint32_t field = field_of(name);
  if (field == std::size(kFields)) {
    return fail_value(machine, 1, "second, minute, hour, day, week, month, quarter or year", name);
  }
  if (!zone_argument(machine, arguments, count, 2, zone)) return false;
  const int64_t local = instant.seconds + zone.offset_at(instant.seconds);
  instant.nanoseconds = 0;
  if (field < kDayField) {
    const int64_t unit = kFieldSeconds[field];
    instant.seconds -= (local % unit + unit) % unit;
  } else {
    instant.seconds = zone.to_utc(beginning_of(local, field));
  }
  return time_value(machine, is_in_bounds(instant.seconds) ? std::optional(instant) : std::nullopt, out);
}

bool parse_duration(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  std::string_view text;
  int64_t unit = 0;
  if (!text_argument(machine, arguments, 0, text) || !unit_argument(machine, arguments, count, 1, unit))
    return false;
  const auto duration = read_duration(text);
  if (!duration) return fail_value(machine, 0, kDurations, text);
  if (duration->months != 0) {
    return machine.fail_argument(0, Category::kValue, "months and years have no fixed length");
  }
  const Nanoseconds days = static_cast<Nanoseconds>(duration->days) * kSecondsPerDay * kNanosecondsPerSecond;
  out = quotient(days + duration->nanoseconds, unit);
  return true;
}

bool format_duration(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  int64_t unit = 0;
  if (!unit_argument(machine, arguments, count, 1, unit)) return false;
  const auto nanoseconds = nanoseconds_of(arguments[0], unit);
  const Nanoseconds most = static_cast<Nanoseconds>(20000LL * 366 * kSecondsPerDay) * kNanosecondsPerSecond;
  if (!nanoseconds || *nanoseconds > most || *nanoseconds < -most) {
    return machine.fail_argument(0, Category::kValue, "expected a duration of at most 20000 years");
  }
  char text[kDurationBytes];
  const char* const end = write_duration(*nanoseconds, text);
  return copied_text(machine, {text, static_cast<size_t>(end - text)}, out);
}

}  // namespace colloquium::computo::ops
