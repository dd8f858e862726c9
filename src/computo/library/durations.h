// Durations as text: "1h30m", "-7d", "1y6mo", "250ms", and ISO 8601's "PT1H30M", "P1Y6M".
//
// Units: y, mo, w, d, h, m (or min), s, ms, us, ns; numbers may have a fraction except before y and mo. A sign
// stands in front of everything. Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "computo/library/instants.h"

namespace colloquium::computo::ops {

// The calendar's part and the clock's are kept apart: a month has no fixed length, and a day of a zone's calendar
// may have 23 hours.
struct Duration {
  int64_t months = 0;
  int64_t days = 0;
  Nanoseconds nanoseconds = 0;
};

// Nothing if it is none, or longer than 20000 years.
std::optional<Duration> read_duration(std::string_view text);

// The nanoseconds a unit has: "ns", "us", "ms", "s", "m", "h", "d", "w"; 0 if it is none of these.
int64_t unit_nanoseconds(std::string_view unit);

inline constexpr size_t kDurationBytes = 64;

// Days, hours, minutes, seconds and fractions, without those that are zero: "1d2h", "1ms500us", "0s". Returns its
// end. REQUIRES: room for kDurationBytes; no longer than 2^63 seconds.
char* write_duration(Nanoseconds nanoseconds, char* out);

}  // namespace colloquium::computo::ops
