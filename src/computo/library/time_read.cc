#include <algorithm>

#include "base/assert.h"
#include "computo/library/time_format.h"
#include "computo/library/time_names.h"

namespace colloquium::computo::ops {

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

class TimeReader {
 public:
  TimeReader(std::string_view text, const Zone& zone) : text_(text), zone_(zone) {}

  bool read(std::string_view format) {
    while (!format.empty()) {
      if (format[0] == '%') {
        ASSERT(format.size() >= 2);
        const size_t size = format[1] == ':' ? 3 : 2;
        if (!directive(format[size - 1])) return false;
        format.remove_prefix(size);
      } else if (is_space(format[0])) {
        skip_space();
        format.remove_prefix(1);
      } else {
        if (!literal(format[0])) return false;
        format.remove_prefix(1);
      }
    }
    return true;
  }

  // What was read; nothing if text is left, or if there is no such time.
  std::optional<Instant> finish() {
    if (!text_.empty()) return std::nullopt;
    if (epoch_) return is_in_bounds(*epoch_) ? std::optional<Instant>({*epoch_, nanoseconds_}) : std::nullopt;
    if (half_ && (hour12_ < 1 || hour12_ > 12)) return std::nullopt;
    if (half_) at_.hour = hour12_ % 12 + (*half_ ? 12 : 0);
    if (at_.hour > 23 || at_.minute > 59 || at_.second > 60 || !find_date()) return std::nullopt;
    const bool leap = at_.second == 60;
    if (leap) at_.second = 59;
    const int64_t local = local_seconds_of(at_);
    int64_t seconds = offset_ ? local - *offset_ : zone_.to_utc(local);
    if (leap && (++seconds) % kSecondsPerDay != 0) return std::nullopt;
    ASSERT(nanoseconds_ < kNanosecondsPerSecond);
    return is_in_bounds(seconds) ? std::optional<Instant>({seconds, nanoseconds_}) : std::nullopt;
  }

 private:
  bool literal(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  void skip_space() {
    while (!text_.empty() && is_space(text_[0])) text_.remove_prefix(1);
  }

  // 1 to `width` digits.
  template <class T>
  bool number(size_t width, T& out) {
    size_t size = 0;
    out = 0;
    for (; size < width && size < text_.size() && text_[size] >= '0' && text_[size] <= '9'; ++size) {
      out = static_cast<T>(out * 10 + static_cast<T>(text_[size] - '0'));
    }
    ASSERT(width <= 18);
    text_.remove_prefix(size);
    return size > 0;
  }

  bool fraction() {
    const size_t before = text_.size();
    if (!number(9, nanoseconds_)) return false;
    for (size_t digits = before - text_.size(); digits < 9; ++digits) nanoseconds_ *= 10;
    ASSERT(nanoseconds_ < kNanosecondsPerSecond);
    return true;
  }

  bool starts_with(std::string_view word) const {
    return text_.size() >= word.size() && std::equal(word.begin(), word.end(), text_.begin(),
                                                     [](char a, char b) { return lower(a) == lower(b); });
  }

  // One of the names, in whole or its first letters; its index.
  template <size_t count>
  bool name(const std::string_view (&names)[count], uint32_t& out) {
    for (uint32_t i = 0; i < count; ++i) {
      for (const size_t size : {names[i].size(), kShortName}) {
        ASSERT(size <= names[i].size());
        if (!starts_with(names[i].substr(0, size))) continue;
        text_.remove_prefix(size);
        out = i;
        return true;
      }
    }
    return false;
  }

  bool half() {
    const bool evening = starts_with("PM");
    if (!evening && !starts_with("AM")) return false;
    ASSERT(text_.size() >= 2);
    half_ = evening;
    text_.remove_prefix(2);
    return true;
  }

  bool short_year() {
    int32_t year = 0;
    if (!number(2, year)) return false;
    ASSERT(year < 100);
    at_.year = year + (year < 69 ? 2000 : 1900);  // as POSIX has it
    return true;
  }

  bool zone_name() {
    for (const std::string_view universal : {"UTC", "GMT", "Z"}) {
      if (!starts_with(universal)) continue;
      ASSERT(text_.size() >= universal.size());
      text_.remove_prefix(universal.size());
      offset_ = 0;
      return true;
    }
    return false;
  }

  bool epoch() {
    int64_t seconds = 0;
    const bool negative = literal('-');
    if (!number(15, seconds)) return false;
    ASSERT(seconds >= 0);
    epoch_ = negative ? -seconds : seconds;
    return true;
  }

  bool month_name() {
    uint32_t month = 0;
    if (!name(kMonths, month)) return false;
    ASSERT(month < 12);
    at_.month = month + 1;
    return true;
  }

  bool directive(char letter) {
    uint32_t ignored = 0;
    ASSERT(letter != '\0');
    switch (letter) {
      case 'F':
        return read("%Y-%m-%d");
      case 'T':
        return read("%H:%M:%S");
      case 'R':
        return read("%H:%M");
      case 'D':
        return read("%m/%d/%y");
      case 'a':
      case 'A':
        return name(kWeekdays, ignored);
      case 'b':
      case 'B':
      case 'h':
        return month_name();
      case 'p':
        return half();
      case 'L':
      case 'f':
      case 'N':
        return fraction();
      case 'z':
        offset_ = take_offset(text_);
        return offset_.has_value();
      case 'Z':
        return zone_name();
      case 's':
        return epoch();
      case 'n':
      case 't':
        skip_space();
        return true;
      case '%':
        return literal('%');
      default:
        return digits(letter);
    }
  }

  bool digits(char letter) {
    ASSERT(letter != '%');
    switch (letter) {
      case 'Y':
        return number(4, at_.year);
      case 'y':
        return short_year();
      case 'm':
        return number(2, at_.month);
      case 'd':
        return number(2, at_.day);
      case 'e':
        skip_space();
        return number(2, at_.day);
      case 'j':
        return number(3, year_day_) && year_day_ > 0;
      case 'H':
        return number(2, at_.hour);
      case 'I':
        at_.hour = 0;
        return number(2, hour12_) && set_hour();
      case 'M':
        return number(2, at_.minute);
      default:
        return number(2, at_.second);
    }
  }

  // Without %p the hour of twelve is before noon.
  bool set_hour() {
    ASSERT(hour12_ < 100);
    at_.hour = hour12_ % 12;
    return hour12_ >= 1 && hour12_ <= 12;
  }

  bool find_date() {
    if (year_day_ == 0) return is_date(at_.year, at_.month, at_.day);
    const bool leap = std::chrono::year(at_.year).is_leap();
    if (year_day_ > (leap ? 366u : 365u)) return false;
    const DateTime day = date_time_of((days_of(at_.year, 1, 1) + year_day_ - 1) * kSecondsPerDay);
    ASSERT(day.year == at_.year);
    at_.month = day.month;
    at_.day = day.day;
    return true;
  }

  std::string_view text_;
  const Zone& zone_;
  DateTime at_{1970, 1, 1, 0, 0, 0};
  uint32_t nanoseconds_ = 0;
  uint32_t hour12_ = 0;
  uint32_t year_day_ = 0;     // 0: not said
  std::optional<bool> half_;  // true: after noon
  std::optional<int32_t> offset_;
  std::optional<int64_t> epoch_;
};

}  // namespace

std::optional<Instant> read_time(std::string_view text, std::string_view format, const Zone& zone) {
  ASSERT(format_problem(format, true).empty());
  TimeReader reader(text, zone);
  if (!reader.read(format)) return std::nullopt;
  return reader.finish();
}

}  // namespace colloquium::computo::ops
