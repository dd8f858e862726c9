// NanoUsd: an amount of money in billionths of a US dollar, the unit of every price, cost, budget and report. An
// integer, so that a million small costs add up to what one large one would be.
//
// Thread safety: a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium {

struct NanoUsd {
  int64_t value = 0;

  auto operator<=>(const NanoUsd&) const = default;
  NanoUsd& operator+=(NanoUsd other) { return value += other.value, *this; }
  NanoUsd& operator-=(NanoUsd other) { return value -= other.value, *this; }
  friend NanoUsd operator+(NanoUsd a, NanoUsd b) { return a += b; }
  friend NanoUsd operator-(NanoUsd a, NanoUsd b) { return a -= b; }
};

constexpr int64_t kNanoPerUsd = 1'000'000'000;
// A million dollars: so much that no call costs it, and so little that the sums of thousands fit.
constexpr int64_t kNanoUsdMost = 1'000'000 * kNanoPerUsd;

// For products of amounts: ten million tokens at a thousand dollars a million do not fit into 64 bits.
__extension__ using WideNano = __int128;

// "12.5", "0.000000075": US dollars, all digits that count and no others. Negative ones begin with '-'.
std::string usd_text(NanoUsd amount);

// The other way round. kInvalidInput for what is no plain decimal number, has more than nine digits behind the point
// that are not zero, or is larger than nine billion dollars.
Result<NanoUsd> parse_usd(std::string_view text);

}  // namespace colloquium
