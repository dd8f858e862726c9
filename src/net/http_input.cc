// The input half of HttpConnection: from bytes to handlers.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"
#include "net/http_connection.h"
#include "net/request_rules.h"
#include "net/server_core.h"
#include "net/websocket_handshake.h"

namespace colloquium::net {
namespace {

// While requests wait for memory, heads are read with no more of their bodies than this: what is read of a
// body before it is let in counts in no budget.
constexpr size_t kCrowdedReadBytes = 4 * 1024;
}  // namespace

size_t HttpConnection::read_bytes_max() const {
  return input_ == Input::kHead && core_.budget().is_awaited() ? kCrowdedReadBytes
                                                               : std::numeric_limits<size_t>::max();
}

void HttpConnection::on_bytes(std::string_view bytes) {
  if (!alive()) return;
  const auto self = shared_from_this();
  core_.counters().bytes_in.add(bytes.size());
  if (input_ == Input::kDrop) {
    dropped_bytes_ += bytes.size();
    if (finished_ && dropped_bytes_ > core_.limits().linger_bytes) return close();
    return update_reading();
  }
  if (!used_ && begins_http2(bytes)) return;
  const uint64_t started_ns = loop::UvLoop::callback_clock_ns();
  in_input_ = true;
  if (carried_ == carry_.size()) {
    const size_t used = consume(bytes);
    if (used < bytes.size()) carry_.assign(bytes.substr(used));
  } else {
    carry_.append(bytes);
    consume_carried();
  }
  in_input_ = false;
  settle();
  core_.account_callback(started_ns);
}

// A client that speaks HTTP/2 says so in its first bytes, whether it was agreed on under TLS or known before. True
// if they are, or may be once there are more of them.
bool HttpConnection::begins_http2(std::string_view bytes) {
  const size_t carried = carry_.size();
  if (carried >= kHttp2Preface.size() || carried_ != 0 || input_ != Input::kHead) return false;
  const size_t compared = std::min(kHttp2Preface.size() - carried, bytes.size());
  if (kHttp2Preface.substr(carried, compared) != bytes.substr(0, compared)) return false;
  if (carried > 0 && kHttp2Preface.substr(0, carried) != carry_) return false;
  carry_.append(bytes);
  if (carry_.size() >= kHttp2Preface.size()) {
    hand_over();
  } else if (input_since_ms_ == 0) {
    input_since_ms_ = core_.now_ms();
  }
  return true;
}

// What has come so far is the other's.
void HttpConnection::hand_over() {
  input_ = Input::kClosed;
  core_.speak_http2(id_, std::move(stream_), std::move(carry_));
}

bool HttpConnection::wants_input() const {
  switch (input_) {
    case Input::kHead:
      return !peer_ended_ && !last_request_ && !core_.stopping() && answers_.size() < core_.limits().pipelined &&
             stream_->unsent_bytes() + out_.size() < core_.limits().unsent_bytes;
    case Input::kRequest:
      return intake_.takes_body();
    case Input::kSkip:
      return true;
    case Input::kSwitch:
    case Input::kDrop:
    case Input::kClosed:
      break;
  }
  return false;
}

size_t HttpConnection::consume(std::string_view input) {
  size_t used = 0;
  while (wants_input()) {
    const HttpParser::Step step = parser_.next(input.substr(used));
    used += step.consumed;
    if (step.event == HttpParser::Event::kNeedMore) break;
    take(step);
  }
  if (input_ == Input::kDrop || input_ == Input::kClosed) return input.size();
  if (!parser_.in_head()) {
    parser_.keep_head();
  } else if (used < input.size() && wants_input() && input_since_ms_ == 0) {
    input_since_ms_ = core_.now_ms();  // a head has begun
  }
  return used;
}

size_t HttpConnection::consume_carried() {
  const size_t used = consume(std::string_view(carry_).substr(carried_));
  carried_ += used;
  ASSERT(carried_ <= carry_.size());
  if (carried_ == carry_.size() || carried_ > kBufferKeepBytes) {
    carry_.erase(0, carried_);
    carried_ = 0;
    if (carry_.empty() && carry_.capacity() > kBufferKeepBytes) carry_ = std::string();
  }
  return used;
}

void HttpConnection::take(const HttpParser::Step& step) {
  switch (step.event) {
    case HttpParser::Event::kHead:
      return on_head();
    case HttpParser::Event::kBody:
      if (input_ == Input::kRequest) intake_.on_body(step.body);
      break;
    case HttpParser::Event::kMessage:
      return on_message();
    case HttpParser::Event::kRefused:
      return input_ == Input::kHead ? refuse_connection(parser_.refusal()) : refuse(parser_.refusal());
    case HttpParser::Event::kNeedMore:
      break;
  }
}

void HttpConnection::on_head() {
  RequestHead& head = parser_.head();
  head.connection = id_;
  head.peer = stream_->peer();
  head.peer_name = stream_->peer_name();
  used_ = true;
  last_request_ = !head.keep_alive;
  input_since_ms_ = 0;
  core_.counters().requests.add();
  exchange_ = answers_.begin({.head_only = head.method == Method::kHead,
                              .old_version = head.version_minor == 0,
                              .keep_alive = head.keep_alive});
  const std::shared_ptr<LiveRoute> route = core_.find_route(head.path);
  if (route != nullptr && route->removed) return refuse(not_served_now());
  std::optional<Problem> foreign;
  if (route != nullptr) foreign = check_origin(route->route, head, answers_.at(exchange_).origin);
  if (head.method == Method::kOptions && (route != nullptr || head.path == "*")) {
    return answer_options(route.get());
  }
  if (route != nullptr && route->route.websocket != nullptr && asks_for_websocket(head)) {
    foreign = check_upgrade(route->route, head, std::move(foreign));
  }
  if (foreign) return refuse(std::move(*foreign));
  io::Compression coding = io::Compression::kNone;
  if (auto problem = check_head(route.get(), head, coding)) return refuse(std::move(*problem));
  input_ = Input::kRequest;
  intake_.begin(route, coding, false);
}

std::optional<Problem> HttpConnection::check_head(const LiveRoute* route, const RequestHead& head,
                                                  io::Compression& coding) {
  if (auto problem = check_route(route, head)) return problem;
  if (auto problem = check_coding(head, coding)) return problem;
  return check_size(core_, route->route, head);
}

void HttpConnection::answer_options(const LiveRoute* route) {
  const bool close = parser_.head().has_body();
  input_ = close ? Input::kDrop : Input::kSkip;
  net::answer_options(*this, exchange_, route, parser_.head(), answers_.at(exchange_).origin, close);
}

void HttpConnection::on_let_in() {
  if (!parser_.head().has_body() || !parser_.head().expects_continue) return;
  answers_.at(exchange_).wants_continue = true;
  advance_answers();
}

void HttpConnection::on_message() {
  if (input_ == Input::kRequest) return intake_.on_end();
  ASSERT(input_ == Input::kSkip);
  request_ended();
}

// Between requests again.
void HttpConnection::request_ended() {
  input_ = Input::kHead;
  input_since_ms_ = 0;
  idle_since_ms_ = core_.now_ms();
}

void HttpConnection::handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) {
  if (route->route.websocket != nullptr && asks_for_websocket(parser_.head())) {
    return switch_to_websocket(std::move(route));
  }
  request_ended();
  route->route.handle(Request{parser_.head(), std::move(body)}, Responder(shared_from_this(), exchange_));
}

// Before it is asked for admission: what is wrong with it whoever sends it. Counted, as nobody else sees it.
std::optional<Problem> HttpConnection::check_upgrade(const Route& route, const RequestHead& head,
                                                     std::optional<Problem> foreign) const {
  WebSocketCounters& counters = *route.websocket->counters;
  if (!foreign) foreign = check_websocket_origin(route, head);
  if (foreign) counters.refused_origin.add();
  if (foreign) return foreign;
  std::optional<Problem> problem = check_websocket(head);
  // What was asked before is to be answered in HTTP, so it has to be answered by now.
  if (!problem && answers_.size() > 1) {
    problem = Problem{.status = 400, .detail = "ask for WebSocket when the requests before are answered"};
  }
  if (problem) counters.refused_handshake.add();
  return problem;
}

void HttpConnection::switch_to_websocket(std::shared_ptr<LiveRoute> route) {
  ASSERT(answers_.is_front(exchange_));
  const WebSocketRules& rules = *route->route.websocket;
  if (rules.counters->open.value() >= static_cast<int64_t>(rules.connections)) {
    rules.counters->refused_limit.add();
    request_ended();
    return answer_problem(*this, exchange_, busy("as many WebSocket connections are open here as may be"));
  }
  core_.counters().responses[1].add();
  append_switch(out_, parser_.head(), core_.date());
  switched_ = std::make_unique<WebSocketRequest>(std::move(route), parser_.head());
  release(answers_.front());
  answers_.pop_front();
  input_ = Input::kSwitch;
}

// The answer is written. What has come behind the request is the other's.
void HttpConnection::hand_over_websocket() {
  input_ = Input::kClosed;
  carry_.erase(0, carried_);
  core_.speak_websocket(id_, std::move(stream_), std::move(*switched_), std::move(carry_));
}

// Answers the request being read. The connection goes on behind it if what is left of the body is known to be
// short and certain to come; after Expect, or when it came too slowly, it is not certain.
void HttpConnection::refuse(Problem problem, bool complete) {
  core_.reword(parser_.head(), problem);
  intake_.abandon();
  if (complete) {
    request_ended();
    return answer_problem(*this, exchange_, problem);
  }
  const RequestHead& head = parser_.head();
  const bool short_rest = !head.chunked && head.content_length.value_or(0) <= kSkipBytesMax;
  const bool keep = !head.has_body() || (short_rest && !head.expects_continue);
  problem.close = problem.close || !keep || problem.status == 408;
  answers_.at(exchange_).wants_continue = false;
  if (problem.close) {
    drop_input();
  } else {
    input_ = Input::kSkip;
  }
  input_since_ms_ = core_.now_ms();
  answer_problem(*this, exchange_, problem);
}

// What came is no request at all.
void HttpConnection::refuse_connection(Problem problem) {
  core_.counters().requests.add();
  exchange_ = answers_.begin({.keep_alive = false});
  drop_input();
  problem.close = true;
  answer_problem(*this, exchange_, problem);
}

void HttpConnection::drop_input() {
  intake_.abandon();
  input_ = Input::kDrop;
}

void HttpConnection::on_end() {
  if (!alive()) return;
  const auto self = shared_from_this();
  peer_ended_ = true;
  const bool complete = input_ == Input::kRequest && intake_.is_complete();
  // The request being read will never be complete, so nothing will answer it.
  if (input_ == Input::kRequest && !complete) {
    intake_.abandon();
    release(answers_.at(exchange_));
    answers_.pop_back();
  }
  if (finished_ && stream_->unsent_bytes() == 0) return close();
  if (!complete) drop_input();
  if (answers_.empty()) end_after_answers();
  settle();
}

void HttpConnection::on_broken() {
  const auto self = shared_from_this();
  close();
}

}  // namespace colloquium::net
