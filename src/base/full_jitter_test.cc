#include "base/full_jitter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>

#include "base/manual_clock.h"

using namespace colloquium;

TEST_CASE("waits are anything up to a bound that doubles and stops at the most", "[REQ-022]") {
  SeededRandom random(7);
  int64_t bound = 200;
  for (int64_t failures = 1; failures <= 10; ++failures) {
    int64_t lowest = bound;
    int64_t highest = 0;
    int64_t sum = 0;
    constexpr int kDraws = 2000;
    for (int draw = 0; draw < kDraws; ++draw) {
      const int64_t wait = full_jitter_ms(200, 3000, failures, random);
      REQUIRE(wait >= 0);
      REQUIRE(wait <= bound);
      lowest = std::min(lowest, wait);
      highest = std::max(highest, wait);
      sum += wait;
    }
    // Even over all of it.
    CHECK(lowest < bound / 20);
    CHECK(highest > bound - bound / 20);
    CHECK(std::abs(sum / kDraws - bound / 2) < bound / 20);
    bound = std::min<int64_t>(bound * 2, 3000);
  }
}

TEST_CASE("no number of failures and no bound is too large for a wait") {
  SeededRandom random(7);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (const int64_t failures : {int64_t{64}, int64_t{1'000'000'000}}) {
    CHECK(full_jitter_ms(1, 30'000, failures, random) <= 30'000);
    CHECK(full_jitter_ms(1, kMost, failures, random) >= 0);
    CHECK(full_jitter_ms(0, 30'000, failures, random) == 0);
  }
  CHECK(full_jitter_ms(500, 20, 1, random) <= 20);
}
