// Times as text by a format in the notation of strftime and strptime, in English whatever the locale.
//
// Both: %Y %y year, %m month, %d %e day, %j day of the year, %H %I hour (of 24, of 12), %p AM or PM, %M minute,
// %S second, %L %f %N fraction (milli-, micro-, nanoseconds), %s seconds since 1970, %z %:z offset, %Z zone,
// %a %A weekday, %b %B %h month's name, %F = %Y-%m-%d, %T = %H:%M:%S, %R = %H:%M, %D = %m/%d/%y, %n %t white
// space,
// %% a per cent sign. Written only: %C century, %u %w weekday (Monday 1, Sunday 0), %G %V year and week of ISO
// 8601. Thread safety: functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "computo/library/instants.h"
#include "computo/library/zones.h"
#include "computo/output.h"

namespace colloquium::computo::ops {

// What is wrong with a format, or an empty text.
std::string format_problem(std::string_view format, bool reading);

// Appends. REQUIRES: nothing is wrong with the format.
void write_time(Output& output, std::string_view format, const Instant& instant, const Zone& zone);

// The instant that a text says; `zone` is that of texts that say none. What is not said is that of
// 1970-01-01T00:00:00. White space in the format stands for any amount of it, also none; letters of names may be
// of either case; a fraction has 1 to 9 digits; %Z is UTC, GMT or Z; a weekday is read and not checked.
// REQUIRES: nothing is wrong with the format.
std::optional<Instant> read_time(std::string_view text, std::string_view format, const Zone& zone);

}  // namespace colloquium::computo::ops
