// LagGuard: from which offset on a leg is near enough to the end of its stream, by the sink's `max_lag`.
//
// It asks the log once a second while the leg has something to do; the log may read files for that, so the
// question goes to the offload pool. An answer stays true: what is too far behind does not come nearer.
//
// Ownership: the log and the loop outlive the guard, which is not to be destroyed while asking(). Thread safety:
// loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/function.h"
#include "colloquium/loop.h"

#include "config/pipeline_config.h"
#include "log/log.h"

namespace colloquium::engine {

class LagGuard {
 public:
  struct Partition {
    log::StreamId stream = 0;
    int32_t number = 0;
  };

  // The size is shared evenly by the partitions.
  LagGuard(config::MaxLagConfig limit, std::vector<Partition> partitions, log::Log& log, Loop& loop,
           const Clock& clock);

  // `busy`: whether there is anything that may be behind. `looked` runs once a second, behind the answer if there
  // was something to ask for.
  void start(std::function<bool()> busy, std::function<void()> looked);
  // No question after this; `looked` runs for the one that is under way.
  void stop();
  bool asking() const { return asking_; }

  config::LagAction then() const { return limit_.then; }
  // Whether what ends at `next_offset` of the partition with that index is too far behind, by the last answer.
  bool is_behind(size_t partition, int64_t next_offset) const { return next_offset <= first_[partition]; }
  // "further behind than max_lag (time: 1h)".
  const std::string& reason() const { return reason_; }

 private:
  void look_later();
  void look();

  const config::MaxLagConfig limit_;
  const std::vector<Partition> partitions_;
  log::Log& log_;
  Loop& loop_;
  const Clock& clock_;
  std::string reason_;
  std::vector<int64_t> first_;  // per partition: what is below is too far behind
  std::function<bool()> busy_;
  std::function<void()> looked_;
  std::unique_ptr<Timer> timer_;
  bool asking_ = false;
  bool stopped_ = false;
  bool told_ = false;  // that it can't be looked; until it can again
};

}  // namespace colloquium::engine
