#include "base/thread_executor.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <vector>

#include "base/assert.h"

namespace colloquium {
namespace {

class ThreadQueue;

// The queue whose thread this is; null on every other thread.
thread_local const ThreadQueue* current_queue = nullptr;

class ThreadQueue final : public TaskQueue {
 public:
  ThreadQueue(const std::string& name, size_t width, size_t capacity) : capacity_(capacity) {
    ASSERT(width > 0 && capacity > 0);
    // Threads look at this object at once, so every member they use must be made before this point.
    threads_.reserve(width);
    for (size_t i = 0; i < width; ++i) {
      threads_.emplace_back([this] { work(); });
      // Linux keeps 15 bytes; a longer name would be refused and the thread stay nameless.
      pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
    }
  }

  ~ThreadQueue() override {
    ASSERT_WHY(!is_current(), "a queue cannot join its own thread");
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    ASSERT(tasks_.empty());
  }

  bool post(Task task) override {
    ASSERT_WHY(task, "an empty task");
    {
      std::lock_guard lock(mutex_);
      if (closed_ || tasks_.size() >= capacity_) return false;
      tasks_.push_back(std::move(task));
    }
    // After the lock is released: the thread that wakes would only wait for it.
    wake_.notify_one();
    return true;
  }

  bool try_run(Task& task) override {
    ASSERT_WHY(task && threads_.size() == 1, "only a queue of width 1 has an order to keep");
    {
      std::lock_guard lock(mutex_);
      if (closed_ || busy_ > 0 || !tasks_.empty()) return false;
      ++busy_;
      lent_ = true;
    }
    const ThreadQueue* const outer = std::exchange(current_queue, this);
    std::exchange(task, nullptr)();
    current_queue = outer;
    // Told under the lock: once its threads may leave, the queue may go.
    std::lock_guard lock(mutex_);
    --busy_;
    lent_ = false;
    if (closed_ || !tasks_.empty()) wake_.notify_all();
    return true;
  }

  bool is_current() const override { return current_queue == this; }

  size_t depth() const override {
    std::lock_guard lock(mutex_);
    return tasks_.size();
  }

 private:
  void work() {
    current_queue = this;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return !lent_ && (closed_ || !tasks_.empty()); });
      // Closed is not enough to leave: what was posted before is run.
      if (tasks_.empty()) return;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      ++busy_;
      lock.unlock();
      task();
      // What the task holds may post or take locks as it goes: let it go before the lock is held again.
      task = nullptr;
      lock.lock();
      --busy_;
    }
  }

  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_
  size_t busy_ = 0;         // tasks that run; guarded by mutex_
  bool lent_ = false;       // one runs on a thread of somebody else; guarded by mutex_
  bool closed_ = false;     // guarded by mutex_
  std::vector<std::thread> threads_;
};

class ThreadSignal final : public Signal {
 public:
  void set() override {
    // Under the lock: a waiter may destroy the signal as soon as it sees it set.
    std::lock_guard lock(mutex_);
    set_ = true;
    wake_.notify_all();
  }

  bool wait(int64_t timeout_ns) override {
    std::unique_lock lock(mutex_);
    const auto is_set = [this] { return set_; };
    if (timeout_ns < 0) {
      wake_.wait(lock, is_set);
      return true;
    }
    // On the steady clock: a wall clock that is set must not end or prolong the wait.
    return wake_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), is_set);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool set_ = false;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<TaskQueue> ThreadExecutor::make_queue(const std::string& name, size_t width, size_t capacity) {
  return std::make_unique<ThreadQueue>(name, width, capacity);
}

std::shared_ptr<Signal> ThreadExecutor::make_signal() {
  return std::make_shared<ThreadSignal>();
}

}  // namespace colloquium
