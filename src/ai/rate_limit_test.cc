#include "ai/rate_limit.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace colloquium::ai;

namespace {
constexpr int64_t kSecondNs = 1'000'000'000;
}

TEST_CASE("requests go in a burst and then at their rate", "[REQ-061][REQ-065]") {
  RateLimit limit({.requests = 60, .request_burst = 3});
  for (int i = 0; i < 3; ++i) CHECK(limit.try_begin(0, 0));
  CHECK_FALSE(limit.try_begin(0, 0));
  CHECK(limit.wait_ns(0, 0) == kSecondNs);
  CHECK_FALSE(limit.try_begin(0, kSecondNs - 2000));
  CHECK(limit.try_begin(0, kSecondNs));
  CHECK_FALSE(limit.try_begin(0, kSecondNs));
}

TEST_CASE("a request that lacks tokens takes no request either", "[REQ-061]") {
  RateLimit limit({.requests = 2, .tokens = 100});
  CHECK(limit.try_begin(90, 0));
  CHECK_FALSE(limit.try_begin(20, 0));
  CHECK(limit.try_begin(10, 0));
  CHECK_FALSE(limit.try_begin(0, 0));
}

TEST_CASE("what an estimate was wrong by is given back or owed", "[REQ-061]") {
  RateLimit limit({.tokens = 60});
  CHECK(limit.try_begin(60, 0));
  limit.settle(60, 20);
  CHECK(limit.try_begin(40, 0));
  limit.settle(40, 100);
  // 60 are owed, at one a second.
  CHECK(limit.wait_ns(0, 0) == 60 * kSecondNs);
  CHECK(limit.wait_ns(1, 0) == 61 * kSecondNs);
  limit.settle(5, 0);
  CHECK(limit.wait_ns(1, 0) == 56 * kSecondNs);
}

TEST_CASE("a call of more tokens than there can be goes when the bucket is full") {
  RateLimit limit({.tokens = 60});
  CHECK(limit.try_begin(1, 0));
  CHECK_FALSE(limit.try_begin(1000, 0));
  CHECK(limit.wait_ns(1000, 0) == kSecondNs);
  CHECK(limit.try_begin(1000, kSecondNs));
  CHECK(limit.wait_ns(1, kSecondNs) == 941 * kSecondNs);
}

TEST_CASE("nothing begins before the provider's own time") {
  RateLimit limit({});
  CHECK(limit.try_begin(1'000'000, 0));
  limit.hold_until(5 * kSecondNs);
  limit.hold_until(2 * kSecondNs);
  CHECK_FALSE(limit.try_begin(0, 4 * kSecondNs));
  CHECK(limit.wait_ns(0, 4 * kSecondNs) == kSecondNs);
  CHECK(limit.try_begin(0, 5 * kSecondNs));
}

TEST_CASE("whatever is estimated, the rate holds in the long run", "[REQ-061]") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    constexpr int64_t kPerMinute = 6000;
    constexpr int64_t kBurst = 500;
    constexpr int64_t kMost = 400;
    RateLimit limit({.tokens = kPerMinute, .token_burst = kBurst});
    int64_t now_ns = 0;
    int64_t took = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto estimated = static_cast<int64_t>(random() % kMost);
      now_ns += limit.wait_ns(estimated, now_ns);
      REQUIRE(limit.try_begin(estimated, now_ns));
      const auto real = static_cast<int64_t>(random() % kMost);
      limit.settle(estimated, real);
      took += real;
      const int64_t allowed = kBurst + kMost + now_ns / kSecondNs * kPerMinute / 60 + kPerMinute / 60;
      REQUIRE(took <= allowed);
    }
  }
}
