#include "net/server_core.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <uv.h>

#include "base/assert.h"
#include "base/logging.h"
#include "loop/uv_loop.h"
#include "net/http2_connection.h"
#include "net/http_connection.h"
#include "net/http_date.h"
#include "net/websocket_connection.h"

namespace colloquium::net {
namespace {

// The wall clock is asked for the Date header at most this often.
constexpr int64_t kDateAgeMs = 200;

// Ids are unique in the process: they serve as order keys, and a source may sit behind several servers.
uint64_t next_connection_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

std::shared_ptr<const std::string> make_empty_body() {
  auto body = std::make_shared<std::string>();
  body->reserve(kBodyPadding);
  return body;
}

// Time limits are checked by going over all connections, often enough that the shortest is kept within a
// quarter: a timer per request would cost more than the request.
int64_t sweep_interval_ms(const HttpLimits& limits) {
  const int64_t shortest =
      std::min({limits.head_timeout_ms, limits.body_timeout_ms, limits.body_pace_ms, limits.idle_timeout_ms,
                limits.send_timeout_ms, limits.hold_timeout_ms, limits.budget_timeout_ms, limits.linger_ms});
  return std::clamp<int64_t>(shortest / 4, 5, 1000);
}

}  // namespace

ServerCore::ServerCore(loop::UvLoop& loop, const Clock& clock, HttpLimits limits, StreamWrapper wrapper)
    : loop_(loop),
      clock_(clock),
      limits_(limits),
      wrapper_(std::move(wrapper)),
      empty_body_(make_empty_body()),
      budget_(limits.body_budget_bytes, counters_.body_reserved_bytes, counters_.bodies_waiting,
              [this] { grant_later(); }) {
  ASSERT(limits_.pipelined > 0 && limits_.connections > 0);
}

ServerCore::~ServerCore() {
  ASSERT_WHY(connections_.empty(), "abandon() comes first");
}

Loop& ServerCore::loop() {
  return loop_;
}

int64_t ServerCore::now_ms() const {
  return static_cast<int64_t>(uv_now(loop_.handle()));
}

void ServerCore::account_callback(uint64_t started_ns) {
  loop_.account_callback("http request", started_ns);
}

std::string_view ServerCore::date() {
  const int64_t now = now_ms();
  if (date_read_ms_ < 0 || now - date_read_ms_ >= kDateAgeMs) {
    date_ = format_http_date(clock_.wall_ms());
    date_read_ms_ = now;
  }
  return date_;
}

// The exact path, else the longest of those that stand for everything below them.
std::shared_ptr<LiveRoute> ServerCore::find_route(std::string_view path) const {
  const auto found = routes_.find(path);
  if (found != routes_.end()) return found->second;
  // No longer than there are any: a path of nothing but slashes costs no more than another.
  for (size_t end = std::min(path.size(), prefix_bytes_max_ + 1); end > 1;) {
    const size_t slash = path.rfind('/', end - 2);
    if (slash == path.npos) break;
    const auto prefix = prefixes_.find(path.substr(0, slash + 1));
    if (prefix != prefixes_.end()) return prefix->second;
    end = slash + 1;
  }
  return nullptr;
}

void ServerCore::reword(const RequestHead& head, Problem& problem) const {
  const auto route = find_route(head.path);
  if (route != nullptr && route->route.reword) route->route.reword(head, problem);
}

// Where the route of this path stands, and by which key.
ServerCore::Routes& ServerCore::routes_of(const std::string& path, std::string& key) {
  const bool is_prefix = path.ends_with("/*");
  key = path.substr(0, path.size() - (is_prefix ? 1 : 0));
  return is_prefix ? prefixes_ : routes_;
}

void ServerCore::hold(size_t bytes) {
  held_ += bytes;
  counters_.body_bytes.set(static_cast<int64_t>(held_));
}

void ServerCore::release(size_t bytes) {
  ASSERT(bytes <= held_);
  held_ -= bytes;
  counters_.body_bytes.set(static_cast<int64_t>(held_));
}

void ServerCore::release(RequestMemory& memory) {
  budget_.give_back(memory.hold);
  release(std::exchange(memory.body_bytes, 0));
}

// At the end of the turn: whoever gave something back stands in the middle of its own work.
void ServerCore::grant_later() {
  if (granting_) return;
  granting_ = true;
  loop_.at_turn_end([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->granting_ = false;
    self->budget_.grant();
  });
}

Status ServerCore::listen(const std::string& address) {
  LOOP_ASSERT(loop_);
  ASSERT(!stopping_);
  // The listener goes before the core does.
  TRY_ASSIGN(auto listener,
             TcpListener::listen(loop_.handle(), address,
                                 [this](std::unique_ptr<ByteStream> stream) { connected(std::move(stream)); }));
  listeners_.push_back(std::move(listener));
  if (sweep_timer_ == nullptr) start_sweep();
  return {};
}

void ServerCore::connected(std::unique_ptr<ByteStream> stream) {
  if (wrapper_) stream = wrapper_(std::move(stream));
  const uint64_t id = next_connection_id();
  auto connection = std::make_shared<HttpConnection>(*this, id, std::move(stream));
  connections_.emplace(id, connection);
  counters_.connections_accepted.add();
  counters_.connections_open.set(static_cast<int64_t>(connections_.size()));
  if (connections_.size() >= limits_.connections) {
    for (const auto& listener : listeners_) listener->set_accepting(false);
    log_warning("http", "as many connections as allowed; new ones wait", {{"connections", connections_.size()}});
  }
  connection->start();
}

void ServerCore::speak_http2(uint64_t connection, std::unique_ptr<ByteStream> stream, std::string begun) {
  auto taker = std::make_shared<Http2Connection>(*this, connection, std::move(stream));
  connections_.insert_or_assign(connection, taker);
  taker->start();
  taker->on_bytes(begun);
}

void ServerCore::speak_websocket(uint64_t connection, std::unique_ptr<ByteStream> stream, WebSocketRequest request,
                                 std::string begun) {
  auto taker = std::make_shared<WebSocketConnection>(*this, connection, std::move(stream), std::move(request));
  connections_.insert_or_assign(connection, taker);
  taker->start();
  if (!begun.empty()) taker->on_bytes(begun);
}

void ServerCore::gone(uint64_t connection) {
  const size_t before = connections_.size();
  connections_.erase(connection);
  counters_.connections_open.set(static_cast<int64_t>(connections_.size()));
  if (stopping_ && connections_.empty()) return report_stopped();
  if (before < limits_.connections) return;
  // Not within the closing connection's own callback.
  loop_.at_turn_end([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->connections_.size() >= self->limits_.connections) return;
    for (const auto& listener : self->listeners_) listener->set_accepting(true);
  });
}

bool ServerCore::write(ByteStream& stream, std::string& out, int64_t& sent_ms) {
  if (out.empty()) return true;
  const bool waiting = stream.unsent_bytes() > 0;
  counters_.bytes_out.add(out.size());
  if (!stream.write(out)) return false;
  out.clear();
  if (out.capacity() > kBufferKeepBytes) out = std::string();
  if (!waiting) sent_ms = now_ms();
  return true;
}

void ServerCore::write_later(std::shared_ptr<ServerConnection> connection) {
  to_write_.push_back(std::move(connection));
  if (to_write_.size() > 1) return;
  loop_.at_turn_end([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->write_all();
  });
}

void ServerCore::write_all() {
  Connections now;
  now.swap(to_write_);
  for (const auto& connection : now) connection->settle_later();
  // Keeps the memory for the next turn, unless a handler has put something in meanwhile.
  now.clear();
  if (to_write_.empty()) to_write_.swap(now);
}

ServerCore::Connections ServerCore::all_connections() const {
  Connections all;
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  return all;
}

void ServerCore::start_sweep() {
  sweep_timer_ = loop_.start_timer(sweep_interval_ms(limits_), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->sweep();
  });
}

void ServerCore::sweep() {
  const int64_t now = now_ms();
  for (const auto& connection : all_connections()) connection->check_time(now);
  start_sweep();
}

Status ServerCore::add_route(Route route) {
  LOOP_ASSERT(loop_);
  ASSERT(route.handle != nullptr);
  std::string key;
  Routes& routes = routes_of(route.path, key);
  const auto before = routes.find(key);
  if (before != routes.end() && !before->second->removed) {
    return fail(ErrorCode::kAlreadyExists,
                "the path " + route.path + " is served already; give every http source a path of its own");
  }
  auto live = std::make_shared<LiveRoute>();
  live->route = std::move(route);
  if (&routes == &prefixes_) prefix_bytes_max_ = std::max(prefix_bytes_max_, key.size());
  routes.insert_or_assign(key, live);
  return {};
}

void ServerCore::remove_route(const std::string& path) {
  LOOP_ASSERT(loop_);
  std::string key;
  Routes& routes = routes_of(path, key);
  const auto found = routes.find(key);
  if (found == routes.end() || found->second->removed) return;
  // The route itself goes, as soon as no request holds it: its handlers may refer to what dies now.
  auto gone = std::make_shared<LiveRoute>();
  gone->route.path = path;
  gone->route.reword = found->second->route.reword;
  gone->removed = true;
  const std::shared_ptr<LiveRoute> route = std::exchange(found->second, std::move(gone));
  route->removed = true;
  resume(*route);
  for (const auto& connection : all_connections()) connection->route_removed(*route);
}

void ServerCore::resume_route(const std::string& path) {
  LOOP_ASSERT(loop_);
  std::string key;
  const Routes& routes = routes_of(path, key);
  const auto found = routes.find(key);
  if (found == routes.end() || found->second->resuming) return;
  const std::shared_ptr<LiveRoute> route = found->second;
  route->resuming = true;
  // At the end of the turn: the caller may stand within `admit`.
  loop_.at_turn_end([weak = weak_from_this(), route] {
    route->resuming = false;
    if (const auto self = weak.lock()) self->resume(*route);
  });
}

void ServerCore::resume(LiveRoute& route) {
  std::vector<std::weak_ptr<AdmissionWaiter>> waiting;
  waiting.swap(route.waiting);
  for (const auto& weak : waiting) {
    if (const auto waiter = weak.lock()) waiter->admit_again();
  }
}

void ServerCore::wind_down() {
  LOOP_ASSERT(loop_);
  winding_down_ = true;
  listeners_.clear();
}

void ServerCore::stop(int64_t deadline_ms, Task stopped) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(!stopping_, "stop is called once");
  stopping_ = true;
  stopped_ = std::move(stopped);
  listeners_.clear();
  if (connections_.empty()) return report_stopped();
  for (const auto& connection : all_connections()) connection->shut_down();
  stop_timer_ = loop_.start_timer(deadline_ms, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    for (const auto& connection : self->all_connections()) connection->close();
  });
}

void ServerCore::report_stopped() {
  if (!stopped_) return;
  loop_.post([stopped = std::move(stopped_)]() mutable { stopped(); });
  stopped_ = nullptr;
}

void ServerCore::abandon() {
  listeners_.clear();
  sweep_timer_.reset();
  stop_timer_.reset();
  stopped_ = nullptr;
  for (const auto& connection : all_connections()) connection->close();
  to_write_.clear();
}

HttpServer::HttpServer(loop::UvLoop& loop, const Clock& clock, HttpLimits limits, StreamWrapper wrapper)
    : core_(std::make_shared<ServerCore>(loop, clock, limits, std::move(wrapper))) {}

HttpServer::~HttpServer() {
  core_->abandon();
}

Status HttpServer::listen(const std::string& address) {
  return core_->listen(address);
}

const std::string& HttpServer::address() const {
  ASSERT_WHY(core_->listener() != nullptr, "listen() comes first");
  return core_->listener()->address();
}

uint16_t HttpServer::port() const {
  ASSERT_WHY(core_->listener() != nullptr, "listen() comes first");
  return core_->listener()->port();
}

Status HttpServer::add_route(Route route) {
  return core_->add_route(std::move(route));
}
void HttpServer::remove_route(const std::string& path) {
  core_->remove_route(path);
}
void HttpServer::resume_route(const std::string& path) {
  core_->resume_route(path);
}
void HttpServer::wind_down() {
  core_->wind_down();
}
void HttpServer::stop(int64_t deadline_ms, Task stopped) {
  core_->stop(deadline_ms, std::move(stopped));
}
const HttpCounters& HttpServer::counters() const {
  return core_->counters();
}

}  // namespace colloquium::net
