#include "base/money.h"

#include <algorithm>

namespace colloquium {
namespace {

constexpr size_t kDecimals = 9;
constexpr int64_t kMostUsd = 9'000'000'000;

tl::unexpected<Error> not_money(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is no amount of US dollars: " + std::string(why));
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string usd_text(NanoUsd amount) {
  const bool negative = amount.value < 0;
  const auto nano = negative ? -static_cast<uint64_t>(amount.value) : static_cast<uint64_t>(amount.value);
  std::string fraction = std::to_string(nano % kNanoPerUsd);
  fraction.insert(0, kDecimals - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return (negative ? "-" : "") + std::to_string(nano / kNanoPerUsd) + (fraction.empty() ? "" : "." + fraction);
}

Result<NanoUsd> parse_usd(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view number = text.substr(negative ? 1 : 0);
  const size_t point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? "" : number.substr(point + 1);
  if (whole.empty() || !all_digits(whole) || !all_digits(fraction) || number.ends_with('.')) {
    return not_money(text, "write it as 12.50");
  }
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  if (fraction.size() > kDecimals) return not_money(text, "it has more than nine decimals");
  if (whole.size() > 10 || std::stoll(std::string(whole)) > kMostUsd) return not_money(text, "it is too large");
  int64_t nano = fraction.empty() ? 0 : std::stoll(std::string(fraction));
  for (size_t i = fraction.size(); i < kDecimals; ++i) nano *= 10;
  nano += std::stoll(std::string(whole)) * kNanoPerUsd;
  return NanoUsd{negative ? -nano : nano};
}

}  // namespace colloquium
