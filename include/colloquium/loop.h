// Loop: the one thread that owns sockets, timers, and the state of sources, sinks and providers.
//
// src/loop implements it on libuv; a simulator implements it on its own queue. Components see this class
// only. Model: Envoy's Event::Dispatcher.
//
// Thread safety: post() and is_current() on any thread; everything else on the loop's own thread only, and
// asserted (LOOP_ASSERT).
#pragma once

#include <cstdint>
#include <memory>

#include "colloquium/function.h"

namespace colloquium {

// Base of whatever a callback of its own may want to delete: hand it to Loop::destroy_later.
class Destroyable {
 public:
  virtual ~Destroyable() = default;
};

// A pending timer. Destroying it cancels it; the task is then never run.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // The only cross-thread door: runs `task` on the loop, in posting order per thread. False, with the task
  // dropped unrun, once the loop has shut down.
  virtual bool post(Task task) = 0;

  virtual bool is_current() const = 0;

  // Runs `task` once, `delay_ms` from now (0: in the next turn) or later, never earlier.
  [[nodiscard]] virtual std::unique_ptr<Timer> start_timer(int64_t delay_ms, Task task) = 0;

  // Runs `task` at the end of the present turn, after the callbacks of every socket that was ready.
  virtual void at_turn_end(Task task) = 0;

  // Runs `work` on the bounded offload pool, then `done` on the loop. Work of one caller may run out of
  // order; a caller that needs order keeps one call under way. False, with both dropped, if the pool is full.
  [[nodiscard]] virtual bool offload(Task work, Task done) = 0;

  // Deletes `object` in a later turn: for objects that must not die inside their own callback.
  virtual void destroy_later(std::unique_ptr<Destroyable> object) = 0;
};

}  // namespace colloquium
