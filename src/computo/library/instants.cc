#include "computo/library/instants.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace colloquium::computo::ops {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

year_month_day calendar_day(int32_t year, uint32_t month, uint32_t day) {
  ASSERT(month <= 255 && day <= 255);
  return std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
}

// `count` digits at `at`; false if one is none.
bool digits_at(std::string_view text, size_t at, size_t count, uint32_t& out) {
  if (at + count > text.size()) return false;
  uint32_t value = 0;
  for (size_t i = at; i < at + count; ++i) {
    const auto digit = static_cast<uint32_t>(static_cast<unsigned char>(text[i])) - '0';
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  ASSERT(count <= 9);
  out = value;
  return true;
}

// ".25" as nanoseconds, taken off.
bool take_fraction(std::string_view& text, uint32_t& nanoseconds) {
  nanoseconds = 0;
  if (text.empty() || text[0] != '.') return true;
  size_t end = 1;
  uint32_t scale = static_cast<uint32_t>(kNanosecondsPerSecond);
  for (; end < text.size() && text[end] >= '0' && text[end] <= '9'; ++end) {
    scale /= 10;
    nanoseconds += scale * static_cast<uint32_t>(text[end] - '0');
  }
  ASSERT(nanoseconds < kNanosecondsPerSecond);
  text.remove_prefix(end);
  return end > 1;
}

}  // namespace

std::optional<Instant> instant_of(Nanoseconds nanoseconds) {
  Nanoseconds seconds = nanoseconds / kNanosecondsPerSecond;
  auto rest = static_cast<int64_t>(nanoseconds % kNanosecondsPerSecond);
  if (rest < 0) {
    rest += kNanosecondsPerSecond;
    --seconds;
  }
  ASSERT(rest >= 0 && rest < kNanosecondsPerSecond);
  if (seconds < kFirstSecond || seconds > kLastSecond) return std::nullopt;
  return Instant{static_cast<int64_t>(seconds), static_cast<uint32_t>(rest)};
}

Nanoseconds nanoseconds_of(const Instant& instant) {
  ASSERT(instant.nanoseconds < kNanosecondsPerSecond);
  return static_cast<Nanoseconds>(instant.seconds) * kNanosecondsPerSecond + instant.nanoseconds;
}

DateTime date_time_of(int64_t local_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(local_seconds)};
  const auto day = std::chrono::floor<days>(time);
  const year_month_day date(day);
  const auto rest = static_cast<uint32_t>((time - day).count());
  ASSERT(rest < kSecondsPerDay);
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          rest / 3600,
          rest / 60 % 60,
          rest % 60};
}

int64_t days_of(int32_t year, uint32_t month, uint32_t day) {
  ASSERT(is_date(year, month, day));
  return sys_days(calendar_day(year, month, day)).time_since_epoch().count();
}

int64_t local_seconds_of(const DateTime& at) {
  ASSERT(at.hour < 24 && at.minute < 60 && at.second < 60);
  return days_of(at.year, at.month, at.day) * kSecondsPerDay + at.hour * 3600 + at.minute * 60 + at.second;
}

bool is_date(int32_t year, uint32_t month, uint32_t day) {
  return month <= 12 && day <= 31 && calendar_day(year, month, day).ok();
}

uint32_t last_day_of(int32_t year, uint32_t month) {
  ASSERT(month >= 1 && month <= 12);
  const auto last = std::chrono::year(year) / std::chrono::month(month) / std::chrono::last;
  return static_cast<unsigned>(last.day());
}

uint32_t weekday_of(int64_t day) {
  const std::chrono::weekday weekday{sys_days(days(day))};
  ASSERT(weekday.ok());
  return weekday.iso_encoding();
}

uint32_t day_of_year(int32_t year, int64_t day) {
  const int64_t first = days_of(year, 1, 1);
  ASSERT(day >= first && day < first + 366);
  return static_cast<uint32_t>(day - first + 1);
}

// A week belongs to the year that has its Thursday.
void iso_week_of(int64_t day, int32_t& year, uint32_t& week) {
  const int64_t thursday = day - weekday_of(day) + 4;
  year = static_cast<int>(year_month_day(sys_days(days(thursday))).year());
  week = (day_of_year(year, thursday) - 1) / 7 + 1;
  ASSERT(week >= 1 && week <= 53);
}

std::optional<int32_t> take_offset(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const char sign = text[0];
  if (sign == 'Z' || sign == 'z') {
    text.remove_prefix(1);
    return 0;
  }
  uint32_t hours = 0;
  uint32_t minutes = 0;
  if ((sign != '+' && sign != '-') || !digits_at(text, 1, 2, hours)) return std::nullopt;
  size_t end = 3;
  const size_t at = text.size() > end && text[end] == ':' ? end + 1 : end;
  if (digits_at(text, at, 2, minutes)) {
    end = at + 2;
  } else if (at != end) {
    return std::nullopt;
  }
  if (hours > 23 || minutes > 59) return std::nullopt;
  ASSERT(end <= text.size());
  text.remove_prefix(end);
  const auto offset = static_cast<int32_t>(hours * 3600 + minutes * 60);
  return sign == '-' ? -offset : offset;
}

std::optional<Instant> read_instant(std::string_view text) {
  constexpr size_t kUpToSeconds = 19;  // 2024-02-29T23:59:59
  DateTime at{};
  uint32_t year = 0;
  if (!digits_at(text, 0, 4, year) || !digits_at(text, 5, 2, at.month) || !digits_at(text, 8, 2, at.day) ||
      !digits_at(text, 11, 2, at.hour) || !digits_at(text, 14, 2, at.minute) ||
      !digits_at(text, 17, 2, at.second)) {
    return std::nullopt;
  }
  ASSERT(text.size() >= kUpToSeconds && year <= 9999);
  at.year = static_cast<int32_t>(year);
  const bool separated = text[4] == '-' && text[7] == '-' && text[13] == ':' && text[16] == ':' &&
                         (text[10] == 'T' || text[10] == 't' || text[10] == ' ');
  if (!separated || at.hour > 23 || at.minute > 59 || at.second > 60) return std::nullopt;
  if (!is_date(at.year, at.month, at.day)) return std::nullopt;
  text.remove_prefix(kUpToSeconds);
  Instant instant;
  if (!take_fraction(text, instant.nanoseconds)) return std::nullopt;
  // RFC 3339 wants the colon; take_offset is more generous.
  if (text.size() > 1 && (text.size() != 6 || text[3] != ':')) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const bool leap = at.second == 60;
  if (leap) at.second = 59;
  instant.seconds = local_seconds_of(at) - *offset;
  if (leap && (instant.seconds + 1) % kSecondsPerDay != 0) return std::nullopt;
  if (leap) ++instant.seconds;
  return is_in_bounds(instant.seconds) ? std::optional(instant) : std::nullopt;
}

char* write_digits(int64_t value, int width, char* out) {
  ASSERT(value >= 0 && width <= 20);
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto size = end - digits; size < width; ++size) *out++ = '0';
  return std::copy(static_cast<const char*>(digits), end, out);
}

char* write_instant(const Instant& instant, char* out) {
  ASSERT(is_in_bounds(instant.seconds));
  const DateTime at = date_time_of(instant.seconds);
  const auto two = [&](char before, uint32_t value) {
    *out++ = before;
    *out++ = static_cast<char>('0' + value / 10);
    *out++ = static_cast<char>('0' + value % 10);
  };
  out = write_digits(at.year, 4, out);
  two('-', at.month);
  two('-', at.day);
  two('T', at.hour);
  two(':', at.minute);
  two(':', at.second);
  const uint32_t fraction = instant.nanoseconds;
  if (fraction != 0) {
    *out++ = '.';
    const bool milli = fraction % 1'000'000 == 0;
    const bool micro = fraction % 1000 == 0;
    out = milli   ? write_digits(fraction / 1'000'000, 3, out)
          : micro ? write_digits(fraction / 1000, 6, out)
                  : write_digits(fraction, 9, out);
  }
  *out++ = 'Z';
  return out;
}

}  // namespace colloquium::computo::ops
