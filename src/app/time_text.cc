#include "app/time_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace colloquium::app {
namespace {

// Reads a text from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // Exactly `digits` digits, as a number in [low, high].
  bool number(size_t digits, int low, int high, int& into) {
    if (text_.size() < digits) return false;
    const std::string_view part = text_.substr(0, digits);
    if (part.find_first_not_of("0123456789") != part.npos) return false;
    std::from_chars(part.data(), part.data() + digits, into);
    text_.remove_prefix(digits);
    return into >= low && into <= high;
  }
  bool character(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == any_of.npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // ".123456" as whole milliseconds; digits beyond the third are dropped.
  bool fraction_ms(int& into) {
    into = 0;
    size_t digits = 0;
    for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; text_.remove_prefix(1), ++digits) {
      if (digits < 3) into = into * 10 + (text_.front() - '0');
    }
    for (size_t i = digits; i < 3; ++i) into *= 10;
    return digits > 0;
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

// RFC 3339, appendix C.
bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

// Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, days_from_civil).
int64_t days_from_civil(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

bool read_date(Scanner& scanner, int64_t& days) {
  int year = 0, month = 0, day = 0;
  if (!scanner.number(4, 0, 9999, year) || !scanner.character("-")) return false;
  if (!scanner.number(2, 1, 12, month) || !scanner.character("-")) return false;
  if (!scanner.number(2, 1, days_in_month(year, month), day)) return false;
  days = days_from_civil(year, month, day);
  return true;
}

bool read_clock(Scanner& scanner, int64_t& ms) {
  int hour = 0, minute = 0, second = 0, fraction_ms = 0;
  if (!scanner.number(2, 0, 23, hour) || !scanner.character(":")) return false;
  if (!scanner.number(2, 0, 59, minute)) return false;
  ms = (hour * 60 + minute) * int64_t{60'000};
  // Seconds may be left out, as people do.
  if (!scanner.character(":")) return true;
  // 60 is a leap second; in milliseconds since 1970 it is the next minute's first.
  if (!scanner.number(2, 0, 60, second)) return false;
  if (scanner.character(".") && !scanner.fraction_ms(fraction_ms)) return false;
  ms = ((hour * 60 + minute) * 60 + int64_t{second}) * 1000 + fraction_ms;
  return true;
}

bool read_offset(Scanner& scanner, int64_t& ms) {
  ms = 0;
  if (scanner.character("Zz")) return true;
  const bool east = scanner.character("+");
  if (!east && !scanner.character("-")) return false;
  int hour = 0, minute = 0;
  if (!scanner.number(2, 0, 23, hour) || !scanner.character(":") || !scanner.number(2, 0, 59, minute))
    return false;
  ms = (hour * 60 + minute) * int64_t{60'000} * (east ? 1 : -1);
  return true;
}

}  // namespace

std::optional<int64_t> parse_time_ms(std::string_view text) {
  Scanner scanner(text);
  int64_t days = 0, clock_ms = 0, offset_ms = 0;
  if (!read_date(scanner, days)) return std::nullopt;
  if (!scanner.at_end()) {
    if (!scanner.character("Tt ") || !read_clock(scanner, clock_ms) || !read_offset(scanner, offset_ms)) {
      return std::nullopt;
    }
  }
  if (!scanner.at_end()) return std::nullopt;
  return days * 86'400'000 + clock_ms - offset_ms;
}

std::string format_time_ms(int64_t time_ms) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds(time_ms)};
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text.data();
}

}  // namespace colloquium::app
