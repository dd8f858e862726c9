// SupervisedChild: a program that is started, started again with a growing pause when it ends, and stopped.
//
// Its standard error goes to the log, without what stands in `environment` of its settings: keys, that is. Who
// uses it decides after each end whether there is to be another child.
//
// Life: created → start → … → stop → destroyed in or after stop's callback; destroyed before that, its group is
// killed. Thread safety: loop only. Ownership: loop and clock outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "loop/child_process.h"
#include "loop/log_lines.h"

namespace colloquium::loop {

// How long a child that ended waits for the next one: twice as long each time, from the beginning again once one
// ran as long as the longest wait.
struct ChildBackoff {
  int64_t initial_ms = 1000;
  int64_t max_ms = 30'000;
  Random* jitter = nullptr;  // anything between nothing and that, drawn from it; it outlives the child
};

class SupervisedChild {
 public:
  struct Events {
    UniqueFunction<void(std::string_view)> output;
    UniqueFunction<void()> started;                        // also after a restart
    UniqueFunction<void(ChildExit)> ended;                 // not of a child that was stopped
    UniqueFunction<void(const Error&)> missing = nullptr;  // a restart failed, and is tried again; may be empty
  };
  // For messages.
  struct Name {
    const char* area;  // "exec"
    std::string of;    // "orders/in"
  };

  SupervisedChild(UvLoop& loop, const Clock& clock, Name name, ChildSettings settings, ChildBackoff backoff,
                  Events events);
  ~SupervisedChild();
  SupervisedChild(const SupervisedChild&) = delete;
  SupervisedChild& operator=(const SupervisedChild&) = delete;

  // The first child. One that can't be started is not tried again by itself.
  Status start();

  // Another one, after a pause. REQUIRES: none runs. One that can't be started is tried again.
  void restart_later(const std::string& why);

  // Null while none runs.
  ChildProcess* child() { return child_.get(); }

  // Ends the child: at once with SIGTERM or, if `drain`, by the end of its input; with SIGTERM and SIGKILL when
  // that takes `timeout_ms` each. `gone` runs in a later turn, when nothing is left of it.
  void stop(bool drain, int64_t timeout_ms, Task gone);

 private:
  Status launch();
  void tell(std::string_view line) const;
  void has_ended(ChildExit exit);
  int64_t next_wait_ms();
  void signal_later(int number, int64_t timeout_ms);
  void relaunch();

  UvLoop& loop_;
  const Clock& clock_;
  const Name name_;
  const ChildSettings settings_;
  const ChildBackoff backoff_;
  Events events_;
  std::unique_ptr<ChildProcess> child_;
  std::unique_ptr<LogLines> errors_;
  std::unique_ptr<Timer> timer_;
  int64_t bound_ms_ = 0;  // of the last wait before a restart; 0: none since a child lasted
  int64_t started_ns_ = 0;
  bool stopping_ = false;
  Task gone_;
};

}  // namespace colloquium::loop
