// ServerCore: what the connections of an HttpServer share. Private to src/net.
//
// Lives as long as its HttpServer; connections are told (ServerConnection::close) before it goes, and tasks
// that outlive it hold a weak_ptr. Thread safety: loop only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "colloquium/loop.h"

#include "io/compress.h"
#include "net/body_budget.h"
#include "net/http_server.h"
#include "net/request_intake.h"
#include "net/server_connection.h"
#include "net/tcp.h"

namespace colloquium::net {

// A route and the connections that wait for it. Requests under way keep it alive after its removal; in its place
// stands then one that is removed from the beginning.
struct LiveRoute {
  Route route;
  bool removed = false;
  bool resuming = false;  // a turn-end task is on its way
  std::vector<std::weak_ptr<AdmissionWaiter>> waiting;
  size_t purge_at = 1024;

  // Those that have gone meanwhile are left out now and then: a route may be full for hours.
  void wait(std::weak_ptr<AdmissionWaiter> waiter) {
    if (waiting.size() >= purge_at) {
      std::erase_if(waiting, [](const auto& other) { return other.expired(); });
      purge_at = std::max<size_t>(1024, 2 * waiting.size());
    }
    waiting.push_back(std::move(waiter));
  }
};

struct WebSocketRequest;

// Buffers that have grown beyond this are given back when they are empty.
inline constexpr size_t kBufferKeepBytes = 64 * 1024;

class ServerCore : public std::enable_shared_from_this<ServerCore> {
 public:
  ServerCore(loop::UvLoop& loop, const Clock& clock, HttpLimits limits, StreamWrapper wrapper);
  ~ServerCore();

  const HttpLimits& limits() const { return limits_; }
  HttpCounters& counters() { return counters_; }
  Loop& loop();
  io::Decompressor& decompressor() { return decompressor_; }

  // The loop's own time: set once per turn, so it costs nothing to ask.
  int64_t now_ms() const;
  void account_callback(uint64_t started_ns);
  std::string_view date();
  bool stopping() const { return stopping_; }
  // Connections end as soon as they owe no answer; stopping is more: then nothing is read any more.
  bool ending() const { return winding_down_ || stopping_; }

  std::shared_ptr<LiveRoute> find_route(std::string_view path) const;
  // A refusal of what was asked with this head, in the words of its route.
  void reword(const RequestHead& head, Problem& problem) const;

  // Bodies of unanswered requests, all connections together. False if `bytes` more are too many.
  bool fits(uint64_t bytes) const {
    return bytes <= limits_.buffered_bytes - std::min(limits_.buffered_bytes, held_);
  }
  void hold(size_t bytes);
  void release(size_t bytes);
  void release(RequestMemory& memory);
  // What may be read: see HttpLimits::body_budget_bytes.
  BodyBudget& budget() { return budget_; }
  // A body without content, with its padding.
  const std::shared_ptr<const std::string>& empty_body() const { return empty_body_; }

  // Writes what a connection of HTTP/1.1 or WebSocket has to send, and empties it; `sent_ms` is when the client
  // took something last. False if the stream is broken.
  [[nodiscard]] bool write(ByteStream& stream, std::string& out, int64_t& sent_ms);
  // Has `connection` write what it has at the end of this turn: answers that come in one turn share a write.
  void write_later(std::shared_ptr<ServerConnection> connection);
  // `connection` has found that its client speaks HTTP/2, by `begun`; another takes its place.
  void speak_http2(uint64_t connection, std::unique_ptr<ByteStream> stream, std::string begun);
  // Likewise with WebSocket, behind its handshake.
  void speak_websocket(uint64_t connection, std::unique_ptr<ByteStream> stream, WebSocketRequest request,
                       std::string begun);
  // `connection` has closed.
  void gone(uint64_t connection);

  // HttpServer's side.
  Status listen(const std::string& address);
  const TcpListener* listener() const { return listeners_.empty() ? nullptr : listeners_.back().get(); }
  Status add_route(Route route);
  void remove_route(const std::string& path);
  void resume_route(const std::string& path);
  void wind_down();
  void stop(int64_t deadline_ms, Task stopped);
  void abandon();

 private:
  // Lets a string_view look up a string without making one.
  struct PathHash {
    using is_transparent = void;
    size_t operator()(std::string_view path) const { return std::hash<std::string_view>{}(path); }
  };
  using Routes = std::unordered_map<std::string, std::shared_ptr<LiveRoute>, PathHash, std::equal_to<>>;
  using Connections = std::vector<std::shared_ptr<ServerConnection>>;

  Routes& routes_of(const std::string& path, std::string& key);
  void connected(std::unique_ptr<ByteStream> stream);
  void write_all();
  void start_sweep();
  void sweep();
  void resume(LiveRoute& route);
  void grant_later();
  void report_stopped();
  Connections all_connections() const;

  loop::UvLoop& loop_;
  const Clock& clock_;
  const HttpLimits limits_;
  const StreamWrapper wrapper_;
  const std::shared_ptr<const std::string> empty_body_;
  HttpCounters counters_;
  BodyBudget budget_;
  io::Decompressor decompressor_;
  std::vector<std::unique_ptr<TcpListener>> listeners_;
  Routes routes_;    // by exact path
  Routes prefixes_;  // "/in/*" by "/in/"
  size_t prefix_bytes_max_ = 0;
  std::unordered_map<uint64_t, std::shared_ptr<ServerConnection>> connections_;
  Connections to_write_;
  std::unique_ptr<Timer> sweep_timer_;
  std::unique_ptr<Timer> stop_timer_;
  Task stopped_;
  std::string date_;
  int64_t date_read_ms_ = -1;
  size_t held_ = 0;
  bool granting_ = false;  // a turn-end task is on its way
  bool winding_down_ = false;
  bool stopping_ = false;
};

}  // namespace colloquium::net
