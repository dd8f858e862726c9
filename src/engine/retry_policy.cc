#include "engine/retry_policy.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::engine {

bool RetryPolicy::exhausted(int64_t attempt) const {
  // Also with `attempts` unlimited: who chose no retries means it.
  if (kind == Kind::kNone) return true;
  return attempts != 0 && attempt >= attempts;
}

int64_t RetryPolicy::wait_ms(int64_t attempt, int64_t asked_ms, Random& random) const {
  ASSERT(attempt >= 1);
  int64_t wait = initial_ms;
  if (kind == Kind::kExponential) {
    // Stops at max_ms, so it neither overflows nor runs as often as there were attempts.
    for (int64_t i = 1; i < attempt && wait < max_ms; ++i) wait *= 2;
    wait = std::min(wait, max_ms);
    wait = static_cast<int64_t>(random.next() % (static_cast<uint64_t>(wait) + 1));
  }
  // A peer may ask for longer than we would wait, within reason: a hostile one may not stop the partition for
  // days.
  return std::max(wait, std::min(asked_ms, max_ms * 10));
}

}  // namespace colloquium::engine
