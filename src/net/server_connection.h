// ServerConnection: what the server's core knows of a connection, whichever version of HTTP it speaks; and who
// waits for a route. Private to src/net. Thread safety: loop only.
#pragma once

#include <cstdint>

namespace colloquium::net {

struct LiveRoute;

class ServerConnection {
 public:
  virtual ~ServerConnection() = default;

  virtual void start() = 0;
  // Writes what was answered in this turn.
  virtual void settle_later() = 0;
  // Enforces the time limits.
  virtual void check_time(int64_t now_ms) = 0;
  // Ends when the answers under way are sent.
  virtual void shut_down() = 0;
  virtual void close() = 0;
  // `route` is not served any more; of its handlers nothing is called from now on. For connections that are one
  // route's.
  virtual void route_removed(const LiveRoute&) {}
};

class AdmissionWaiter {
 public:
  virtual ~AdmissionWaiter() = default;
  // Asks the route again that said kWait.
  virtual void admit_again() = 0;
};

}  // namespace colloquium::net
