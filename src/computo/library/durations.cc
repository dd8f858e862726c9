#include "computo/library/durations.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::computo::ops {

namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;  // 0: of months
  int64_t months;
};

// Longer names first where one begins another.
constexpr Unit kUnits[] = {
    {"mo", 0, 1},
    {"min", 60 * kNanosecondsPerSecond, 0},
    {"ms", 1'000'000, 0},
    {"us", 1000, 0},
    {"ns", 1, 0},
    {"y", 0, 12},
    {"w", 7 * kSecondsPerDay* kNanosecondsPerSecond, 0},
    {"d", kSecondsPerDay* kNanosecondsPerSecond, 0},
    {"h", 3600 * kNanosecondsPerSecond, 0},
    {"m", 60 * kNanosecondsPerSecond, 0},
    {"s", kNanosecondsPerSecond, 0},
};
constexpr Unit kIsoDateUnits[] = {{"Y", 0, 12},
                                  {"M", 0, 1},
                                  {"W", 7 * kSecondsPerDay* kNanosecondsPerSecond, 0},
                                  {"D", kSecondsPerDay* kNanosecondsPerSecond, 0}};
constexpr Unit kIsoTimeUnits[] = {
    {"H", 3600 * kNanosecondsPerSecond, 0}, {"M", 60 * kNanosecondsPerSecond, 0}, {"S", kNanosecondsPerSecond, 0}};

// Of each part and of their sum; twice the years there are.
constexpr int64_t kMostMonths = 20000 * 12;
constexpr Nanoseconds kMostNanoseconds =
    static_cast<Nanoseconds>(20000LL * 366 * kSecondsPerDay) * kNanosecondsPerSecond;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A number with an optional fraction: `whole` + `fraction` / `scale`.
struct Amount {
  int64_t whole = 0;
  int64_t fraction = 0;
  int64_t scale = 1;
};

bool take_amount(std::string_view& text, Amount& out) {
  constexpr size_t kMostDigits = 18;
  size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at == kMostDigits) return false;
    out.whole = out.whole * 10 + (text[at] - '0');
  }
  if (at == 0) return false;
  if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
    for (++at; at < text.size() && is_digit(text[at]); ++at) {
      if (out.scale == kNanosecondsPerSecond) continue;  // finer than any unit can tell
      out.fraction = out.fraction * 10 + (text[at] - '0');
      out.scale *= 10;
    }
  }
  ASSERT(out.fraction < out.scale);
  text.remove_prefix(at);
  return true;
}

const Unit* take_unit(std::string_view& text, const Unit* begin, const Unit* end) {
  ASSERT(begin < end);
  const Unit* const unit =
      std::find_if(begin, end, [&](const Unit& candidate) { return text.starts_with(candidate.name); });
  if (unit == end) return nullptr;
  text.remove_prefix(unit->name.size());
  return unit;
}

bool add(const Amount& amount, const Unit& unit, Duration& out) {
  if (unit.months != 0) {
    if (amount.scale != 1 || amount.whole > kMostMonths) return false;
    out.months += amount.whole * unit.months;
    return out.months <= kMostMonths;
  }
  ASSERT(unit.nanoseconds > 0);
  // Whole days are the calendar's; half a day is twelve hours.
  const int64_t day = kSecondsPerDay * kNanosecondsPerSecond;
  const int64_t days = unit.nanoseconds >= day ? unit.nanoseconds / day : 0;
  const auto whole = static_cast<Nanoseconds>(amount.whole) * unit.nanoseconds;
  if (whole > kMostNanoseconds) return false;
  out.days += days * amount.whole;
  if (days == 0) out.nanoseconds += whole;
  out.nanoseconds += static_cast<Nanoseconds>(amount.fraction) * unit.nanoseconds / amount.scale;
  return out.nanoseconds <= kMostNanoseconds && out.days <= static_cast<int64_t>(kMostNanoseconds / day);
}

bool read_units(std::string_view text, Duration& out) {
  bool any = false;
  for (; !text.empty(); any = true) {
    Amount amount;
    if (!take_amount(text, amount)) return false;
    const Unit* const unit = take_unit(text, std::begin(kUnits), std::end(kUnits));
    if (unit == nullptr || !add(amount, *unit, out)) return false;
  }
  ASSERT(out.months >= 0 && out.days >= 0);
  return any;
}

// Behind the P: units of the date, then T and units of the time, each in the standard's order.
bool read_iso(std::string_view text, Duration& out) {
  const Unit* next = std::begin(kIsoDateUnits);
  const Unit* end = std::end(kIsoDateUnits);
  bool any = false;
  while (!text.empty()) {
    if (text[0] == 'T') {
      if (end == std::end(kIsoTimeUnits)) return false;
      next = std::begin(kIsoTimeUnits);
      end = std::end(kIsoTimeUnits);
      text.remove_prefix(1);
      any = false;  // a T is followed by something
      continue;
    }
    Amount amount;
    if (next == end || !take_amount(text, amount)) return false;
    const Unit* const unit = take_unit(text, next, end);
    if (unit == nullptr || !add(amount, *unit, out)) return false;
    next = unit + 1;
    any = true;
  }
  ASSERT(out.months >= 0 && out.days >= 0);
  return any;
}

}  // namespace

std::optional<Duration> read_duration(std::string_view text) {
  Duration out;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  const bool iso = !text.empty() && text[0] == 'P';
  if (iso ? !read_iso(text.substr(1), out) : !read_units(text, out)) return std::nullopt;
  ASSERT(out.nanoseconds >= 0);
  if (negative) out = {-out.months, -out.days, -out.nanoseconds};
  return out;
}

int64_t unit_nanoseconds(std::string_view unit) {
  const Unit* const found =
      std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == unit; });
  ASSERT(!std::empty(kUnits));
  return found == std::end(kUnits) ? 0 : found->nanoseconds;
}

char* write_duration(Nanoseconds nanoseconds, char* out) {
  if (nanoseconds < 0) *out++ = '-';
  const char* const begin = out;
  Nanoseconds left = nanoseconds < 0 ? -nanoseconds : nanoseconds;
  for (const std::string_view name : {"d", "h", "m", "s", "ms", "us", "ns"}) {
    const int64_t unit = unit_nanoseconds(name);
    const auto amount = static_cast<int64_t>(left / unit);
    left %= unit;
    if (amount == 0) continue;
    out = write_digits(amount, 1, out);
    out = std::copy(name.begin(), name.end(), out);
  }
  ASSERT(left == 0);
  if (out == begin) out = std::copy_n("0s", 2, out);
  return out;
}

}  // namespace colloquium::computo::ops
