#include "engine/retry_policy.h"

#include <algorithm>

#include "base/assert.h"
#include "base/full_jitter.h"

namespace colloquium::engine {

bool RetryPolicy::exhausted(int64_t attempt) const {
  // Also with `attempts` unlimited: who chose no retries means it.
  if (kind == Kind::kNone) return true;
  return attempts != 0 && attempt >= attempts;
}

int64_t RetryPolicy::wait_ms(int64_t attempt, int64_t asked_ms, Random& random) const {
  ASSERT(attempt >= 1);
  const int64_t wait =
      kind == Kind::kExponential ? full_jitter_ms(initial_ms, max_ms, attempt, random) : initial_ms;
  // A peer may ask for longer than we would wait, within reason: a hostile one may not stop the partition for
  // days.
  return std::max(wait, std::min(asked_ms, max_ms * 10));
}

}  // namespace colloquium::engine
