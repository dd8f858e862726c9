// Executor: the only way to start a thread, hand over work, or wait, in src/log and src/engine.
//
// The shipped implementation (src/base/thread_executor.h) gives each TaskQueue a thread; a simulator gives
// all of them one thread and lets a seed choose which queue moves next. Code written against this interface
// therefore runs unchanged in both. The Executor owns nothing: queues and signals belong to whoever made
// them, and the Executor must outlive them.
//
// Thread safety: every method may be called on any thread unless it says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "colloquium/function.h"

namespace colloquium {

// Runs its tasks in the order posted, one at a time (a queue of width 1), or up to `width` at a time in any
// order. Destruction stops intake, runs what was posted, and joins. Not on one of its own threads.
class TaskQueue {
 public:
  virtual ~TaskQueue() = default;

  // False, and the task is dropped unrun, if the queue is closed or already holds `capacity` tasks.
  [[nodiscard]] virtual bool post(Task task) = 0;

  // Runs `task` before it returns, on the calling thread, as one of the queue's own, if none of them runs or waits:
  // for a thread that would only wait for it, which saves waking two. False, and the task is left alone, if one
  // does, or if the queue is closed. Only for a width of 1.
  [[nodiscard]] virtual bool try_run(Task& task) = 0;

  // True on a thread that is running one of this queue's tasks.
  virtual bool is_current() const = 0;

  // Tasks posted and not yet started.
  virtual size_t depth() const = 0;
};

// One-shot: set() once, after which every wait returns true at once.
class Signal {
 public:
  virtual ~Signal() = default;
  virtual void set() = 0;

  // True once set; false if `timeout_ns` passed first (negative: no limit). Never called on the loop.
  virtual bool wait(int64_t timeout_ns = -1) = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  // `name` shows in thread listings (15 bytes are kept). `capacity` bounds the tasks that wait.
  virtual std::unique_ptr<TaskQueue> make_queue(const std::string& name, size_t width, size_t capacity) = 0;

  virtual std::shared_ptr<Signal> make_signal() = 0;
};

}  // namespace colloquium
