#include "engine/lag_guard.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::engine {

namespace {

constexpr int64_t kLookMs = 1000;

std::string describe(const config::MaxLagConfig& limit) {
  std::string text = "further behind than max_lag (";
  if (limit.size) text += "size: " + config::show_size(*limit.size);
  if (limit.size && limit.time) text += ", ";
  if (limit.time) text += "time: " + config::show_duration(*limit.time);
  return text + ")";
}

}  // namespace

LagGuard::LagGuard(config::MaxLagConfig limit, std::vector<Partition> partitions, log::Log& log, Loop& loop,
                   const Clock& clock)
    : limit_(limit),
      partitions_(std::move(partitions)),
      log_(log),
      loop_(loop),
      clock_(clock),
      reason_(describe(limit)),
      first_(partitions_.size(), 0) {
  ASSERT(!partitions_.empty() && (limit_.size || limit_.time));
}

void LagGuard::start(std::function<bool()> busy, std::function<void()> looked) {
  LOOP_ASSERT(loop_);
  ASSERT(!looked_);
  busy_ = std::move(busy);
  looked_ = std::move(looked);
  look_later();
}

void LagGuard::stop() {
  stopped_ = true;
  timer_ = nullptr;
}

void LagGuard::look_later() {
  if (stopped_) return;
  timer_ = loop_.start_timer(kLookMs, [this] { look(); });
}

void LagGuard::look() {
  if (!busy_()) {
    look_later();
    return looked_();
  }
  log::LagLimit limit;
  if (limit_.size) limit.bytes = static_cast<uint64_t>(limit_.size->bytes) / partitions_.size();
  if (limit_.time) limit.since_ms = clock_.wall_ms() - limit_.time->ms;
  auto found = std::make_shared<std::vector<Result<int64_t>>>();
  auto ask = [&log = log_, partitions = partitions_, limit, found] {
    for (const Partition& partition : partitions) {
      found->push_back(log.first_within(partition.stream, partition.number, limit));
    }
  };
  auto answered = [this, found] {
    asking_ = false;
    std::string failed;
    for (size_t i = 0; i < first_.size(); ++i) {
      const Result<int64_t>& first = (*found)[i];
      // Whoever reads there is told the same, and does not get by.
      if (!first) failed = first.error().describe();
      if (first) first_[i] = std::max(first_[i], *first);
    }
    if (!failed.empty() && !told_) log_warning("max_lag", "how far a sink is behind can't be told: " + failed);
    told_ = !failed.empty();
    look_later();
    looked_();
  };
  // A pool that is full answers none; then the next look does.
  asking_ = loop_.offload(std::move(ask), std::move(answered));
  if (!asking_) look_later();
}

}  // namespace colloquium::engine
