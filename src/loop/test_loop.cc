#include "loop/test_loop.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::loop {
namespace {
constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kMaxTurns = 1'000'000;
}  // namespace

class TestLoop::ManualTimer final : public Timer {
 public:
  ManualTimer(TestLoop& loop, TimerKey key) : loop_(loop), key_(key) { ++loop_.open_timers_; }
  ~ManualTimer() override {
    LOOP_ASSERT(loop_);
    ASSERT(loop_.open_timers_ > 0);
    --loop_.open_timers_;
    loop_.timers_.erase(key_);
  }

 private:
  TestLoop& loop_;
  const TimerKey key_;
};

TestLoop::TestLoop(ManualClock& clock) : clock_(clock), thread_(std::this_thread::get_id()) {}

TestLoop::~TestLoop() {
  // What is still queued may hold timers of this loop.
  offloaded_.clear();
  turn_end_.clear();
  posted_.clear();
  doomed_.clear();
  dying_.clear();
  ASSERT_WHY(open_timers_ == 0, "a timer outlives its loop");
}

bool TestLoop::run_turn() {
  LOOP_ASSERT(*this);
  bool moved = run_due_timers();
  moved |= run_posted();
  moved |= run_offloaded();
  moved |= run_turn_end();
  return moved;
}

bool TestLoop::run_due_timers() {
  // Those started meanwhile, even without delay, belong to the next turn.
  const uint64_t before = next_timer_id_;
  const int64_t now_ns = clock_.monotonic_ns();
  bool moved = false;
  for (;;) {
    const auto due = std::find_if(timers_.begin(), timers_.end(), [&](const auto& timer) {
      return timer.first.first <= now_ns && timer.first.second < before;
    });
    if (due == timers_.end()) return moved;
    // Out of the table first: the task may destroy its own timer, or another that is due.
    Task task = std::move(due->second);
    timers_.erase(due);
    task();
    moved = true;
  }
}

bool TestLoop::run_posted() {
  std::vector<Task> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) {
    task();
    // What a task holds goes before the next one runs, as on the real loop.
    task = nullptr;
  }
  return !tasks.empty();
}

bool TestLoop::run_offloaded() {
  if (offloaded_.empty()) return false;
  // One per turn, so that turns come between pieces of work as they do with a real pool.
  auto [work, done] = std::move(offloaded_.front());
  offloaded_.pop_front();
  work();
  work = nullptr;
  // Past post(), which refuses after shut_down(): what was taken before is finished.
  std::lock_guard lock(mutex_);
  posted_.push_back(std::move(done));
  return true;
}

bool TestLoop::run_turn_end() {
  std::vector<Task> tasks;
  tasks.swap(turn_end_);
  for (Task& task : tasks) task();
  std::vector<std::unique_ptr<Destroyable>> dead = std::move(dying_);
  dying_ = std::move(doomed_);
  doomed_.clear();
  const bool moved = !tasks.empty() || !dead.empty() || !dying_.empty();
  dead.clear();
  return moved;
}

size_t TestLoop::run_until_idle() {
  size_t turns = 0;
  while (run_turn()) ASSERT_WHY(++turns < kMaxTurns, "the loop never gets idle");
  return turns;
}

void TestLoop::advance(int64_t by_ms) {
  LOOP_ASSERT(*this);
  ASSERT(by_ms >= 0);
  // Timers see the time they were due, not the time at which the test stopped looking.
  const int64_t target_ns = clock_.monotonic_ns() + by_ms * kNsPerMs;
  run_until_idle();
  while (!timers_.empty() && timers_.begin()->first.first <= target_ns) {
    clock_.advance_ns(std::max<int64_t>(timers_.begin()->first.first - clock_.monotonic_ns(), 0));
    run_until_idle();
  }
  clock_.advance_ns(std::max<int64_t>(target_ns - clock_.monotonic_ns(), 0));
  run_until_idle();
}

void TestLoop::run_until(const std::function<bool()>& done) {
  LOOP_ASSERT(*this);
  while (!done()) {
    // Read before the turn, so that a post during it is not waited for.
    const uint32_t before = posts_.load();
    if (!run_turn()) posts_.wait(before);
  }
}

bool TestLoop::can_move() const {
  LOOP_ASSERT(*this);
  const std::optional<int64_t> timer_ns = next_timer_ns();
  if (timer_ns && *timer_ns <= clock_.monotonic_ns()) return true;
  if (!offloaded_.empty() || !turn_end_.empty() || !doomed_.empty() || !dying_.empty()) return true;
  std::lock_guard lock(mutex_);
  return !posted_.empty();
}

std::optional<int64_t> TestLoop::next_timer_ns() const {
  LOOP_ASSERT(*this);
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void TestLoop::shut_down() {
  LOOP_ASSERT(*this);
  std::lock_guard lock(mutex_);
  refuse_posts_ = true;
}

bool TestLoop::post(Task task) {
  ASSERT_WHY(task, "an empty task");
  {
    std::lock_guard lock(mutex_);
    if (refuse_posts_) return false;
    posted_.push_back(std::move(task));
  }
  ++posts_;
  // run_until() may be waiting on the loop's thread.
  posts_.notify_all();
  return true;
}

bool TestLoop::is_current() const {
  return std::this_thread::get_id() == thread_;
}

std::unique_ptr<Timer> TestLoop::start_timer(int64_t delay_ms, Task task) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(task, "an empty task");
  // The number makes keys distinct and puts timers due at the same time in the order started.
  const TimerKey key{clock_.monotonic_ns() + std::max<int64_t>(delay_ms, 0) * kNsPerMs, next_timer_id_++};
  timers_.emplace(key, std::move(task));
  return std::make_unique<ManualTimer>(*this, key);
}

void TestLoop::at_turn_end(Task task) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(task, "an empty task");
  turn_end_.push_back(std::move(task));
}

bool TestLoop::offload(Task work, Task done) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(work && done, "an empty task");
  {
    std::lock_guard lock(mutex_);
    if (refuse_posts_) return false;
  }
  if (offloaded_.size() >= offload_capacity_) return false;
  offloaded_.emplace_back(std::move(work), std::move(done));
  return true;
}

void TestLoop::destroy_later(std::unique_ptr<Destroyable> object) {
  LOOP_ASSERT(*this);
  ASSERT(object != nullptr);
  doomed_.push_back(std::move(object));
}

}  // namespace colloquium::loop
