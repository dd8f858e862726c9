#include "net/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace colloquium::net {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t kMsPerDay = 86400 * 1000;
constexpr int64_t kDelayMaxMs = kMsPerDay;

struct CivilDate {
  int64_t year;
  unsigned month;  // 1–12
  unsigned day;    // 1–31
};

// Howard Hinnant's days_from_civil and its inverse (public domain): the C library's ways are either not
// thread-safe or follow the locale and time zone.
int64_t days_from_civil(CivilDate date) {
  const int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
  const int64_t day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

CivilDate civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

// Reads exactly `text` as a number.
std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-')
    return std::nullopt;
  return value;
}

// Nothing where a part is missing or is none of a date.
struct DateParts {
  std::optional<int64_t> year, month, day, hour, minute, second;
};

std::optional<int64_t> wall_ms_of(const DateParts& parts) {
  const auto& [year, month, day, hour, minute, second] = parts;
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const CivilDate date{*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day)};
  return days_from_civil(date) * kMsPerDay + (*hour * 3600 + *minute * 60 + *second) * 1000;
}

bool has_date_shape(std::string_view text) {
  return text.size() == 29 && text.substr(3, 2) == ", " && text[7] == ' ' && text[11] == ' ' && text[16] == ' ' &&
         text[19] == ':' && text[22] == ':' && text.substr(25) == " GMT" &&
         std::find(kDays.begin(), kDays.end(), text.substr(0, 3)) != kDays.end();
}

}  // namespace

std::string format_http_date(int64_t wall_ms) {
  const int64_t seconds = wall_ms >= 0 ? wall_ms / 1000 : 0;
  const int64_t days = seconds / 86400;
  const int64_t rest = seconds % 86400;
  const CivilDate date = civil_from_days(days);
  std::array<char, 64> text;
  const int length =
      std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                    kDays[static_cast<size_t>((days + 4) % 7)].data(), date.day, kMonths[date.month - 1].data(),
                    static_cast<int>(date.year), static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60),
                    static_cast<int>(rest % 60));
  return {text.data(), static_cast<size_t>(length)};
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  if (!has_date_shape(text)) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return wall_ms_of({number(text.substr(12, 4)), month - kMonths.begin() + 1, number(text.substr(5, 2)),
                     number(text.substr(17, 2)), number(text.substr(20, 2)), number(text.substr(23, 2))});
}

std::string format_basic_date(int64_t wall_ms) {
  const int64_t seconds = wall_ms >= 0 ? wall_ms / 1000 : 0;
  const int64_t rest = seconds % 86400;
  const CivilDate date = civil_from_days(seconds / 86400);
  std::array<char, 64> text;
  const int length = std::snprintf(
      text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year), date.month, date.day,
      static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return {text.data(), static_cast<size_t>(length)};
}

std::optional<int64_t> parse_basic_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return wall_ms_of({number(text.substr(0, 4)), number(text.substr(4, 2)), number(text.substr(6, 2)),
                     number(text.substr(9, 2)), number(text.substr(11, 2)), number(text.substr(13, 2))});
}

std::optional<int64_t> parse_retry_after_ms(std::string_view value, int64_t now_wall_ms) {
  if (const auto seconds = number(value)) return std::min(*seconds, kDelayMaxMs / 1000) * 1000;
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  return std::clamp<int64_t>(*date - now_wall_ms, 0, kDelayMaxMs);
}

}  // namespace colloquium::net
