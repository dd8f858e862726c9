// LoopThread: for tests that talk to a real UvLoop from outside, over real sockets.
//
// The loop turns on a thread of its own; the test's thread asks it to do things and waits for them. Tests of
// src/net and of components that use it include this; the product does not.
// Thread safety: on_loop() and wait_for() from the test's thread.
#pragma once

#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::net {

class LoopThread {
 public:
  LoopThread() {
    std::promise<loop::UvLoop*> made;
    std::future<loop::UvLoop*> loop = made.get_future();
    thread_ = std::thread([this, &made] {
      auto created = loop::UvLoop::create(executor_);
      loop::UvLoop& mine = **created;
      made.set_value(&mine);
      mine.run();
      mine.close();
    });
    loop_ = loop.get();
  }
  ~LoopThread() {
    loop_->stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  loop::UvLoop& loop() { return *loop_; }
  const Clock& clock() const { return clock_; }

  // Runs `f` on the loop and gives its result.
  template <class F>
  auto on_loop(F f) {
    using R = decltype(f());
    std::promise<R> promise;
    std::future<R> result = promise.get_future();
    loop_->post([&promise, &f] {
      if constexpr (std::is_void_v<R>) {
        f();
        promise.set_value();
      } else {
        promise.set_value(f());
      }
    });
    return result.get();
  }

  // Runs `f(done)` on the loop and waits until `done` is called; gives what it was called with.
  template <class T, class F>
  T wait_for(F f) {
    std::promise<T> promise;
    std::future<T> result = promise.get_future();
    loop_->post([&promise, &f] { f([&promise](T value) { promise.set_value(std::move(value)); }); });
    return result.get();
  }

 private:
  ThreadExecutor executor_;
  SystemClock clock_;
  loop::UvLoop* loop_ = nullptr;
  std::thread thread_;
};

}  // namespace colloquium::net
