#include "base/counters.h"

#include <algorithm>

namespace colloquium {

void Histogram::observe_ns(int64_t duration_ns) {
  const int64_t ns = std::max<int64_t>(duration_ns, 0);
  const double seconds = static_cast<double>(ns) / 1e9;
  // Bounds are inclusive, as Prometheus has them ("le").
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  buckets_[static_cast<size_t>(bound - kBounds.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<uint64_t>(ns), std::memory_order_relaxed);
}

// Summed when asked, so that observe_ns writes two words and not three.
uint64_t Histogram::count() const {
  uint64_t count = 0;
  for (size_t i = 0; i < kBuckets; ++i) count += bucket(i);
  return count;
}

uint64_t ErrorCounters::total() const {
  uint64_t total = 0;
  for (const Counter& counter : counts_) total += counter.value();
  return total;
}

}  // namespace colloquium
