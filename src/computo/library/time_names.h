// The English names of months and weekdays.
#pragma once

#include <string_view>

namespace colloquium::computo::ops {

inline constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                               "May",       "June",     "July",     "August",
                                               "September", "October",  "November", "December"};
inline constexpr std::string_view kWeekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                 "Friday", "Saturday", "Sunday"};
inline constexpr size_t kShortName = 3;

}  // namespace colloquium::computo::ops
