// SimExecutor: an Executor on one thread, for the simulator and for tests that must be repeatable.
//
// Every queue's tasks run on the thread that calls step(), run_until_idle() or Signal::wait(); a seed chooses
// which queue moves next, so one seed is one schedule and another seed is another. A wait runs the other
// queues until its signal is set: a queue whose tasks are all inside a wait cannot move meanwhile, exactly as
// its thread could not.
//
// Time is a ManualClock: each step costs `step_ns`, and when nothing can move a timed wait lets its whole
// timeout pass. A wait without a limit while nothing can move is a deadlock of the code under test and
// asserts.
//
// Thread safety: none; everything on the thread that made it. Queues and signals must not outlive it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "colloquium/executor.h"

#include "base/manual_clock.h"

namespace colloquium {

class SimExecutor final : public Executor {
 public:
  SimExecutor(uint64_t seed, ManualClock& clock, int64_t step_ns = 1000);
  ~SimExecutor() override;
  SimExecutor(const SimExecutor&) = delete;
  SimExecutor& operator=(const SimExecutor&) = delete;

  std::unique_ptr<TaskQueue> make_queue(const std::string& name, size_t width, size_t capacity) override;
  std::shared_ptr<Signal> make_signal() override;

  // Something else that takes part in the schedule, a loop's turn for instance: `move` is run when chosen,
  // not while it is already running, and only while `can_move`.
  void add_mover(std::function<bool()> can_move, std::function<void()> move);

  // Runs one task of one queue; false if nothing can move.
  bool step();

  // The queue whose task is at work, or called step(); empty: none, or a mover.
  const std::string& running() const;

  // Steps until nothing can move; how many steps it took.
  size_t run_until_idle();

 private:
  class Queue;
  class OneShot;
  struct Mover {
    std::function<bool()> can_move;
    std::function<void()> move;
    bool running = false;
  };

  bool wait_for(const bool& set, int64_t timeout_ns);
  void run_mover(size_t index);

  ManualClock& clock_;
  SeededRandom random_;
  const int64_t step_ns_;
  std::vector<Queue*> queues_;  // in the order made
  std::vector<Mover> movers_;
  std::vector<const Queue*> running_;  // innermost last; null: a mover
};

}  // namespace colloquium
