// How long to wait before trying again what failed, where many may have failed at once.
//
// Anything between none and a bound that doubles with each failure, so that who failed together does not come back
// together (Brooker, "Exponential Backoff and Jitter").
// Thread safety: a function; it draws from the Random it is given.
#pragma once

#include <cstdint>

#include "colloquium/clock.h"

namespace colloquium {

// After the `failures`th in a row: the bound is `first_ms` after the first, and never above `most_ms`.
// REQUIRES: failures >= 1, neither negative.
int64_t full_jitter_ms(int64_t first_ms, int64_t most_ms, int64_t failures, Random& random);

}  // namespace colloquium
