// DeadRoute: settling dead letters over the admin port of a process that runs.
//
//   POST /api/v1/dead-letters   body: DeadRequest as JSON; answers {"events":N,"left":M}
//
// One request at a time, as the same letter must not be put back by two. Thread safety: loop only.
#pragma once

#include <atomic>
#include <memory>

#include "colloquium/executor.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "log/segment_log.h"
#include "net/exchange.h"

namespace colloquium::net {
class HttpServer;
}

namespace colloquium::app {

class DeadRoute {
 public:
  // References outlive it.
  DeadRoute(log::SegmentLog& log, Executor& executor, Loop& loop) : log_(log), executor_(executor), loop_(loop) {}
  // Waits until what is under way has ended, which is soon.
  ~DeadRoute();

  Status add_to(net::HttpServer& server);

 private:
  void handle(const net::Request& request, net::Responder responder);

  log::SegmentLog& log_;
  Executor& executor_;
  Loop& loop_;
  std::atomic<bool> stop_{false};
  std::shared_ptr<Signal> under_way_;                       // null: nothing is
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // for what the loop runs after the end
};

}  // namespace colloquium::app
