// Dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7); and as signatures of
// requests do: "19941106T084937Z" (ISO 8601, basic format).
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace colloquium::net {

std::string format_http_date(int64_t wall_ms);

// Milliseconds since 1970, or nothing. Only the form every sender since 1995 has to use is read.
std::optional<int64_t> parse_http_date(std::string_view text);

// The same in ISO 8601's basic format, always in UTC.
std::string format_basic_date(int64_t wall_ms);
std::optional<int64_t> parse_basic_date(std::string_view text);

// A Retry-After value (RFC 9110 10.2.3), in seconds or as a date, as a delay from `now_wall_ms`. A date in
// the past is 0; what is neither is nothing. Never more than a day, so that a wrong clock at the peer cannot
// stop a sink for good.
std::optional<int64_t> parse_retry_after_ms(std::string_view value, int64_t now_wall_ms);

}  // namespace colloquium::net
