// RetryPolicy: how long to wait before the nth attempt, and when to give up.
//
// Exponential waits have full jitter (base/full_jitter.h).
// Thread safety: value; wait_ms draws from the Random it is given.
#pragma once

#include <cstdint>

#include "colloquium/clock.h"

namespace colloquium::engine {

struct RetryPolicy {
  enum class Kind { kNone, kFixed, kExponential };
  Kind kind = Kind::kExponential;
  int64_t initial_ms = 200;
  int64_t max_ms = 30'000;
  int64_t attempts = 8;  // in all, the first included; 0: without end
  int64_t age_ms = 0;    // since the first attempt began; 0: without end

  // True if an event that failed `attempt` times (from 1) is not to be tried again.
  bool exhausted(int64_t attempt) const;

  // Milliseconds before the attempt that follows the `attempt`th failure. Never less than `asked_ms`, what
  // the peer asked for, up to ten times max_ms.
  int64_t wait_ms(int64_t attempt, int64_t asked_ms, Random& random) const;
};

}  // namespace colloquium::engine
