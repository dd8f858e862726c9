// Points in time as people give them on the command line: RFC 3339, "2026-03-01T12:00:00Z", the same without
// seconds, or a date alone.
//
// Thread safety: pure functions. Source: RFC 3339, section 5.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace colloquium::app {

// Milliseconds since 1970; nothing if it is no such text. A date alone is its midnight, UTC; a time needs its
// offset ("Z", "+02:00"), because a guess would silently choose other events.
std::optional<int64_t> parse_time_ms(std::string_view text);

// The other way round, UTC, with milliseconds: "2026-03-01T12:00:00.000Z".
std::string format_time_ms(int64_t time_ms);

}  // namespace colloquium::app
