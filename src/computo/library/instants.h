// Instant: a point in time to the nanosecond, in the years 0000 to 9999 of UTC; dates of the Gregorian calendar,
// also before it was made. Its text is RFC 3339.
//
// A leap second is read only where there can be one, at 23:59:60 UTC, and is the second after it; none is ever
// written. Thread safety: functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace colloquium::computo::ops {

// Wide enough for any time, and for the sum of a time and a duration.
__extension__ using Nanoseconds = __int128;

inline constexpr int64_t kSecondsPerDay = 86400;
inline constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
inline constexpr int64_t kFirstSecond = -62167219200;  // 0000-01-01T00:00:00Z
inline constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

struct Instant {
  int64_t seconds = 0;       // since 1970-01-01T00:00:00Z
  uint32_t nanoseconds = 0;  // below 1e9

  friend bool operator==(const Instant&, const Instant&) = default;
};

inline bool is_in_bounds(int64_t seconds) {
  return seconds >= kFirstSecond && seconds <= kLastSecond;
}

// The instant of a number of nanoseconds since 1970; nothing outside the bounds.
std::optional<Instant> instant_of(Nanoseconds nanoseconds);
Nanoseconds nanoseconds_of(const Instant& instant);

// A calendar's reading of seconds that count local time.
struct DateTime {
  int32_t year;
  uint32_t month;  // from 1
  uint32_t day;    // from 1
  uint32_t hour;
  uint32_t minute;
  uint32_t second;
};
DateTime date_time_of(int64_t local_seconds);

// REQUIRES: the date exists, here and below.
int64_t days_of(int32_t year, uint32_t month, uint32_t day);
int64_t local_seconds_of(const DateTime& date_time);

bool is_date(int32_t year, uint32_t month, uint32_t day);
uint32_t last_day_of(int32_t year, uint32_t month);
uint32_t weekday_of(int64_t days);                 // Monday 1 to Sunday 7
uint32_t day_of_year(int32_t year, int64_t days);  // from 1
void iso_week_of(int64_t days, int32_t& year, uint32_t& week);

// The instant of an RFC 3339 text; a space may stand for the T, and the letters may be small. Digits of the
// fraction beyond nanoseconds are dropped. Nothing if it is none, or out of bounds.
std::optional<Instant> read_instant(std::string_view text);

// Reads "Z", "+02:00", "+0200" or "+02" at the beginning and takes it off; seconds east of UTC.
std::optional<int32_t> take_offset(std::string_view& text);

inline constexpr size_t kInstantBytes = 30;

// Writes RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction, as many as are needed; returns its end.
// REQUIRES: room for kInstantBytes.
char* write_instant(const Instant& instant, char* out);

// Writes `value` with at least `width` digits. REQUIRES: it is not negative; room for 20.
char* write_digits(int64_t value, int width, char* out);

}  // namespace colloquium::computo::ops
