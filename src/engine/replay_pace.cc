#include "engine/replay_pace.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

// Nobody is woken more often: at a high rate several events go together.
constexpr int64_t kWaitMs = 10;
constexpr int64_t kLongestWaitMs = 1000;
constexpr double kBurstSeconds = 0.1;

}  // namespace

ReplayPace::ReplayPace(double events_per_second, double speed)
    : events_per_second_(events_per_second), speed_(speed) {
  ASSERT((events_per_second > 0) != (speed > 0));
}

size_t ReplayPace::grant(const Batch& batch, int64_t now_ns, int64_t& wait_ms) {
  ASSERT(!batch.empty());
  const std::lock_guard lock(mutex_);
  return speed_ > 0 ? grant_by_time(batch, now_ns, wait_ms) : grant_by_rate(batch.size(), now_ns, wait_ms);
}

size_t ReplayPace::grant_by_rate(size_t wanted, int64_t now_ns, int64_t& wait_ms) {
  const double passed_s = last_ns_ ? static_cast<double>(now_ns - *last_ns_) / 1e9 : 0;
  last_ns_ = now_ns;
  const double burst = std::max(1.0, events_per_second_ * kBurstSeconds);
  allowance_ = std::min(burst, allowance_ + passed_s * events_per_second_);
  const size_t granted = std::min(wanted, static_cast<size_t>(allowance_));
  allowance_ -= static_cast<double>(granted);
  const double until_next_ms = (1 - allowance_) / events_per_second_ * 1000;
  if (granted == 0) wait_ms = std::clamp(static_cast<int64_t>(std::ceil(until_next_ms)), kWaitMs, kLongestWaitMs);
  return granted;
}

size_t ReplayPace::grant_by_time(const Batch& batch, int64_t now_ns, int64_t& wait_ms) {
  if (!start_ns_) {
    start_ns_ = now_ns;
    start_time_ms_ = batch.entry(0).timestamp_ms;
  }
  const double passed_ms = static_cast<double>(now_ns - *start_ns_) / 1e6;
  const auto due_ms = [&](size_t i) {
    return static_cast<double>(batch.entry(i).timestamp_ms - start_time_ms_) / speed_;
  };
  size_t granted = 0;
  while (granted < batch.size() && due_ms(granted) <= passed_ms) ++granted;
  // Asked again within a second at the latest, however long the gap: a wait fits any clock.
  if (granted == 0) {
    const double left_ms = std::min(due_ms(0) - passed_ms, static_cast<double>(kLongestWaitMs));
    wait_ms = std::max(static_cast<int64_t>(std::ceil(left_ms)), kWaitMs);
  }
  return granted;
}

}  // namespace colloquium::engine
