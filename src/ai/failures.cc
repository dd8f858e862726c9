#include "ai/failures.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "net/http_date.h"

namespace colloquium {

std::optional<std::string_view> AiHead::find(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& [header, value] : headers) {
    const bool same = std::equal(header.begin(), header.end(), name.begin(), name.end(),
                                 [&](char a, char b) { return lower(a) == lower(b); });
    if (same) return value;
  }
  return std::nullopt;
}

namespace ai {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

std::optional<int64_t> whole_ms(double ms) {
  if (!(ms >= 0 && ms <= static_cast<double>(kRetryAfterMsMax))) return std::nullopt;
  return static_cast<int64_t>(std::ceil(ms));
}

// The unit at the beginning of `text`, in milliseconds, which is taken off; 0: none.
double take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  // "ms" before "m", which it begins with.
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.ms;
  }
  return 0;
}

}  // namespace

bool is_success(int status) {
  return status >= 200 && status < 300;
}

AiFailureKind failure_kind(int status) {
  switch (status) {
    case 401:
    case 403:
      return AiFailureKind::kKey;
    case 402:
      return AiFailureKind::kQuota;
    case 429:
    case 529:  // Anthropic's "overloaded"
      return AiFailureKind::kThrottled;
    case 408:
    case 409:
      return AiFailureKind::kTransient;
    default:
      return status >= 400 && status < 500 ? AiFailureKind::kCaller : AiFailureKind::kTransient;
  }
}

void obey_should_retry(const AiHead& head, AiFailure& failure) {
  const auto again = head.find("x-should-retry");
  if (again && *again == "true" && failure.kind == AiFailureKind::kCaller) failure.kind = AiFailureKind::kTransient;
  if (again && *again == "false" && failure.kind == AiFailureKind::kTransient) failure.kind = AiFailureKind::kCaller;
}

std::optional<int64_t> retry_after_ms(const AiHead& head) {
  if (const auto given = head.find("retry-after-ms")) {
    if (const auto ms = number(*given)) return whole_ms(*ms);
  }
  const auto given = head.find("retry-after");
  if (!given) return std::nullopt;
  if (const auto seconds = number(*given)) return whole_ms(*seconds * 1000);
  const auto date = head.find("date");
  const auto now_ms = date ? net::parse_http_date(*date) : std::nullopt;
  return now_ms ? net::parse_retry_after_ms(*given, *now_ms) : std::nullopt;
}

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double ms = 0;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto amount = number(text.substr(0, digits));
    text.remove_prefix(digits);
    const double unit = take_unit(text);
    if (!amount || unit == 0) return std::nullopt;
    ms += *amount * unit;
  }
  return whole_ms(ms);
}

}  // namespace ai
}  // namespace colloquium
