#include <cstdlib>

#include "base/assert.h"
#include "computo/library/time_format.h"
#include "computo/library/time_names.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kBoth = "YymdejHIpMSLfNszZaAbBhFTRDnt%";
constexpr std::string_view kWrittenOnly = "CuwGV";

class TimeWriter {
 public:
  TimeWriter(Output& output, const Instant& instant, const Zone& zone)
      : output_(output), instant_(instant), zone_(zone), offset_(zone.offset_at(instant.seconds)) {
    local_ = instant.seconds + offset_;
    at_ = date_time_of(local_);
    day_ = days_of(at_.year, at_.month, at_.day);
  }

  void write(std::string_view format) {
    while (!format.empty()) {
      const size_t plain = std::min(format.find('%'), format.size());
      output_.put(format.substr(0, plain));
      format.remove_prefix(plain);
      if (format.empty()) return;
      ASSERT(format.size() >= 2);
      const bool colon = format[1] == ':';
      directive(format[colon ? 2 : 1], colon);
      format.remove_prefix(colon ? 3 : 2);
    }
  }

 private:
  void number(int64_t value, int width, char fill = '0') {
    if (value < 0) output_.put('-');
    char digits[24];
    const char* const end = write_digits(std::abs(value), 1, digits);
    for (auto size = end - digits; size < width; ++size) output_.put(fill);
    ASSERT(end > digits);
    output_.put({digits, static_cast<size_t>(end - digits)});
  }

  void name(std::string_view whole, bool brief) {
    ASSERT(whole.size() >= kShortName);
    output_.put(brief ? whole.substr(0, kShortName) : whole);
  }

  void offset(bool colon) {
    const int32_t minutes = std::abs(offset_) / 60;
    ASSERT(minutes < 24 * 60);
    output_.put(offset_ < 0 ? '-' : '+');
    number(minutes / 60, 2);
    if (colon) output_.put(':');
    number(minutes % 60, 2);
  }

  void iso_week(char letter) {
    int32_t year = 0;
    uint32_t week = 0;
    iso_week_of(day_, year, week);
    ASSERT(letter == 'G' || letter == 'V');
    if (letter == 'G') return number(year, 4);
    number(week, 2);
  }

  void directive(char letter, bool colon) {
    ASSERT(colon ? letter == 'z' : (kBoth.find(letter) != kBoth.npos || kWrittenOnly.find(letter) != kBoth.npos));
    const uint32_t weekday = weekday_of(day_);
    switch (letter) {
      case 'F':
        return write("%Y-%m-%d");
      case 'T':
        return write("%H:%M:%S");
      case 'R':
        return write("%H:%M");
      case 'D':
        return write("%m/%d/%y");
      case 'a':
      case 'A':
        return name(kWeekdays[weekday - 1], letter == 'a');
      case 'b':
      case 'h':
      case 'B':
        return name(kMonths[at_.month - 1], letter != 'B');
      case 'u':
        return number(weekday, 1);
      case 'w':
        return number(weekday % 7, 1);
      case 'G':
      case 'V':
        return iso_week(letter);
      case 'z':
        return offset(colon);
      case 'Z':
        return output_.put(zone_.abbreviation_at(instant_.seconds));
      default:
        return clock_or_date(letter);
    }
  }

  void clock_or_date(char letter) {
    ASSERT(instant_.nanoseconds < kNanosecondsPerSecond);
    switch (letter) {
      case 'Y':
        return number(at_.year, 4);
      case 'C':
        return number(at_.year / 100, 2);
      case 'y':
        return number((at_.year % 100 + 100) % 100, 2);
      case 'm':
        return number(at_.month, 2);
      case 'd':
        return number(at_.day, 2);
      case 'e':
        return number(at_.day, 2, ' ');
      case 'j':
        return number(day_of_year(at_.year, day_), 3);
      case 'H':
        return number(at_.hour, 2);
      case 'I':
        return number((at_.hour + 11) % 12 + 1, 2);
      case 'p':
        return output_.put(at_.hour < 12 ? "AM" : "PM");
      case 'M':
        return number(at_.minute, 2);
      case 'S':
        return number(at_.second, 2);
      case 'L':
        return number(instant_.nanoseconds / 1'000'000, 3);
      case 'f':
        return number(instant_.nanoseconds / 1000, 6);
      case 'N':
        return number(instant_.nanoseconds, 9);
      case 's':
        return number(instant_.seconds, 1);
      case 'n':
        return output_.put('\n');
      case 't':
        return output_.put('\t');
      default:
        return output_.put('%');
    }
  }

  Output& output_;
  const Instant& instant_;
  const Zone& zone_;
  int32_t offset_;
  int64_t local_;
  DateTime at_;
  int64_t day_;
};

}  // namespace

std::string format_problem(std::string_view format, bool reading) {
  for (size_t at = format.find('%'); at != std::string_view::npos; at = format.find('%', at + 2)) {
    const bool colon = at + 1 < format.size() && format[at + 1] == ':';
    if (colon) ++at;
    if (at + 1 >= format.size()) return "the format ends within a directive";
    const char letter = format[at + 1];
    const bool known = colon ? letter == 'z' : kBoth.find(letter) != std::string_view::npos;
    if (known || (!colon && !reading && kWrittenOnly.find(letter) != std::string_view::npos)) continue;
    // A letter of more than one byte is not taken apart.
    const bool plain = letter >= ' ' && letter <= '~';
    return std::string("the format has an unknown directive") +
           (plain ? std::string(" \"%") + (colon ? ":" : "") + letter + "\"" : std::string());
  }
  ASSERT(kBoth.find('Y') == 0);
  return {};
}

void write_time(Output& output, std::string_view format, const Instant& instant, const Zone& zone) {
  ASSERT(format_problem(format, false).empty());
  TimeWriter(output, instant, zone).write(format);
}

}  // namespace colloquium::computo::ops
