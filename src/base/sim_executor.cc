#include "base/sim_executor.h"

#include <algorithm>
#include <deque>

#include "base/assert.h"

namespace colloquium {

class SimExecutor::Queue final : public TaskQueue {
 public:
  Queue(SimExecutor& owner, std::string name, size_t width, size_t capacity)
      : owner_(owner), name_(std::move(name)), width_(width), capacity_(capacity) {
    ASSERT(width > 0 && capacity > 0);
    owner_.queues_.push_back(this);
  }

  // As a queue with threads does: what was posted runs before the queue goes.
  ~Queue() override {
    ASSERT_WHY(active_ == 0, "a queue cannot be destroyed while a task of it runs or waits");
    closed_ = true;
    while (can_move()) move();
    std::erase(owner_.queues_, this);
  }

  bool post(Task task) override {
    ASSERT_WHY(task, "an empty task");
    if (closed_ || tasks_.size() >= capacity_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }

  // Now and then it is too late, as where threads are quick.
  bool try_run(Task& task) override {
    ASSERT(task && width_ == 1);
    if (closed_ || active_ > 0 || !tasks_.empty() || owner_.random_.below(kTooLate) == 0) return false;
    run(std::exchange(task, nullptr));
    return true;
  }

  // The innermost task counts: while a task waits, the thread is inside another queue's task.
  bool is_current() const override { return !owner_.running_.empty() && owner_.running_.back() == this; }
  const std::string& name() const { return name_; }
  size_t depth() const override { return tasks_.size(); }

  bool can_move() const { return !tasks_.empty() && active_ < width_; }

  // Runs one task: the first, or with a width of n one of the first n that could have been started.
  void move() {
    ASSERT(can_move());
    // A wide queue starts its tasks in order, but which of those started gets further first is open.
    const size_t startable = std::min(tasks_.size(), width_ - active_);
    const auto chosen = tasks_.begin() + static_cast<ptrdiff_t>(owner_.random_.below(startable));
    Task task = std::move(*chosen);
    tasks_.erase(chosen);
    run(std::move(task));
  }

 private:
  static constexpr uint64_t kTooLate = 4;

  void run(Task task) {
    ++active_;
    owner_.running_.push_back(this);
    task();
    // What the task holds goes while the queue still counts as running it, as on a thread.
    task = nullptr;
    ASSERT(owner_.running_.back() == this);
    owner_.running_.pop_back();
    --active_;
  }

  SimExecutor& owner_;
  const std::string name_;
  const size_t width_;
  const size_t capacity_;
  std::deque<Task> tasks_;
  size_t active_ = 0;  // tasks on the stack: running, or inside a wait
  bool closed_ = false;
};

class SimExecutor::OneShot final : public Signal {
 public:
  explicit OneShot(SimExecutor& owner) : owner_(owner) {}
  void set() override { set_ = true; }
  bool wait(int64_t timeout_ns) override { return owner_.wait_for(set_, timeout_ns); }

 private:
  SimExecutor& owner_;
  bool set_ = false;
};

SimExecutor::SimExecutor(uint64_t seed, ManualClock& clock, int64_t step_ns)
    : clock_(clock), random_(seed), step_ns_(step_ns) {
  ASSERT(step_ns >= 0);
}

SimExecutor::~SimExecutor() {
  ASSERT_WHY(queues_.empty(), "a queue outlives its executor");
}

std::unique_ptr<TaskQueue> SimExecutor::make_queue(const std::string& name, size_t width, size_t capacity) {
  ASSERT_WHY(!name.empty(), "a queue needs a name");
  return std::make_unique<Queue>(*this, name, width, capacity);
}

std::shared_ptr<Signal> SimExecutor::make_signal() {
  return std::make_shared<OneShot>(*this);
}

void SimExecutor::add_mover(std::function<bool()> can_move, std::function<void()> move) {
  ASSERT(can_move && move);
  movers_.push_back({std::move(can_move), std::move(move)});
}

bool SimExecutor::step() {
  // Looked at anew for every step: a task may make queues, destroy them or wake any of them.
  std::vector<Queue*> queues;
  for (Queue* queue : queues_) {
    if (queue->can_move()) queues.push_back(queue);
  }
  std::vector<size_t> movers;
  for (size_t i = 0; i < movers_.size(); ++i) {
    if (!movers_[i].running && movers_[i].can_move()) movers.push_back(i);
  }
  const size_t choices = queues.size() + movers.size();
  if (choices == 0) return false;
  // Work takes time: without this a timed wait among busy queues would never end.
  clock_.advance_ns(step_ns_);
  const auto chosen = static_cast<size_t>(random_.below(choices));
  if (chosen < queues.size()) {
    queues[chosen]->move();
  } else {
    run_mover(movers[chosen - queues.size()]);
  }
  return true;
}

void SimExecutor::run_mover(size_t index) {
  movers_[index].running = true;
  running_.push_back(nullptr);
  // A copy: what it runs may add movers and so move the vector.
  const std::function<void()> move = movers_[index].move;
  move();
  running_.pop_back();
  movers_[index].running = false;
}

const std::string& SimExecutor::running() const {
  static const std::string kNone;
  return running_.empty() || running_.back() == nullptr ? kNone : running_.back()->name();
}

size_t SimExecutor::run_until_idle() {
  size_t steps = 0;
  while (step()) ++steps;
  return steps;
}

bool SimExecutor::wait_for(const bool& set, int64_t timeout_ns) {
  const int64_t start_ns = clock_.monotonic_ns();
  while (!set) {
    const int64_t waited_ns = clock_.monotonic_ns() - start_ns;
    if (timeout_ns >= 0 && waited_ns >= timeout_ns) return false;
    // Before giving up on the signal, whoever could set it gets its turn.
    if (step()) continue;
    ASSERT_WHY(timeout_ns >= 0, "deadlock: a wait without a limit while nothing can move");
    // Nothing moves, so the next thing that happens is the end of this wait.
    clock_.advance_ns(timeout_ns - waited_ns);
  }
  return true;
}

}  // namespace colloquium
