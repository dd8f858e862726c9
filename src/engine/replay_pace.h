// ReplayPace: when the next events of a replay may go: so many a second, or as they came, faster or slower.
//
// One for all partitions of a replay. A sink that is slower than the pace is not caught up with by a burst: what a
// rate did not use is gone after a tenth of a second. With a speed the event that is asked for first sets the
// clock, and an event that is older than one before it goes at once.
//
// Thread safety: grant() on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "colloquium/batch.h"

namespace colloquium::engine {

class ReplayPace {
 public:
  // Exactly one is above 0: events a second, or how many times as fast as the events' own times.
  ReplayPace(double events_per_second, double speed);

  // How many of the events of `batch` may go now. If none, `wait_ms` says when to ask again.
  size_t grant(const Batch& batch, int64_t now_ns, int64_t& wait_ms);

 private:
  size_t grant_by_rate(size_t wanted, int64_t now_ns, int64_t& wait_ms);
  size_t grant_by_time(const Batch& batch, int64_t now_ns, int64_t& wait_ms);

  const double events_per_second_;
  const double speed_;
  // Guards what follows.
  std::mutex mutex_;
  double allowance_ = 1;            // events
  std::optional<int64_t> last_ns_;  // when it was last filled up
  std::optional<int64_t> start_ns_;
  int64_t start_time_ms_ = 0;  // the own time of the event that went at start_ns_
};

}  // namespace colloquium::engine
