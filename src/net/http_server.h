// HttpServer: HTTP/1.1 and HTTP/2 on the libuv loop, for ingest and for the admin port alike.
//
// Routes are exact paths; they come and go at run time. Answers to pipelined requests go out in the order of
// the requests. Everything a client can do to the server is bounded by HttpLimits. Backpressure: a connection
// is not read while it has `pipelined` unanswered requests, while it does not take its answers, while a route
// says Admission::kWait, or while its request's body does not fit the body budget (see body_budget_bytes).
//
// Ownership: the loop, the clock and whatever routes refer to outlive the server. Destroying it closes every
// connection at once; the loop has to run one more turn. Thread safety: loop only, but counters().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "colloquium/clock.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "base/counters.h"
#include "net/byte_stream.h"
#include "net/exchange.h"
#include "net/http_parser.h"

namespace colloquium::loop {
class UvLoop;
}

namespace colloquium::net {

class ServerCore;

struct HttpLimits {
  HeadLimits head;
  size_t connections = 10'000;       // beyond: not accepted
  size_t pipelined = 64;             // unanswered requests of one connection
  size_t streams = 100;              // of HTTP/2 at a time on one connection
  size_t unsent_bytes = 256 * 1024;  // answers a client has not taken; beyond: not read
  // Bodies of all requests that have been let in and are not answered, by what has come of them and a piece
  // ahead: a length that is only declared holds no memory. Beyond: the next request waits with its head read, and
  // is let in in its turn. One body is always let in, and one that grows may go beyond: so the most is this and
  // one max_body_bytes (64 + 32 MiB), and that has to stay below what the handler behind takes (an http source's
  // door: 128 MiB).
  size_t body_budget_bytes = 64 << 20;
  size_t buffered_bytes = 512 << 20;  // a hard bound on the bytes of these bodies; beyond: 503
  int64_t head_timeout_ms = 10'000;   // for a whole head, from its first byte
  // A body has to go on by at least body_bytes_min in each of these; while others wait for the budget, it has to
  // be complete within one.
  int64_t body_timeout_ms = 60'000;
  size_t body_bytes_min = 16 * 1024;
  // While others wait for the budget, a body that comes more slowly than a piece in this time keeps no piece
  // ahead.
  int64_t body_pace_ms = 1'000;
  int64_t idle_timeout_ms = 60'000;    // between requests
  int64_t send_timeout_ms = 60'000;    // without the client taking a byte of its answers
  int64_t hold_timeout_ms = 2'000;     // Admission::kWait ends in 503 after this: before webhook senders give up
  int64_t budget_timeout_ms = 10'000;  // waiting for the body budget ends in 503 after this
  int64_t linger_ms = 2'000;           // after a refusal: reading on, so that the answer gets through
  size_t linger_bytes = 1 << 20;
};

// Any thread may read them.
struct HttpCounters {
  Counter connections_accepted;
  Gauge connections_open;
  Counter requests;
  std::array<Counter, 6> responses;  // by first digit of the status; [0] unused
  Counter bytes_in;
  Counter bytes_out;
  Counter timeouts;
  Gauge body_bytes;           // held for unanswered requests
  Gauge body_reserved_bytes;  // of the body budget
  Gauge bodies_waiting;       // for the body budget
};

class HttpServer {
 public:
  HttpServer(loop::UvLoop& loop, const Clock& clock, HttpLimits limits = {}, StreamWrapper wrapper = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `address` as SocketAddress takes it; several calls listen on several. Errors say what to do.
  Status listen(const std::string& address);
  // Where the last listen() listens, with the port taken.
  const std::string& address() const;
  uint16_t port() const;

  // kAlreadyExists if the path is taken.
  Status add_route(Route route);
  // Its handlers are not called any more. Requests for the path, those on their way and those that still come, are
  // answered 503 with `Connection: close` until it is served again: 404 would tell their senders to give up for
  // good. The server keeps the path for that.
  void remove_route(const std::string& path);
  // Asks `admit` again for the connections that wait for this route.
  void resume_route(const std::string& path);

  // The first half of a stop, while handlers still have answers to give: nothing new is accepted, and a connection
  // ends behind the answer after which it owes none. May be called again.
  void wind_down();

  // Stops accepting, finishes what is under way with `Connection: close`, and closes what is left after
  // `deadline_ms`. `stopped` runs once, in a later turn, when no connection is left. Call once.
  void stop(int64_t deadline_ms, Task stopped);

  const HttpCounters& counters() const;

 private:
  std::shared_ptr<ServerCore> core_;  // turn-end tasks and timers see it go by a weak_ptr
};

}  // namespace colloquium::net
