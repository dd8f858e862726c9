// SupervisedChild: a program that is started, started again with a growing pause when it ends, and stopped.
//
// Its standard error goes to the log. Who uses it decides after each end whether there is to be another child.
//
// Life: created → start → … → stop → destroyed in or after stop's callback. Thread safety: loop only. Ownership:
// loop and clock outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "components/exec/exec_config.h"
#include "components/exec/log_lines.h"
#include "loop/child_process.h"

namespace colloquium::components {

class SupervisedChild {
 public:
  struct Events {
    UniqueFunction<void(std::string_view)> output;
    UniqueFunction<void()> started;               // also after a restart
    UniqueFunction<void(loop::ChildExit)> ended;  // not of a child that was stopped
  };

  // `name` is for messages: "orders/in".
  SupervisedChild(loop::UvLoop& loop, const Clock& clock, std::string name, loop::ChildSettings settings,
                  ExecBackoff backoff, Events events);
  ~SupervisedChild();
  SupervisedChild(const SupervisedChild&) = delete;
  SupervisedChild& operator=(const SupervisedChild&) = delete;

  // The first child; a failure is final.
  Status start();

  // Another one, after a pause. REQUIRES: none runs. One that can't be started is tried again.
  void restart_later(const std::string& why);

  // Null while none runs.
  loop::ChildProcess* child() { return child_.get(); }

  // Ends the child: at once with SIGTERM or, if `drain`, by the end of its input; with SIGTERM and SIGKILL when
  // that takes `timeout_ms` each. `gone` runs in a later turn, when nothing is left of it.
  void stop(bool drain, int64_t timeout_ms, Task gone);

 private:
  Status launch();
  void has_ended(loop::ChildExit exit);
  void signal_later(int number, int64_t timeout_ms);
  void relaunch();

  loop::UvLoop& loop_;
  const Clock& clock_;
  const std::string name_;
  const loop::ChildSettings settings_;
  const ExecBackoff backoff_;
  Events events_;
  std::unique_ptr<loop::ChildProcess> child_;
  std::unique_ptr<LogLines> errors_;
  std::unique_ptr<Timer> timer_;
  int64_t wait_ms_ = 0;  // before the last restart; 0: none since a child lasted
  int64_t started_ns_ = 0;
  bool stopping_ = false;
  Task gone_;
};

}  // namespace colloquium::components
