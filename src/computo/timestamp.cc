#include "computo/timestamp.h"

#include <algorithm>
#include <chrono>

#include "base/assert.h"

namespace colloquium::computo {

namespace {

constexpr int64_t kFirstMs = -62167219200000;  // 0000-01-01T00:00:00.000Z
constexpr int64_t kLastMs = 253402300799999;   // 9999-12-31T23:59:59.999Z

char* digits(int64_t value, int count, char* out) {
  ASSERT(value >= 0);
  for (int i = count - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + count;
}

}  // namespace

void format_timestamp(int64_t timestamp_ms, char* out) {
  using std::chrono::days;
  using std::chrono::milliseconds;
  ASSERT(out != nullptr);
  const milliseconds since_epoch(std::clamp(timestamp_ms, kFirstMs, kLastMs));
  const auto day = std::chrono::floor<days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  const int64_t ms = (since_epoch - day).count();
  out = digits(static_cast<int>(date.year()), 4, out);
  *out++ = '-';
  out = digits(static_cast<unsigned>(date.month()), 2, out);
  *out++ = '-';
  out = digits(static_cast<unsigned>(date.day()), 2, out);
  *out++ = 'T';
  out = digits(ms / 3'600'000, 2, out);
  *out++ = ':';
  out = digits(ms / 60'000 % 60, 2, out);
  *out++ = ':';
  out = digits(ms / 1000 % 60, 2, out);
  *out++ = '.';
  out = digits(ms % 1000, 3, out);
  *out = 'Z';
}

}  // namespace colloquium::computo
