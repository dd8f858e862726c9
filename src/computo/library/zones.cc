#include "computo/library/zones.h"

#include <cstdlib>
#include <date/tz.h>
#include <stdexcept>

#include "base/assert.h"
#include "computo/library/instants.h"

namespace colloquium::computo::ops {

namespace {

constexpr int32_t kLastYear = 2037;  // of the transitions the system writes down one by one

// A year from 2010 on that has the same days of the week. The calendar repeats so within any 28 years that
// hold no century.
int32_t equal_year(int32_t year) {
  const bool leap = std::chrono::year(year).is_leap();
  const uint32_t weekday = weekday_of(days_of(year, 1, 1));
  for (int32_t candidate = kLastYear; candidate > kLastYear - 28; --candidate) {
    if (std::chrono::year(candidate).is_leap() == leap && weekday_of(days_of(candidate, 1, 1)) == weekday) {
      return candidate;
    }
  }
  ASSERT_WHY(false, "28 years in a row hold all fourteen calendars");
  return kLastYear;
}

// How many seconds to go back to come to an equal year with written transitions, if that is needed.
int64_t way_back(const date::time_zone& zone, int64_t seconds) {
  static const int64_t kBeyond = days_of(kLastYear + 1, 1, 1) * kSecondsPerDay;
  if (seconds < kBeyond) return 0;
  const auto last = zone.get_info(date::sys_seconds(std::chrono::seconds(seconds)));
  const int64_t since = last.begin.time_since_epoch().count();
  const int64_t year_before = kBeyond - 366 * kSecondsPerDay;
  // A zone that did not change in the last year has given up changing; one with later transitions knows better.
  if (since < year_before || since >= kBeyond) return 0;
  const int32_t year = date_time_of(seconds).year;
  return (days_of(year, 1, 1) - days_of(equal_year(year), 1, 1)) * kSecondsPerDay;
}

}  // namespace

// The library throws for an unknown name, and if the system has no zones at all.
std::optional<Zone> Zone::find(std::string_view name) {
  Zone found;
  if (name == "UTC" || name == "Z") return found;
  if (!name.empty() && (name[0] == '+' || name[0] == '-')) {
    const auto offset = take_offset(name);
    if (!offset || !name.empty()) return std::nullopt;
    found.offset_ = *offset;
    return found;
  }
  try {
    found.zone_ = date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  ASSERT(found.zone_ != nullptr);
  return found;
}

int32_t Zone::offset_at(int64_t utc_seconds) const {
  if (zone_ == nullptr) return offset_;
  const int64_t known = utc_seconds - way_back(*zone_, utc_seconds);
  const auto offset = zone_->get_info(date::sys_seconds(std::chrono::seconds(known))).offset.count();
  ASSERT(std::abs(offset) < kSecondsPerDay);
  return static_cast<int32_t>(offset);
}

int64_t Zone::to_utc(int64_t local_seconds) const {
  if (zone_ == nullptr) return local_seconds - offset_;
  const int64_t known = local_seconds - way_back(*zone_, local_seconds);
  const auto info = zone_->get_info(date::local_seconds(std::chrono::seconds(known)));
  // The first of the two offsets: before the clocks are set back it gives the first of two times; before they
  // are set forward, a time that is later by the gap.
  ASSERT(std::abs(info.first.offset.count()) < kSecondsPerDay);
  return local_seconds - info.first.offset.count();
}

std::string Zone::abbreviation_at(int64_t utc_seconds) const {
  if (zone_ != nullptr) {
    const int64_t known = utc_seconds - way_back(*zone_, utc_seconds);
    return zone_->get_info(date::sys_seconds(std::chrono::seconds(known))).abbrev;
  }
  if (offset_ == 0) return "UTC";
  ASSERT(std::abs(offset_) < kSecondsPerDay);
  std::string text = offset_ < 0 ? "-" : "+";
  const int32_t minutes = std::abs(offset_) / 60;
  for (const int32_t digit : {minutes / 600, minutes / 60 % 10, minutes % 60 / 10, minutes % 10}) {
    text += static_cast<char>('0' + digit);
  }
  return text;
}

}  // namespace colloquium::computo::ops
