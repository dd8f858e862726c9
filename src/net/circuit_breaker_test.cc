#include "net/circuit_breaker.h"

#include <catch2/catch.hpp>

using colloquium::net::CircuitBreaker;

namespace {
constexpr int64_t kMs = 1'000'000;
}

TEST_CASE("a breaker opens after failures in a row, and a success in between begins anew") {
  CircuitBreaker breaker(3, 100);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(breaker.try_begin(0));
    breaker.failed(0);
  }
  breaker.succeeded();
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(breaker.is_open());
    REQUIRE(breaker.try_begin(0));
    breaker.failed(5 * kMs);
  }
  CHECK(breaker.is_open());
  CHECK(breaker.next_probe_ns() == 105 * kMs);
  CHECK_FALSE(breaker.try_begin(104 * kMs));
}

TEST_CASE("half open, one call decides") {
  CircuitBreaker breaker(1, 100);
  REQUIRE(breaker.try_begin(0));
  breaker.failed(0);
  REQUIRE(breaker.try_begin(100 * kMs));
  CHECK_FALSE(breaker.try_begin(100 * kMs));
  breaker.failed(110 * kMs);
  CHECK_FALSE(breaker.try_begin(209 * kMs));
  REQUIRE(breaker.try_begin(210 * kMs));
  breaker.abandoned();
  REQUIRE(breaker.try_begin(210 * kMs));
  breaker.succeeded();
  CHECK_FALSE(breaker.is_open());
  CHECK(breaker.try_begin(210 * kMs));
  CHECK(breaker.try_begin(210 * kMs));
}

TEST_CASE("calls that were under way when it opened do not keep it open longer") {
  CircuitBreaker breaker(1, 100);
  breaker.failed(0);
  breaker.failed(60 * kMs);
  CHECK(breaker.next_probe_ns() == 100 * kMs);
}

TEST_CASE("without a number of failures it never opens") {
  CircuitBreaker breaker(0, 100);
  for (int i = 0; i < 100; ++i) breaker.failed(i);
  CHECK_FALSE(breaker.is_open());
}

TEST_CASE("a peer may say itself how long it is to be left alone") {
  CircuitBreaker breaker(0, 100);
  REQUIRE(breaker.try_begin(0));
  breaker.open_until(500 * kMs);
  breaker.open_until(400 * kMs);
  CHECK(breaker.is_open());
  CHECK_FALSE(breaker.try_begin(499 * kMs));
  REQUIRE(breaker.try_begin(500 * kMs));
  CHECK_FALSE(breaker.try_begin(500 * kMs));
  breaker.succeeded();
  CHECK_FALSE(breaker.is_open());
}
