#include "net/token_bucket.h"

#include <catch2/catch.hpp>

namespace colloquium::net {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST_CASE("a bucket gives what it holds at once, and then as fast as it fills") {
  TokenBucket bucket(3, 6000);  // one every two seconds
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(5 * kSecond));
  CHECK_FALSE(bucket.take(5 * kSecond));
  CHECK(bucket.wait_ns(6 * kSecond) == Approx(kSecond).margin(10));
  CHECK_FALSE(bucket.take(6 * kSecond));
  CHECK(bucket.take(7 * kSecond));
  CHECK_FALSE(bucket.take(8 * kSecond));
}

TEST_CASE("a bucket holds no more than it says, however long nobody asks") {
  TokenBucket bucket(2, 1000);
  CHECK(bucket.take(0));
  for (int i = 0; i < 2; ++i) CHECK(bucket.take(100 * kSecond));
  CHECK_FALSE(bucket.take(100 * kSecond));
}

TEST_CASE("after the wait it names there is a token") {
  TokenBucket bucket(7, 60'000);
  int64_t now_ns = 12'345'678'901;
  for (int taken = 0; taken < 1000; ++taken) {
    now_ns += bucket.wait_ns(now_ns);
    REQUIRE(bucket.take(now_ns));
  }
  // 993 of them at one in 60/7 s.
  CHECK(static_cast<double>(now_ns) / kSecond == Approx(12.3 + 993 * 60 / 7.0).epsilon(0.001));
}

}  // namespace
}  // namespace colloquium::net
