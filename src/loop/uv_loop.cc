#include "loop/uv_loop.h"

#include <algorithm>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <uv.h>
#include <vector>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "base/system_clock.h"

namespace colloquium::loop {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// A loop that is slow at every callback must not also drown the log.
constexpr uint64_t kSlowReportEveryNs = 1'000 * kNsPerMs;

Error uv_failure(const char* what, int code) {
  return Error{ErrorCode::kIo, std::string(what) + ": " + uv_strerror(code)};
}

template <class Handle>
uv_handle_t* as_handle(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

// uv_loop_t and handles are C structs that must not move; whoever closes them frees them in the callback.
struct SignalWatch {
  uv_signal_t handle{};
  UvLoop* loop = nullptr;
  Task task;
};

}  // namespace

struct UvLoop::State {
  State(Executor& executor, const UvLoopOptions& options)
      : budget_ns(static_cast<uint64_t>(options.slow_callback_ms) * kNsPerMs),
        offload(executor.make_queue("offload", options.offload_width, options.offload_capacity)) {}

  // Constant after create().
  const std::thread::id thread = std::this_thread::get_id();
  const uint64_t budget_ns;

  // Loop only.
  uv_loop_t loop{};
  uv_async_t wake{};
  uv_idle_t no_wait{};  // active while a turn end is wanted: libuv then does not block in poll
  uv_check_t turn_end_check{};
  std::unique_ptr<TaskQueue> offload;  // gone once close() has begun
  std::vector<Task> turn_end;
  std::vector<std::unique_ptr<Destroyable>> doomed;  // handed over in this turn
  std::vector<std::unique_ptr<Destroyable>> dying;   // handed over in the turn before
  std::vector<std::unique_ptr<SignalWatch>> signals;
  size_t open_timers = 0;
  uint64_t last_slow_report_ns = 0;
  bool running = false;
  bool closed = false;

  // Any thread.
  Counter slow_callbacks;
  mutable std::mutex mutex;
  std::vector<Task> posted;   // guarded by mutex
  bool refuse_posts = false;  // guarded by mutex
};

// A timer's uv handle must live until its close callback, which comes after the Timer is gone.
class UvLoop::UvTimer final : public Timer {
 public:
  UvTimer(UvLoop& loop, uint64_t delay_ms, Task task) : pending_(new Pending{{}, &loop, std::move(task)}) {
    State& state = *loop.state_;
    ASSERT(uv_timer_init(&state.loop, &pending_->handle) == 0);
    pending_->handle.data = pending_;
    // libuv counts from the time at which this turn began; a long callback would make the delay too short.
    uv_update_time(&state.loop);
    // And it counts whole milliseconds, of a coarse clock where there is one: from there, the delay would end up
    // to two of them early.
    const uint64_t due_ms = (uv_hrtime() + kNsPerMs - 1) / kNsPerMs + delay_ms;
    ASSERT(uv_timer_start(&pending_->handle, &UvTimer::fire, due_ms - uv_now(&state.loop), 0) == 0);
    ++state.open_timers;
  }

  ~UvTimer() override {
    LOOP_ASSERT(*pending_->loop);
    --pending_->loop->state_->open_timers;
    const Task dropped = std::move(pending_->task);
    uv_close(as_handle(pending_->handle), [](uv_handle_t* handle) { delete static_cast<Pending*>(handle->data); });
  }

 private:
  struct Pending {
    uv_timer_t handle;
    UvLoop* loop;
    Task task;
  };

  static void fire(uv_timer_t* handle) {
    auto* pending = static_cast<Pending*>(handle->data);
    // Moved out first: the task may destroy its own timer.
    Task task = std::move(pending->task);
    ASSERT_WHY(task, "a timer fires once");
    pending->loop->run_timed("timer", task);
  }

  Pending* pending_;
};

// A timer without delay. A uv timer of 0 ms started by another timer would run in the same turn, and one that
// restarts itself would never let the turn end.
class UvLoop::PostedTimer final : public Timer {
 public:
  PostedTimer(UvLoop& loop, Task task) : loop_(loop), task_(std::make_shared<Task>(std::move(task))) {
    ++loop_.state_->open_timers;
    const bool posted = loop_.post([watched = std::weak_ptr<Task>(task_)] {
      const std::shared_ptr<Task> held = watched.lock();
      if (held == nullptr) return;
      Task run = std::move(*held);
      run();
    });
    ASSERT_WHY(posted, "a timer on a closed loop");
  }

  ~PostedTimer() override {
    LOOP_ASSERT(loop_);
    --loop_.state_->open_timers;
  }

 private:
  UvLoop& loop_;
  std::shared_ptr<Task> task_;
};

UvLoop::UvLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}

UvLoop::~UvLoop() {
  ASSERT_WHY(state_->closed, "close() the loop before destroying it");
}

Result<std::unique_ptr<UvLoop>> UvLoop::create(Executor& executor, const UvLoopOptions& options) {
  ASSERT(options.slow_callback_ms > 0 && options.offload_width > 0 && options.offload_capacity > 0);
  // Nobody sets it back: a write to a peer that has gone must be an error for as long as we write.
  std::signal(SIGPIPE, SIG_IGN);
  auto state = std::make_unique<State>(executor, options);
  if (const int code = uv_loop_init(&state->loop); code != 0) {
    return fail(uv_failure("cannot make the event loop", code));
  }
  std::unique_ptr<UvLoop> loop(new UvLoop(std::move(state)));
  const Status opened = loop->open();
  // A loop that was opened half way has to be closed like any other.
  if (opened) return loop;
  loop->close();
  return fail(opened.error());
}

Status UvLoop::open() {
  State& s = *state_;
  s.loop.data = this;
  s.no_wait.data = s.turn_end_check.data = s.wake.data = this;
  ASSERT(uv_idle_init(&s.loop, &s.no_wait) == 0);
  ASSERT(uv_check_init(&s.loop, &s.turn_end_check) == 0);
  const auto on_wake = [](uv_async_t* wake) { static_cast<UvLoop*>(wake->data)->run_posted(); };
  if (const int code = uv_async_init(&s.loop, &s.wake, on_wake); code != 0) {
    return fail(uv_failure("cannot make the loop's wake-up", code));
  }
  return {};
}

void UvLoop::run() {
  LOOP_ASSERT(*this);
  State& s = *state_;
  ASSERT_WHY(!s.running && !s.closed, "run() inside run(), or after close()");
  s.running = true;
  // The wake-up handle is active until close(), so this ends by stop() alone.
  uv_run(&s.loop, UV_RUN_DEFAULT);
  s.running = false;
}

void UvLoop::stop() {
  // After shutdown there is nothing left to stop.
  (void)post([this] { uv_stop(&state_->loop); });
}

uv_loop_s* UvLoop::handle() {
  LOOP_ASSERT(*this);
  return &state_->loop;
}

bool UvLoop::is_current() const {
  return std::this_thread::get_id() == state_->thread;
}

bool UvLoop::post(Task task) {
  ASSERT_WHY(task, "an empty task");
  State& s = *state_;
  std::lock_guard lock(s.mutex);
  if (s.refuse_posts) return false;
  s.posted.push_back(std::move(task));
  // Under the lock, so that close() cannot close the handle in between. One wake-up serves all that follow,
  // because run_posted takes everything.
  if (s.posted.size() == 1) ASSERT(uv_async_send(&s.wake) == 0);
  return true;
}

void UvLoop::run_posted() {
  LOOP_ASSERT(*this);
  std::vector<Task> tasks;
  {
    std::lock_guard lock(state_->mutex);
    tasks.swap(state_->posted);
  }
  // Outside the lock: tasks post. All of them: the next wake-up comes only with the next post.
  for (Task& task : tasks) {
    run_timed("posted task", task);
    task = nullptr;
  }
}

void UvLoop::run_timed(const char* what, Task& task) {
  ASSERT(task);
  // Two readings of the clock per task are nothing beside a task, which stands for a batch at least.
  const uint64_t started_ns = callback_clock_ns();
  task();
  account_callback(what, started_ns);
}

uint64_t UvLoop::callback_clock_ns() {
  return static_cast<uint64_t>(SystemClock().monotonic_ns());
}

void UvLoop::account_callback(const char* what, uint64_t started_ns) {
  LOOP_ASSERT(*this);
  State& s = *state_;
  const uint64_t now_ns = callback_clock_ns();
  ASSERT(now_ns >= started_ns);
  if (now_ns - started_ns <= s.budget_ns) return;
  s.slow_callbacks.add();
  // Counted always, told at most once a second.
  if (s.last_slow_report_ns != 0 && now_ns - s.last_slow_report_ns < kSlowReportEveryNs) return;
  s.last_slow_report_ns = now_ns;
  log_warning("loop", "a callback held up every socket and timer for too long",
              {{"what", what},
               {"took_ms", (now_ns - started_ns) / kNsPerMs},
               {"budget_ms", s.budget_ns / kNsPerMs},
               {"slow_so_far", s.slow_callbacks.value()}});
}

std::unique_ptr<Timer> UvLoop::start_timer(int64_t delay_ms, Task task) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(task, "an empty task");
  ASSERT_WHY(!state_->closed, "a timer on a closed loop");
  if (delay_ms <= 0) return std::make_unique<PostedTimer>(*this, std::move(task));
  return std::make_unique<UvTimer>(*this, static_cast<uint64_t>(delay_ms), std::move(task));
}

void UvLoop::at_turn_end(Task task) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(task, "an empty task");
  state_->turn_end.push_back(std::move(task));
  want_turn_end();
}

void UvLoop::destroy_later(std::unique_ptr<Destroyable> object) {
  LOOP_ASSERT(*this);
  ASSERT(object != nullptr);
  state_->doomed.push_back(std::move(object));
  want_turn_end();
}

void UvLoop::want_turn_end() {
  State& s = *state_;
  ASSERT_WHY(!s.closed, "the loop is closed");
  // The idle handle does nothing; that it is active keeps poll from waiting when the turn was begun by a
  // timer. Both handles stop as soon as nothing wants the turn's end, or the loop would spin.
  const auto on_idle = [](uv_idle_t*) {};
  const auto on_check = [](uv_check_t* check) { static_cast<UvLoop*>(check->data)->end_turn(); };
  ASSERT(uv_idle_start(&s.no_wait, on_idle) == 0);
  ASSERT(uv_check_start(&s.turn_end_check, on_check) == 0);
}

void UvLoop::end_turn() {
  State& s = *state_;
  // What these tasks hand in belongs to the next turn.
  std::vector<Task> tasks;
  tasks.swap(s.turn_end);
  for (Task& task : tasks) run_timed("turn end", task);
  std::vector<std::unique_ptr<Destroyable>> dead = std::move(s.dying);
  s.dying = std::move(s.doomed);
  s.doomed.clear();
  // Destructors may doom further objects, so the members must be in order first.
  dead.clear();
  if (!s.turn_end.empty() || !s.doomed.empty() || !s.dying.empty()) return;
  ASSERT(uv_idle_stop(&s.no_wait) == 0);
  ASSERT(uv_check_stop(&s.turn_end_check) == 0);
}

bool UvLoop::offload(Task work, Task done) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(work && done, "an empty task");
  if (state_->offload == nullptr) return false;
  return state_->offload->post([this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    // What the work holds goes before `done` runs, as whoever waits for it may expect.
    work = nullptr;
    const bool posted = post(std::move(done));
    ASSERT_WHY(posted, "close() joins the pool before it refuses posts");
  });
}

Status UvLoop::on_signal(int signal, Task task) {
  LOOP_ASSERT(*this);
  ASSERT_WHY(task, "an empty task");
  auto watch = std::make_unique<SignalWatch>();
  watch->loop = this;
  watch->task = std::move(task);
  watch->handle.data = watch.get();
  ASSERT(uv_signal_init(&state_->loop, &watch->handle) == 0);
  const auto on_signal = [](uv_signal_t* handle, int) {
    auto* fired = static_cast<SignalWatch*>(handle->data);
    fired->loop->run_timed("signal", fired->task);
  };
  const int code = uv_signal_start(&watch->handle, on_signal, signal);
  // Kept in any case: an initialised handle has to be closed.
  state_->signals.push_back(std::move(watch));
  if (code != 0) return fail(uv_failure(("cannot watch signal " + std::to_string(signal)).c_str(), code));
  return {};
}

uint64_t UvLoop::slow_callbacks() const {
  return state_->slow_callbacks.value();
}

size_t UvLoop::posted_depth() const {
  std::lock_guard lock(state_->mutex);
  return state_->posted.size();
}

size_t UvLoop::offload_depth() const {
  LOOP_ASSERT(*this);
  return state_->offload == nullptr ? 0 : state_->offload->depth();
}

bool UvLoop::has_leftovers() {
  const State& s = *state_;
  return !s.turn_end.empty() || !s.doomed.empty() || !s.dying.empty();
}

bool UvLoop::refuse_posts_if_drained() {
  std::lock_guard lock(state_->mutex);
  if (!state_->posted.empty()) return false;
  state_->refuse_posts = true;
  return true;
}

void UvLoop::close() {
  LOOP_ASSERT(*this);
  State& s = *state_;
  ASSERT_WHY(!s.running && !s.closed, "close() inside run(), or twice");
  // Out of the state first: what runs while it is joined must find that there is no pool any more.
  std::unique_ptr<TaskQueue> pool = std::move(s.offload);
  pool.reset();
  // Each round may leave new work, for instance by destructors that post; the check that nothing is left
  // and the refusal of more are one step under the lock.
  while (has_leftovers() || !refuse_posts_if_drained()) {
    run_posted();
    uv_run(&s.loop, UV_RUN_NOWAIT);
  }
  ASSERT_WHY(s.open_timers == 0, "a timer outlives its loop");
  close_handles();
  s.closed = true;
}

void UvLoop::close_handles() {
  State& s = *state_;
  for (const auto& watch : s.signals) uv_close(as_handle(watch->handle), nullptr);
  uv_close(as_handle(s.no_wait), nullptr);
  uv_close(as_handle(s.turn_end_check), nullptr);
  // Not initialised if create() failed there.
  if (s.wake.type == UV_ASYNC) uv_close(as_handle(s.wake), nullptr);
  const auto check_closing = [](uv_handle_t* handle, void*) {
    ASSERT_WHY(uv_is_closing(handle), uv_handle_type_name(uv_handle_get_type(handle)));
  };
  // Found here, with the kind of the handle, rather than as a wait that never ends.
  uv_walk(&s.loop, check_closing, nullptr);
  // Only close callbacks and requests that cannot be taken back are left.
  uv_run(&s.loop, UV_RUN_DEFAULT);
  ASSERT(uv_loop_close(&s.loop) == 0);
}

}  // namespace colloquium::loop
