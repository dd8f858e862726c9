#include "base/full_jitter.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium {

int64_t full_jitter_ms(int64_t first_ms, int64_t most_ms, int64_t failures, Random& random) {
  ASSERT(failures >= 1 && first_ms >= 0 && most_ms >= 0);
  int64_t bound_ms = std::min(first_ms, most_ms);
  // Ends at the most, so it neither overflows nor runs as often as there were failures.
  for (int64_t i = 1; i < failures && bound_ms > 0 && bound_ms < most_ms; ++i) {
    bound_ms = bound_ms > most_ms / 2 ? most_ms : bound_ms * 2;
  }
  return static_cast<int64_t>(random.next() % (static_cast<uint64_t>(bound_ms) + 1));
}

}  // namespace colloquium
