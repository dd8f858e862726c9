#include "net/websocket_connection.h"

#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"
#include "net/request_rules.h"
#include "net/server_core.h"

namespace colloquium::net {
namespace {

// What closes a connection for a message that is refused with this status.
CloseCode code_of(const Response& response) {
  switch (response.status) {
    case 400:
    case 415:
    case 422:
      return CloseCode::kBadData;
    case 413:
      return CloseCode::kTooBig;
    case 429:
    case 503:
      return response.close ? CloseCode::kGoingAway : CloseCode::kTryAgainLater;
    case 500:
      return CloseCode::kInternalError;
    default:
      return CloseCode::kPolicy;
  }
}

}  // namespace

WebSocketRequest::WebSocketRequest(std::shared_ptr<LiveRoute> its_route, const RequestHead& its_head)
    : route(std::move(its_route)), texts(std::make_unique<std::string>(its_head.target)), head(its_head) {
  texts->append(head.path).append(head.query);
  for (const HeaderField& field : its_head.headers) texts->append(field.name).append(field.value);
  std::string_view rest = *texts;
  const auto next = [&rest](size_t bytes) {
    const std::string_view text = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return text;
  };
  head.target = next(head.target.size());
  head.path = next(head.path.size());
  head.query = next(head.query.size());
  for (HeaderField& field : head.headers) {
    field.name = next(field.name.size());
    field.value = next(field.value.size());
  }
  head.method = Method::kPost;
  head.chunked = true;
}

WebSocketConnection::WebSocketConnection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream,
                                         WebSocketRequest request)
    : core_(core),
      id_(id),
      stream_(std::move(stream)),
      rules_(request.route->route.websocket),
      request_(std::move(request)),
      intake_(core, *this),
      heard_ms_(core.now_ms()) {
  rules_->counters->open.add(1);
}

WebSocketConnection::~WebSocketConnection() {
  ASSERT_WHY(stream_ == nullptr, "close() comes first");
}

void WebSocketConnection::start() {
  stream_->start(*this);
  if (request_.route->removed) route_removed(*request_.route);
  update_reading();
}

// Not within a message that waits, nor behind it.
bool WebSocketConnection::takes_frames() const {
  if (close_heard_ || peer_ended_ || !alive()) return false;
  if (closing_) return true;  // until the client's close
  if (!intake_.is_idle()) return intake_.takes_body();
  return answers_.size() < core_.limits().pipelined &&
         stream_->unsent_bytes() + out_.size() < core_.limits().unsent_bytes;
}

void WebSocketConnection::on_bytes(std::string_view bytes) {
  if (!alive()) return;
  const auto self = shared_from_this();
  core_.counters().bytes_in.add(bytes.size());
  heard_ms_ = core_.now_ms();
  pinged_ = false;
  if (close_heard_) {
    dropped_bytes_ += bytes.size();
    if (dropped_bytes_ > core_.limits().linger_bytes) return close();
    return;
  }
  const uint64_t started_ns = loop::UvLoop::callback_clock_ns();
  carry_.append(bytes);
  settle();
  core_.account_callback(started_ns);
}

void WebSocketConnection::consume() {
  in_input_ = true;
  while (takes_frames()) {
    const WebSocketReader::Step step = reader_.next(std::string_view(carry_).substr(carried_));
    carried_ += step.consumed;
    if (step.event == WebSocketReader::Event::kNeedMore) break;
    take(step);
  }
  in_input_ = false;
  if (close_heard_ || !alive()) carried_ = carry_.size();
  carry_.erase(0, std::exchange(carried_, 0));
  if (carry_.empty() && carry_.capacity() > kBufferKeepBytes) carry_ = std::string();
}

void WebSocketConnection::take(const WebSocketReader::Step& step) {
  switch (step.event) {
    case WebSocketReader::Event::kPart:
      return take_part(step);
    case WebSocketReader::Event::kPing:
      // At the end all is read, whether the client takes what it is sent or not: so nothing more is.
      if (!closing_) append_frame(out_, FrameKind::kPong, step.bytes);
      break;
    case WebSocketReader::Event::kClose:
      close_heard_ = true;
      end(step.code, "");
      break;
    case WebSocketReader::Event::kRefused:
      close_heard_ = true;
      end_with(step.code, step.bytes);
      break;
    case WebSocketReader::Event::kPong:
    case WebSocketReader::Event::kNeedMore:
      break;
  }
}

void WebSocketConnection::take_part(const WebSocketReader::Step& step) {
  if (closing_) return;
  if (step.first) begin_message(step);
  if (intake_.is_idle()) return;  // it was refused
  message_bytes_ += step.bytes.size();
  const size_t limit = request_.route->route.max_body_bytes;
  // As soon as its length is known, before its bytes are taken.
  if (message_bytes_ + step.frame_left > limit) return refuse(too_large(limit), false);
  if (!step.bytes.empty()) intake_.on_body(step.bytes);
  if (step.last && !intake_.is_idle()) intake_.on_end();
}

void WebSocketConnection::begin_message(const WebSocketReader::Step& step) {
  text_ = step.text;
  message_bytes_ = 0;
  // Of a message in one frame the length is known: it need not take more of the memory.
  request_.head.content_length.reset();
  if (step.last_frame) request_.head.content_length = step.bytes.size() + step.frame_left;
  request_.head.chunked = !step.last_frame;
  exchange_ = answers_.begin({});
  intake_.begin(request_.route, io::Compression::kNone, false);
}

void WebSocketConnection::handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) {
  if (text_ && !is_utf8(*body)) {
    give_up_message();
    return end_with(CloseCode::kBadData, "the text is no UTF-8");
  }
  rules_->counters->messages.add();
  route->route.handle(Request{request_.head, std::move(body)}, Responder(shared_from_this(), exchange_));
}

// Of a message that is not, or was not, complete: there is no going on behind it.
void WebSocketConnection::refuse(Problem problem, bool) {
  give_up_message();
  end_with(code_of({.status = problem.status, .close = problem.close}), problem.detail);
}

void WebSocketConnection::give_up_message() {
  intake_.abandon();
  core_.release(answers_.at(exchange_).memory);
  answers_.pop_back();
}

void WebSocketConnection::give_back(uint64_t exchange) {
  if (alive() && answers_.contains(exchange)) core_.release(answers_.at(exchange).memory);
}

void WebSocketConnection::answer(uint64_t exchange, const Response& response) {
  if (!alive() || !answers_.contains(exchange)) return;
  PendingAnswer& pending = answers_.at(exchange);
  ASSERT_WHY(!pending.answered, "a message is answered once");
  core_.release(pending.memory);
  pending.answered = true;
  if (rules_->answers) {
    std::string_view body = response.body;
    if (body.ends_with('\n')) body.remove_suffix(1);
    append_frame(answers_.is_front(exchange) ? out_ : pending.bytes, FrameKind::kText, body);
    if (response.close) end_with(CloseCode::kGoingAway, response.problem);
  } else if (response.status >= 300) {
    end_with(code_of(response), response.problem);
  }
  if (answers_.is_front(exchange)) advance_answers();
  touch();
}

void WebSocketConnection::advance_answers() {
  while (!answers_.empty() && answers_.front().answered) {
    out_.append(answers_.front().bytes);
    answers_.pop_front();
  }
}

void WebSocketConnection::end_with(CloseCode code, std::string_view reason) {
  if (!closing_) count(code);
  end(code, reason);
}

// The first reason counts. What has begun to come and is not complete is given up.
void WebSocketConnection::end(CloseCode code, std::string_view reason) {
  if (closing_) return;
  closing_ = Close{code, std::string(reason)};
  if (!intake_.is_idle()) give_up_message();
}

void WebSocketConnection::count(CloseCode code) {
  WebSocketCounters& counters = *rules_->counters;
  if (code == CloseCode::kBadData) counters.closed_bad_data.add();
  if (code == CloseCode::kTooBig) counters.closed_too_big.add();
  if (code == CloseCode::kProtocolError || code == CloseCode::kPolicy) counters.closed_protocol.add();
  if (code == CloseCode::kTryAgainLater) counters.closed_busy.add();
}

void WebSocketConnection::say_close() {
  close_said_ = true;
  close_ms_ = core_.now_ms();
  if (!peer_ended_) append_close(out_, closing_->code, closing_->reason);
}

void WebSocketConnection::settle_later() {
  touched_ = false;
  if (!alive()) return;
  const auto self = shared_from_this();
  settle();
}

void WebSocketConnection::settle() {
  if (in_input_ || !alive()) return;
  consume();
  const bool leaves = core_.ending() && answers_.empty() && intake_.is_idle();
  if (leaves) end_with(CloseCode::kGoingAway, "the server is stopping");
  if (closing_ && answers_.empty() && !close_said_) say_close();
  flush();
  update_reading();
}

void WebSocketConnection::flush() {
  if (!alive()) return;
  if (!core_.write(*stream_, out_, sent_ms_)) return close();
  if (!close_said_ || !(close_heard_ || peer_ended_) || finished_) return;
  finished_ = true;
  close_ms_ = core_.now_ms();
  stream_->finish();
  if (peer_ended_ && stream_->unsent_bytes() == 0) close();
}

void WebSocketConnection::touch() {
  if (in_input_ || touched_ || !alive()) return;
  touched_ = true;
  core_.write_later(shared_from_this());
}

void WebSocketConnection::update_reading() {
  if (!alive()) return;
  stream_->set_reading(close_heard_ ? !peer_ended_ : takes_frames());
}

void WebSocketConnection::on_sent() {
  if (!alive()) return;
  const auto self = shared_from_this();
  sent_ms_ = core_.now_ms();
  if (finished_) {
    close_ms_ = sent_ms_;
    if (peer_ended_ && stream_->unsent_bytes() == 0) close();
    return;
  }
  settle();
}

// Without a close. What was received is answered all the same: the client may still be reading.
void WebSocketConnection::on_end() {
  if (!alive()) return;
  const auto self = shared_from_this();
  peer_ended_ = true;
  if (finished_ && stream_->unsent_bytes() == 0) return close();
  end(CloseCode::kNormal, "");
  settle();
}

void WebSocketConnection::on_broken() {
  const auto self = shared_from_this();
  close();
}

void WebSocketConnection::close() {
  if (!alive()) return;
  intake_.abandon();
  while (!answers_.empty()) {
    core_.release(answers_.front().memory);
    answers_.pop_front();
  }
  stream_.reset();
  request_.route.reset();
  rules_->counters->open.add(-1);
  core_.gone(id_);
}

void WebSocketConnection::shut_down() {
  if (!alive()) return;
  const auto self = shared_from_this();
  end_with(CloseCode::kGoingAway, "the server is stopping");
  settle();
}

void WebSocketConnection::route_removed(const LiveRoute& route) {
  if (!alive() || request_.route.get() != &route) return;
  const auto self = shared_from_this();
  end_with(CloseCode::kGoingAway, "what was served here is being stopped, or has been");
  request_.route.reset();
  settle();
}

void WebSocketConnection::check_time(int64_t now_ms) {
  if (!alive()) return;
  const auto self = shared_from_this();
  const HttpLimits& limits = core_.limits();
  if (stream_->unsent_bytes() > 0 && now_ms - sent_ms_ >= limits.send_timeout_ms) {
    core_.counters().timeouts.add();
    return close();
  }
  if (close_said_) {
    const bool over = stream_->unsent_bytes() == 0 && now_ms - close_ms_ >= limits.linger_ms;
    if (over && finished_) return close();
    if (over) close_heard_ = true;  // it does not come
    return settle();
  }
  // Whoever waits outside holds nothing up.
  if (!intake_.is_outside()) intake_.check_time(now_ms);
  check_idle(now_ms);
  settle();
}

void WebSocketConnection::check_idle(int64_t now_ms) {
  if (!takes_frames()) heard_ms_ = now_ms;  // it is not listened to
  const int64_t silent_ms = now_ms - heard_ms_;
  if (closing_ || rules_->idle_timeout_ms == 0 || silent_ms < rules_->idle_timeout_ms / 2) return;
  if (silent_ms >= rules_->idle_timeout_ms) {
    rules_->counters->closed_idle.add();
    return end_with(CloseCode::kGoingAway, "nothing was heard for too long");
  }
  if (std::exchange(pinged_, true)) return;
  append_frame(out_, FrameKind::kPing, "");
}

}  // namespace colloquium::net
