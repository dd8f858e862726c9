// HttpConnection's life, output half and time limits; its input half is http_input.cc.
#include "net/http_connection.h"

#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/request_rules.h"
#include "net/server_core.h"

namespace colloquium::net {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
}  // namespace

HttpConnection::HttpConnection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream)
    : core_(core),
      id_(id),
      stream_(std::move(stream)),
      parser_(core.limits().head),
      intake_(core, *this),
      input_since_ms_(0),
      idle_since_ms_(core.now_ms()) {}

HttpConnection::~HttpConnection() {
  ASSERT_WHY(input_ == Input::kClosed, "close() comes first");
}

void HttpConnection::start() {
  stream_->start(*this);
  update_reading();
}

bool HttpConnection::is_last_answer(const PendingAnswer& pending) const {
  if (!pending.keep_alive) return true;
  const bool no_more = core_.ending() || peer_ended_ || input_ == Input::kDrop;
  return no_more && answers_.size() == 1;
}

void HttpConnection::answer(uint64_t exchange, const Response& response) {
  if (!alive() || !answers_.contains(exchange)) return;  // gone, or behind an answer that closed
  PendingAnswer& pending = answers_.at(exchange);
  ASSERT_WHY(!pending.answered, "a request is answered once");
  core_.counters().responses[static_cast<size_t>(response.status / 100)].add();
  release(pending);
  pending.answered = true;
  const bool front = answers_.is_front(exchange);
  append_head(pending, front, response, BodyEnd::kLength);
  if (front) advance_answers();
  write_soon();
}

// With a length, the body as well.
void HttpConnection::append_head(PendingAnswer& pending, bool front, const Response& response, BodyEnd end) {
  if (response.close) pending.keep_alive = false;
  if (front && is_last_answer(pending)) pending.keep_alive = false;
  const ConnectionHeader header = !pending.keep_alive   ? ConnectionHeader::kClose
                                  : pending.old_version ? ConnectionHeader::kKeepAlive
                                                        : ConnectionHeader::kNone;
  std::vector<HeaderField> headers;
  Response sent = response;
  if (!pending.origin.says_nothing()) {
    headers = with_origin(response, pending.origin);
    sent.headers = headers;
  }
  append_response(front ? out_ : pending.bytes, sent, core_.date(), header, pending.head_only, end);
}

void HttpConnection::write_soon() {
  if (in_input_ || write_later_ || !alive()) return;
  write_later_ = true;
  core_.write_later(shared_from_this());
}

void HttpConnection::begin(uint64_t exchange, const Response& response) {
  if (!alive() || !answers_.contains(exchange)) return;
  PendingAnswer& pending = answers_.at(exchange);
  ASSERT_WHY(!pending.answered && !pending.streaming, "a request is answered once");
  core_.counters().responses[static_cast<size_t>(response.status / 100)].add();
  release(pending);
  pending.streaming = true;
  if (pending.old_version) pending.keep_alive = false;
  const bool front = answers_.is_front(exchange);
  append_head(pending, front, response, pending.old_version ? BodyEnd::kClose : BodyEnd::kChunks);
  append_piece(pending, front ? out_ : pending.bytes, response.body);
  // Nothing more is expected of it; but that it goes away has to be seen.
  if (last_request_ && input_ == Input::kHead) input_ = Input::kDrop;
  write_soon();
}

void HttpConnection::append_piece(const PendingAnswer& pending, std::string& out, std::string_view piece) const {
  if (piece.empty() || pending.head_only) return;
  if (pending.old_version) {
    out.append(piece);
  } else {
    append_chunk(out, piece);
  }
}

// Null if it is gone, or stood behind an answer that closed.
PendingAnswer* HttpConnection::streaming(uint64_t exchange) {
  if (!alive() || !answers_.contains(exchange)) return nullptr;
  PendingAnswer& pending = answers_.at(exchange);
  ASSERT_WHY(pending.streaming && !pending.answered, "an answer is begun before it goes on");
  return &pending;
}

void HttpConnection::write(uint64_t exchange, std::string_view piece) {
  PendingAnswer* const pending = streaming(exchange);
  if (pending == nullptr) return;
  append_piece(*pending, answers_.is_front(exchange) ? out_ : pending->bytes, piece);
  write_soon();
}

void HttpConnection::end(uint64_t exchange, bool whole) {
  PendingAnswer* const pending = streaming(exchange);
  if (pending == nullptr) return;
  // Without its last chunk it looks unfinished. What came before is written first.
  if (!whole) pending->keep_alive = false;
  const bool front = answers_.is_front(exchange);
  if (whole && !pending->old_version && !pending->head_only) {
    (front ? out_ : pending->bytes).append(kLastChunk);
  }
  pending->answered = true;
  if (front && is_last_answer(*pending)) pending->keep_alive = false;
  if (front) advance_answers();
  write_soon();
}

size_t HttpConnection::unsent_bytes(uint64_t exchange) const {
  if (!alive() || !answers_.contains(exchange)) return 0;
  if (!answers_.is_front(exchange)) return answers_.at(exchange).bytes.size();
  return stream_->unsent_bytes() + out_.size();
}

void HttpConnection::give_back(uint64_t exchange) {
  if (alive() && answers_.contains(exchange)) release(answers_.at(exchange));
}

bool HttpConnection::awaits(uint64_t exchange) const {
  return alive() && !peer_ended_ && answers_.contains(exchange);
}

// Moves every answer whose turn has come to out_.
void HttpConnection::advance_answers() {
  while (!answers_.empty() && answers_.front().answered) {
    PendingAnswer& pending = answers_.front();
    out_.append(pending.bytes);
    const bool last = !pending.keep_alive;
    answers_.pop_front();
    if (last) return end_after_answers();
  }
  if (answers_.empty()) {
    idle_since_ms_ = core_.now_ms();
    if (peer_ended_ || input_ == Input::kDrop) end_after_answers();
    return;
  }
  if (answers_.front().streaming) out_.append(std::exchange(answers_.front().bytes, {}));
  if (!answers_.front().wants_continue) return;
  answers_.front().wants_continue = false;
  out_.append(kContinue);
}

void HttpConnection::end_after_answers() {
  ending_ = true;
  release_all();
  drop_input();
}

void HttpConnection::settle_later() {
  if (!alive()) return;
  const auto self = shared_from_this();
  write_later_ = false;
  settle();
}

// Writes, and takes up what was read and had to wait, until neither is possible.
void HttpConnection::settle() {
  for (;;) {
    flush();
    if (!alive()) return;
    if (input_ == Input::kSwitch) return hand_over_websocket();
    if (carried_ == carry_.size() || !wants_input()) break;
    in_input_ = true;
    const size_t used = consume_carried();
    in_input_ = false;
    if (used == 0) break;
  }
  update_reading();
}

void HttpConnection::flush() {
  if (!alive()) return;
  if (!core_.write(*stream_, out_, sent_ms_)) return close();
  if (core_.stopping() && answers_.empty() && input_ == Input::kHead) end_after_answers();
  if (!ending_ || finished_) return;
  finished_ = true;
  finished_ms_ = core_.now_ms();
  stream_->finish();
  if (peer_ended_ && stream_->unsent_bytes() == 0) close();
}

void HttpConnection::on_sent() {
  if (!alive()) return;
  const auto self = shared_from_this();
  sent_ms_ = core_.now_ms();
  if (finished_) {
    finished_ms_ = sent_ms_;
    if (peer_ended_ && stream_->unsent_bytes() == 0) close();
    return;
  }
  settle();
}

void HttpConnection::release(PendingAnswer& pending) {
  core_.release(pending.memory);
}

void HttpConnection::release_all() {
  while (!answers_.empty()) {
    release(answers_.front());
    answers_.pop_front();
  }
}

void HttpConnection::update_reading() {
  if (!alive()) return;
  const bool dropping = input_ == Input::kDrop && dropped_bytes_ <= core_.limits().linger_bytes;
  stream_->set_reading(dropping || wants_input());
}

void HttpConnection::shut_down() {
  if (!alive()) return;
  const auto self = shared_from_this();
  if (input_ == Input::kHead && answers_.empty() && stream_->unsent_bytes() == 0) return close();
  intake_.shut_down();
  settle();
}

void HttpConnection::close() {
  if (!alive()) return;
  intake_.abandon();
  input_ = Input::kClosed;
  release_all();
  stream_.reset();
  core_.gone(id_);
}

void HttpConnection::check_time(int64_t now_ms) {
  if (!alive()) return;
  const auto self = shared_from_this();
  const HttpLimits& limits = core_.limits();
  if (stream_->unsent_bytes() > 0 && now_ms - sent_ms_ >= limits.send_timeout_ms) {
    core_.counters().timeouts.add();
    return close();
  }
  if (finished_) {
    if (stream_->unsent_bytes() == 0 && now_ms - finished_ms_ >= limits.linger_ms) close();
    return;
  }
  check_input_time(now_ms);
}

void HttpConnection::check_input_time(int64_t now_ms) {
  const HttpLimits& limits = core_.limits();
  if (input_ == Input::kRequest) {
    if (intake_.check_time(now_ms)) settle();
    return;
  }
  if (input_ == Input::kSkip) {
    if (now_ms - input_since_ms_ < limits.body_timeout_ms) return;
    core_.counters().timeouts.add();
    return close();
  }
  if (input_ != Input::kHead || !wants_input()) return;
  if (input_since_ms_ != 0) {
    if (now_ms - input_since_ms_ < limits.head_timeout_ms) return;
    core_.counters().timeouts.add();
    refuse_connection({.status = 408, .detail = "the head of the request took too long"});
    return settle();
  }
  const int64_t patience_ms = used_ ? limits.idle_timeout_ms : limits.head_timeout_ms;
  if (answers_.empty() && now_ms - idle_since_ms_ >= patience_ms) close();
}

}  // namespace colloquium::net
