// TestLoop: a Loop on the caller's thread and a ManualClock, for unit tests and the simulator.
//
// Nothing happens by itself: run_turn(), run_until_idle() and advance() make it happen, in an order that
// depends on nothing but the calls made. A turn is: the timers that are due, what was posted before the turn,
// one offloaded call, what at_turn_end() was given, and the objects doomed in the turn before.
//
// Thread safety: post() on any thread (so that a test may use a log on real threads); everything else on the
// thread that made it. Ownership: the clock outlives the loop, the loop outlives its timers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "colloquium/loop.h"

#include "base/manual_clock.h"

namespace colloquium::loop {

class TestLoop final : public Loop {
 public:
  explicit TestLoop(ManualClock& clock);
  ~TestLoop() override;  // REQUIRES: every timer destroyed
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  // One turn; false if there was nothing to do.
  bool run_turn();

  // Turns until there is nothing to do; how many. Asserts after a million: something feeds itself.
  size_t run_until_idle();

  // Lets time pass, stopping at every timer on the way.
  void advance(int64_t by_ms);

  // Turns until `done`, waiting for posts of other threads whenever there is nothing to do. It waits for ever
  // if none comes: a test's own time limit ends that.
  void run_until(const std::function<bool()>& done);

  // Whether a turn would do anything now, and when the next timer is due (on the monotonic clock).
  bool can_move() const;
  std::optional<int64_t> next_timer_ns() const;

  // From now on post() and offload() refuse; what was taken before still runs.
  void shut_down();

  // How many offloaded calls may wait; 0 makes every call fail.
  void set_offload_capacity(size_t capacity) { offload_capacity_ = capacity; }
  size_t offload_depth() const { return offloaded_.size(); }
  size_t open_timers() const { return open_timers_; }

  bool post(Task task) override;
  bool is_current() const override;
  [[nodiscard]] std::unique_ptr<Timer> start_timer(int64_t delay_ms, Task task) override;
  void at_turn_end(Task task) override;
  [[nodiscard]] bool offload(Task work, Task done) override;
  void destroy_later(std::unique_ptr<Destroyable> object) override;

 private:
  class ManualTimer;
  using TimerKey = std::pair<int64_t, uint64_t>;  // when due; then in the order started

  bool run_due_timers();
  bool run_posted();
  bool run_offloaded();
  bool run_turn_end();

  // Constant.
  ManualClock& clock_;
  const std::thread::id thread_;

  // The loop's thread only.
  std::map<TimerKey, Task> timers_;
  uint64_t next_timer_id_ = 0;
  size_t open_timers_ = 0;
  std::deque<std::pair<Task, Task>> offloaded_;
  size_t offload_capacity_ = 1024;
  std::vector<Task> turn_end_;
  std::vector<std::unique_ptr<Destroyable>> doomed_;  // handed over in this turn
  std::vector<std::unique_ptr<Destroyable>> dying_;   // handed over in the turn before

  // Any thread.
  mutable std::mutex mutex_;
  std::atomic<uint32_t> posts_{0};  // how many there were; run_until() waits for it to change
  std::vector<Task> posted_;        // guarded by mutex_
  bool refuse_posts_ = false;       // guarded by mutex_
};

}  // namespace colloquium::loop
