#include "engine/replay_pace.h"

#include <catch2/catch.hpp>

#include "engine/test_support.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::shared_ptr<const Batch> at_times(const std::vector<int64_t>& times_ms) {
  BatchBuilder builder;
  uint32_t delta = 0;
  for (const int64_t time_ms : times_ms) {
    builder.add("1", {}, {.key = {}, .headers = {}, .timestamp_ms = time_ms, .offset_delta = delta++});
  }
  return builder.seal(test_origin(), 0);
}

}  // namespace

TEST_CASE("a rate grants so many events a second, however it is asked", "[REQ-007]") {
  ReplayPace pace(50, 0);
  const auto batch = at_times(std::vector<int64_t>(1000, 0));
  uint64_t granted = 0;
  int64_t now_ns = 7 * kSecond;
  const int64_t end_ns = now_ns + 10 * kSecond;
  while (now_ns < end_ns) {
    int64_t wait_ms = 0;
    const size_t now = pace.grant(*batch, now_ns, wait_ms);
    granted += now;
    if (now == 0) CHECK(wait_ms >= 10);
    now_ns += (now == 0 ? wait_ms : 1) * 1'000'000;
  }
  CHECK(granted >= 495);
  CHECK(granted <= 505);
}

TEST_CASE("what a rate did not use is not made up for", "[REQ-007]") {
  ReplayPace pace(100, 0);
  const auto batch = at_times(std::vector<int64_t>(1000, 0));
  int64_t wait_ms = 0;
  CHECK(pace.grant(*batch, 0, wait_ms) == 1);
  CHECK(pace.grant(*batch, 60 * kSecond, wait_ms) == 10);
}

TEST_CASE("a rate below one a second waits for its next event", "[REQ-007]") {
  ReplayPace pace(0.5, 0);
  const auto batch = at_times({0, 0});
  int64_t wait_ms = 0;
  CHECK(pace.grant(*batch, 0, wait_ms) == 1);
  CHECK(pace.grant(*batch, kSecond, wait_ms) == 0);
  CHECK(wait_ms == 1000);
  CHECK(pace.grant(*batch, 2 * kSecond, wait_ms) == 1);
}

TEST_CASE("a speed keeps the distances of the events' own times", "[REQ-007]") {
  ReplayPace pace(0, 10);
  const auto batch = at_times({5000, 5000, 4000, 6000, 25'000});
  int64_t wait_ms = 0;
  CHECK(pace.grant(*batch, kSecond, wait_ms) == 3);
  const auto rest = batch->tail(3);
  CHECK(pace.grant(*rest, kSecond, wait_ms) == 0);
  CHECK(wait_ms == 100);
  CHECK(pace.grant(*rest, kSecond + kSecond / 10, wait_ms) == 1);
  CHECK(pace.grant(*rest->tail(1), kSecond + kSecond / 10, wait_ms) == 0);
  CHECK(wait_ms == 1000);
  CHECK(pace.grant(*rest->tail(1), 3 * kSecond, wait_ms) == 1);
}
