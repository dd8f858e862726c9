// ExecLoop: a loop on the test's own thread, turned until something holds.
//
// Thread safety: the test's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::components {

class ExecLoop {
 public:
  ExecLoop() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
  }
  ~ExecLoop() {
    loop->close();
    set_log_writer(nullptr);
  }
  // The test's own time limit ends what never comes true.
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop->run();
  }
  bool logged(const std::string& text) const { return log.find(text) != log.npos; }

  std::string log;
  ThreadExecutor executor;
  std::unique_ptr<loop::UvLoop> loop = loop::UvLoop::create(executor).value();

 private:
  void look_again(std::function<bool()> done) {
    timer_ = loop->start_timer(1, [this, done] {
      const auto fired = std::move(timer_);
      if (done()) return loop->stop();
      look_again(done);
    });
  }
  std::unique_ptr<Timer> timer_;
};

}  // namespace colloquium::components
