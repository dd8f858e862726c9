#include "engine/dead_letter_tally.h"

#include "base/logging.h"

namespace colloquium::engine {

namespace {

constexpr int64_t kQuietNs = 10'000'000'000;

}  // namespace

void DeadLetterTally::add(const Error& error, const std::function<std::string()>& event, std::string_view to) {
  counts_.add(error.code);
  if (!to.empty()) forwarded_.fetch_add(1);
  const int64_t now_ns = clock_.monotonic_ns();
  int64_t until_ns = quiet_until_ns_.load();
  // Of two workers that come at once, one speaks and the other is counted.
  if (now_ns < until_ns || !quiet_until_ns_.compare_exchange_strong(until_ns, now_ns + kQuietNs)) {
    untold_.fetch_add(1);
    return;
  }
  const std::string where = to.empty() ? std::string("the dead letters") : "pipeline '" + std::string(to) + "'";
  std::string text = "event " + event() + " went to " + where + ": " + error.describe();
  const uint64_t untold = untold_.exchange(0);
  if (untold > 0) text += " (and " + std::to_string(untold) + " more since the last such message)";
  log_warning(who_, text);
}

}  // namespace colloquium::engine
