// Whether the door takes more, and who is told when it does.
#include "base/assert.h"
#include "engine/door.h"
#include "engine/feed.h"
#include "log/log.h"

namespace colloquium::engine {

bool SourceIntake::ready() const {
  LOOP_ASSERT(loop_);
  if (root().paused_ || root().bytes_under_way_.load() >= options_.under_way_bytes) return false;
  return options_.log != nullptr ? !options_.log->full() : !options_.queue->full();
}

uint64_t SourceIntake::held_bytes() const {
  return root().bytes_under_way_.load() + (options_.queue == nullptr ? 0 : options_.queue->depth_bytes());
}

void SourceIntake::when_ready(Task resume) {
  LOOP_ASSERT(loop_);
  if (root_ != nullptr) return root_->when_ready(std::move(resume));
  waiting_ready_.push_back(std::move(resume));
  if (ready()) {
    loop_.post([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) room();
    });
  } else {
    watch_log();
  }
}

void SourceIntake::set_paused(bool on) {
  LOOP_ASSERT(loop_);
  ASSERT(root_ == nullptr);
  paused_ = on;
  if (on) return;
  // Later: a leg says so in the middle of its own work.
  loop_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) room();
  });
}

// The log tells once, and by then another source may have filled it again: whoever still waits asks again.
void SourceIntake::watch_log() {
  if (watching_log_ || options_.log == nullptr || !options_.log->full()) return;
  watching_log_ = true;
  options_.log->when_not_full([this, &loop = loop_, alive = std::weak_ptr<char>(alive_)] {
    loop.post([this, alive] {
      if (alive.expired()) return;
      watching_log_ = false;
      room();
    });
  });
}

void SourceIntake::room() {
  if (waiting_ready_.empty()) return;
  if (!ready()) return watch_log();
  auto waiting = std::exchange(waiting_ready_, {});
  for (Task& task : waiting) task();
}

}  // namespace colloquium::engine
