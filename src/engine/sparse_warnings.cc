#include "engine/sparse_warnings.h"

#include "base/logging.h"

namespace colloquium::engine {

namespace {

constexpr int64_t kQuietNs = 10'000'000'000;

}  // namespace

void SparseWarnings::warn(const std::function<std::string()>& text, std::string_view what) {
  const int64_t now_ns = clock_.monotonic_ns();
  int64_t until_ns = quiet_until_ns_.load();
  // Of two threads that come at once, one speaks and the other is counted.
  if (now_ns < until_ns || !quiet_until_ns_.compare_exchange_strong(until_ns, now_ns + kQuietNs)) {
    untold_.fetch_add(1);
    return;
  }
  std::string line = text();
  const uint64_t untold = untold_.exchange(0);
  if (untold > 0) {
    line += " (and " + std::to_string(untold) + " more " + std::string(what) + "since the last such message)";
  }
  log_warning(who_, line);
}

}  // namespace colloquium::engine
