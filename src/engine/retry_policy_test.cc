#include "engine/retry_policy.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/manual_clock.h"

using namespace colloquium;
using engine::RetryPolicy;

TEST_CASE("exponential waits are anything up to a bound that doubles and stops at the maximum", "[REQ-022]") {
  SeededRandom random(7);
  const RetryPolicy policy{
      .kind = RetryPolicy::Kind::kExponential, .initial_ms = 200, .max_ms = 3000, .attempts = 8};
  int64_t nominal = 200;
  for (int64_t attempt = 1; attempt <= 10; ++attempt) {
    int64_t lowest = nominal;
    int64_t highest = 0;
    int64_t sum = 0;
    constexpr int kDraws = 2000;
    for (int draw = 0; draw < kDraws; ++draw) {
      const int64_t wait = policy.wait_ms(attempt, 0, random);
      REQUIRE(wait >= 0);
      REQUIRE(wait <= nominal);
      lowest = std::min(lowest, wait);
      highest = std::max(highest, wait);
      sum += wait;
    }
    // Even over all of it.
    CHECK(lowest < nominal / 20);
    CHECK(highest > nominal - nominal / 20);
    CHECK(std::abs(sum / kDraws - nominal / 2) < nominal / 20);
    nominal = std::min<int64_t>(nominal * 2, 3000);
  }
}

TEST_CASE("jitter really varies") {
  SeededRandom random(7);
  const RetryPolicy policy;
  const int64_t first = policy.wait_ms(5, 0, random);
  bool differs = false;
  for (int i = 0; i < 20; ++i) differs = differs || policy.wait_ms(5, 0, random) != first;
  CHECK(differs);
}

TEST_CASE("a fixed policy waits the same each time", "[REQ-022]") {
  SeededRandom random(1);
  const RetryPolicy policy{.kind = RetryPolicy::Kind::kFixed, .initial_ms = 250, .max_ms = 1000, .attempts = 3};
  CHECK(policy.wait_ms(1, 0, random) == 250);
  CHECK(policy.wait_ms(9, 0, random) == 250);
}

TEST_CASE("what the peer asked for is honoured up to ten times the maximum") {
  SeededRandom random(1);
  const RetryPolicy policy{.kind = RetryPolicy::Kind::kFixed, .initial_ms = 250, .max_ms = 1000, .attempts = 3};
  CHECK(policy.wait_ms(1, 5000, random) == 5000);
  CHECK(policy.wait_ms(1, 3'600'000, random) == 10'000);
  const RetryPolicy exponential{.kind = RetryPolicy::Kind::kExponential, .initial_ms = 250, .max_ms = 1000};
  for (int draw = 0; draw < 50; ++draw) CHECK(exponential.wait_ms(9, 400, random) >= 400);
}

TEST_CASE("attempts count the first one; none gives up at once; zero never") {
  CHECK_FALSE(RetryPolicy{.attempts = 3}.exhausted(2));
  CHECK(RetryPolicy{.attempts = 3}.exhausted(3));
  CHECK(RetryPolicy{.kind = RetryPolicy::Kind::kNone}.exhausted(1));
  CHECK_FALSE(RetryPolicy{.attempts = 0}.exhausted(1'000'000));
}
