// UvLoop: the Loop of the shipped process, on libuv. libuv is wrapped here once; src/net alone builds further
// handles on handle(), everything else sees colloquium/loop.h.
//
// Life: create → run … stop → (run again) → close → destroyed. close() must find every timer destroyed and
// every handle made on handle() closed; it asserts so, because their memory would be gone under libuv's feet.
//
// A turn is one iteration of libuv: timers, then sockets and posted tasks, then what at_turn_end() was given.
// libuv coalesces wake-ups, so the posted tasks found at a wake-up are all run; what they post comes in a
// later turn, so that tasks that post tasks cannot starve the sockets.
//
// Thread safety: post(), stop(), is_current() and the counters on any thread; everything else on the thread
// that called create(), and asserted. Ownership: the Executor outlives the loop. create() has SIGPIPE ignored
// for the whole process: a peer that goes away is an EPIPE of a write, not the end of us.
#pragma once

#include <cstdint>
#include <memory>

#include "colloquium/executor.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

struct uv_loop_s;

namespace colloquium::loop {

struct UvLoopOptions {
  int64_t slow_callback_ms = 100;  // a callback that takes longer is counted and logged
  size_t offload_width = 4;
  size_t offload_capacity = 1024;  // calls that may wait for the offload pool
};

class UvLoop final : public Loop {
 public:
  static Result<std::unique_ptr<UvLoop>> create(Executor& executor, const UvLoopOptions& options = {});
  ~UvLoop() override;  // REQUIRES: close() has been called
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  // Turns until stop().
  void run();

  // Makes run() return after the present turn, or a later run() after its first.
  void stop();

  // Finishes what was offloaded, posted and handed to destroy_later(), then refuses every later post and
  // gives libuv's loop back. REQUIRES: not inside run().
  void close();

  // Runs `task` on the loop whenever the process gets `signal` (SIGINT, SIGTERM), instead of what the system
  // would do.
  Status on_signal(int signal, Task task);

  // For src/net. The handles made on it must be closed before close().
  uv_loop_s* handle();

  // Tells the accounting how long a callback took that did not come through this class. `what` lives for ever.
  void account_callback(const char* what, uint64_t started_ns);
  static uint64_t callback_clock_ns();

  uint64_t slow_callbacks() const;  // since create()
  size_t posted_depth() const;      // posted and not yet run
  size_t offload_depth() const;     // waiting for the offload pool

  bool post(Task task) override;
  bool is_current() const override;
  [[nodiscard]] std::unique_ptr<Timer> start_timer(int64_t delay_ms, Task task) override;
  void at_turn_end(Task task) override;
  [[nodiscard]] bool offload(Task work, Task done) override;
  void destroy_later(std::unique_ptr<Destroyable> object) override;

 private:
  struct State;
  class UvTimer;
  class PostedTimer;

  explicit UvLoop(std::unique_ptr<State> state);
  Status open();
  void run_posted();
  void run_timed(const char* what, Task& task);
  void want_turn_end();
  void end_turn();
  bool has_leftovers();
  bool refuse_posts_if_drained();
  void close_handles();

  std::unique_ptr<State> state_;
};

}  // namespace colloquium::loop
