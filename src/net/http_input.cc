// The input half of HttpConnection: from bytes to handlers.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"
#include "net/http_connection.h"
#include "net/request_rules.h"
#include "net/server_core.h"

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
    case Input::kBody:
    case Input::kSkip:
      return true;
    case Input::kHeld:
    case Input::kQueued:
    case Input::kDecoding:
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
      return on_body(step.body);
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
  route_ = core_.find_route(head.path);
  if (route_ != nullptr && route_->removed) return refuse(not_served_now());
  std::optional<Problem> foreign;
  if (route_ != nullptr) foreign = check_origin(route_->route, head, answers_.at(exchange_).origin);
  if (head.method == Method::kOptions && (route_ != nullptr || head.path == "*")) return answer_options();
  if (foreign) return refuse(std::move(*foreign));
  if (auto problem = check_head(head)) return refuse(std::move(*problem));
  admit();
}

std::optional<Problem> HttpConnection::check_head(const RequestHead& head) {
  if (auto problem = check_route(route_.get(), head)) return problem;
  if (auto problem = check_coding(head, coding_)) return problem;
  return check_size(core_, route_->route, head);
}

void HttpConnection::answer_options() {
  const bool close = parser_.head().has_body();
  input_ = close ? Input::kDrop : Input::kSkip;
  net::answer_options(*this, exchange_, route_.get(), parser_.head(), answers_.at(exchange_).origin, close);
}

void HttpConnection::admit() {
  ASSERT(route_ != nullptr);
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(parser_.head());
    if (admission.kind == Admission::Kind::kRefuse) {
      ASSERT_WHY(admission.problem.has_value(), "a refusal says why");
      return refuse(std::move(*admission.problem));
    }
    if (admission.kind == Admission::Kind::kWait) {
      if (input_ != Input::kHeld) input_since_ms_ = core_.now_ms();
      input_ = Input::kHeld;
      route_->wait(weak_from_this());
      return;
    }
  }
  enter();
}

void HttpConnection::admit_again() {
  if (input_ != Input::kHeld) return;
  const auto self = shared_from_this();
  admit();
  if (input_ != Input::kHeld) settle();
}

// Into the body budget, or into its queue.
void HttpConnection::enter() {
  if (!parser_.head().has_body()) return start_body();
  const size_t bytes = std::min(kPieceBytes, body_bytes_max());
  if (core_.budget().enter(answers_.at(exchange_).hold, bytes)) return start_body();
  queue(AfterQueue::kEnter, bytes);
}

// Waits for the budget: until granted(), or until time or someone else ends it.
void HttpConnection::queue(AfterQueue then, size_t bytes) {
  ASSERT(ticket_ == 0);
  BodyBudget::Hold& hold = answers_.at(exchange_).hold;
  ticket_ = then == AfterQueue::kEnter ? core_.budget().wait_to_enter(*this, hold, bytes)
                                       : core_.budget().wait_to_grow(*this, hold, bytes);
  after_queue_ = then;
  parser_.keep_head();
  input_ = Input::kQueued;
  input_since_ms_ = core_.now_ms();
}

void HttpConnection::leave_queue() {
  if (ticket_ != 0) core_.budget().cancel(std::exchange(ticket_, 0));
}

void HttpConnection::granted() {
  ASSERT(input_ == Input::kQueued && ticket_ != 0);
  const auto self = shared_from_this();
  ticket_ = 0;
  switch (after_queue_) {
    case AfterQueue::kEnter:
      entered();
      break;
    case AfterQueue::kReadOn:
      input_ = Input::kBody;
      body_began_ms_ += core_.now_ms() - input_since_ms_;
      input_since_ms_ = core_.now_ms();
      window_bytes_ = 0;
      break;
    case AfterQueue::kDecode:
      input_ = Input::kHead;
      input_since_ms_ = 0;
      decode();
      break;
  }
  settle();
}

// The route may have stopped taking requests meanwhile. If it only says kWait, this one goes on: it was let in
// before, and what is in the budget fits behind the route.
void HttpConnection::entered() {
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(parser_.head());
    if (admission.kind == Admission::Kind::kRefuse) return refuse(std::move(admission.problem).value());
  }
  start_body();
}

void HttpConnection::give_up_queueing() {
  ASSERT(input_ == Input::kQueued);
  if (after_queue_ != AfterQueue::kDecode) return refuse(memory_full());
  // The request is complete.
  leave_queue();
  input_ = Input::kHead;
  input_since_ms_ = 0;
  body_.reset();
  route_.reset();
  answer_problem(*this, exchange_, memory_full());
}

void HttpConnection::start_body() {
  const RequestHead& head = parser_.head();
  input_ = Input::kBody;
  input_since_ms_ = body_began_ms_ = pace_since_ms_ = core_.now_ms();
  window_bytes_ = pace_bytes_ = 0;
  if (route_->route.check_body) body_check_ = route_->route.check_body(head);
  if (!head.has_body()) return;
  body_ = std::make_shared<std::string>();
  body_->reserve(static_cast<size_t>(std::min(head.content_length.value_or(0), kBodyReserveMax)) + kBodyPadding);
  if (head.expects_continue) {
    answers_.at(exchange_).wants_continue = true;
    advance_answers();
  }
}

void HttpConnection::on_body(std::string_view bytes) {
  if (input_ == Input::kSkip) return;
  ASSERT(input_ == Input::kBody && body_ != nullptr);
  const size_t limit = route_->route.max_body_bytes;
  if (bytes.size() > limit - std::min(limit, body_->size())) return refuse(too_large(limit));
  if (!core_.fits(bytes.size())) return refuse(memory_full());
  core_.hold(bytes.size());
  answers_.at(exchange_).body_bytes += bytes.size();
  window_bytes_ += bytes.size();
  pace_bytes_ += bytes.size();
  const size_t needed = body_->size() + bytes.size() + kBodyPadding;
  if (needed > body_->capacity()) body_->reserve(std::max(needed, body_->capacity() * 2));
  body_->append(bytes);
  if (body_check_ != nullptr) body_check_->update(bytes);
  reserve_ahead();
}

// As far as is known by now.
size_t HttpConnection::body_bytes_max() const {
  const size_t limit = route_->route.max_body_bytes;
  return static_cast<size_t>(std::min<uint64_t>(parser_.head().content_length.value_or(limit), limit));
}

void HttpConnection::reserve_ahead() {
  BodyBudget::Hold& hold = answers_.at(exchange_).hold;
  const size_t most = body_bytes_max();
  if (hold.bytes >= std::min(most, body_->size() + kReadAheadBytes)) return;
  const size_t wanted = std::min(most, std::max(hold.bytes, body_->size()) + kPieceBytes);
  if (!core_.budget().grow(hold, wanted)) queue(AfterQueue::kReadOn, wanted);
}

void HttpConnection::on_message() {
  const bool answered = input_ == Input::kSkip;
  input_ = Input::kHead;
  input_since_ms_ = 0;
  idle_since_ms_ = core_.now_ms();
  if (answered) {
    route_.reset();
    return;
  }
  if (!passes_body_check()) return;
  if (coding_ != io::Compression::kNone && body_ != nullptr) {
    decode_room_ = first_decode_room(body_->size(), route_->route.max_body_bytes);
    return decode();
  }
  if (parser_.head().chunked) core_.budget().shrink(answers_.at(exchange_).hold, body_->size());
  std::shared_ptr<const std::string> body = std::move(body_);
  if (body == nullptr) body = core_.empty_body();
  dispatch(std::move(body));
}

// Answers the request, which is complete, if the check refuses it. It comes before the decoder, which nobody needs
// to be able to feed who is not known.
bool HttpConnection::passes_body_check() {
  if (body_check_ == nullptr) return true;
  const std::unique_ptr<BodyCheck> check = std::move(body_check_);
  const std::optional<Problem> problem = check->finish();
  if (!problem) return true;
  body_.reset();
  route_.reset();
  answer_problem(*this, exchange_, *problem);
  return false;
}

// Within decode_room_, which is taken from the budget first.
void HttpConnection::decode() {
  const size_t wanted = body_->size() + decode_room_;
  if (!core_.budget().grow(answers_.at(exchange_).hold, wanted)) return queue(AfterQueue::kDecode, wanted);
  if (body_->size() > kDecodeHereBytesMax || decode_room_ > kDecodedHereBytesMax) return decode_elsewhere();
  std::string out;
  Status status = core_.decompressor().decompress(coding_, *body_, decode_room_, out);
  decoded(std::move(status), std::move(out));
}

void HttpConnection::decode_elsewhere() {
  struct Job {
    std::shared_ptr<const std::string> input;
    std::string output;
    Status status;
  };
  parser_.keep_head();
  input_ = Input::kDecoding;
  auto job = std::make_shared<Job>();
  job->input = body_;
  const bool taken = core_.loop().offload(
      [job, coding = coding_, room = decode_room_] {
        job->status = io::Decompressor().decompress(coding, *job->input, room, job->output);
      },
      [weak = weak_from_this(), job] {
        const auto self = weak.lock();
        if (self == nullptr || self->input_ != Input::kDecoding) return;
        if (self->ending_) {  // an answer before this one closed
          self->drop_input();
          return self->update_reading();
        }
        self->input_ = Input::kHead;
        self->decoded(std::move(job->status), std::move(job->output));
        self->settle();
      });
  if (taken) return;
  input_ = Input::kHead;
  body_.reset();
  route_.reset();
  answer_problem(*this, exchange_, busy("too many compressed bodies wait to be decompressed"));
}

// The request is complete: a refusal needs no care for the rest of its body.
void HttpConnection::decoded(Status status, std::string body) {
  const size_t limit = route_->route.max_body_bytes;
  const bool too_long = !status && status.error().code == ErrorCode::kLimit;
  if (too_long && decode_room_ < limit) {
    decode_room_ = decode_room_ > limit / kDecodedGrowth ? limit : decode_room_ * kDecodedGrowth;
    return decode();
  }
  body_.reset();
  if (too_long) return answer_problem(*this, exchange_, too_large(limit));
  if (!status) return answer_problem(*this, exchange_, {.status = 400, .detail = status.error().message});
  PendingAnswer& pending = answers_.at(exchange_);
  core_.release(std::exchange(pending.body_bytes, 0));
  core_.budget().shrink(pending.hold, body.size());
  if (!core_.fits(body.size())) return answer_problem(*this, exchange_, memory_full());
  pending.body_bytes = body.size();
  core_.hold(body.size());
  body.reserve(body.size() + kBodyPadding);
  dispatch(std::make_shared<const std::string>(std::move(body)));
}

void HttpConnection::dispatch(std::shared_ptr<const std::string> body) {
  ASSERT(body->capacity() - body->size() >= kBodyPadding);
  const std::shared_ptr<LiveRoute> route = std::move(route_);
  if (route->removed) return answer_problem(*this, exchange_, not_served_now());
  route->route.handle(Request{parser_.head(), std::move(body)}, Responder(shared_from_this(), exchange_));
}

// Answers the request being read. The connection goes on behind it if what is left of the body is known to be
// short and certain to come; after Expect it is not certain.
void HttpConnection::refuse(Problem problem) {
  const RequestHead& head = parser_.head();
  const bool short_rest = !head.chunked && head.content_length.value_or(0) <= kSkipBytesMax;
  const bool keep = !head.has_body() || (short_rest && !head.expects_continue);
  problem.close = problem.close || !keep;
  leave_queue();
  body_.reset();
  body_check_.reset();
  route_.reset();
  answers_.at(exchange_).wants_continue = false;
  if (problem.close) {
    drop_input();
  } else {
    input_ = Input::kSkip;
  }
  input_since_ms_ = core_.now_ms();
  window_bytes_ = 0;
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
  leave_queue();
  input_ = Input::kDrop;
  body_.reset();
  body_check_.reset();
}

// The request is complete, and its answer is still to come from here.
bool HttpConnection::is_decoding() const {
  return input_ == Input::kDecoding || (input_ == Input::kQueued && after_queue_ == AfterQueue::kDecode);
}

void HttpConnection::on_end() {
  if (!alive()) return;
  const auto self = shared_from_this();
  peer_ended_ = true;
  // The request being read will never be complete, so nothing will answer it.
  if (input_ == Input::kBody || input_ == Input::kHeld || (input_ == Input::kQueued && !is_decoding())) {
    leave_queue();
    release(answers_.at(exchange_));
    answers_.pop_back();
    body_.reset();
    body_check_.reset();
    route_.reset();
  }
  if (finished_ && stream_->unsent_bytes() == 0) return close();
  if (!is_decoding()) drop_input();
  if (answers_.empty()) end_after_answers();
  settle();
}

void HttpConnection::on_broken() {
  const auto self = shared_from_this();
  close();
}

}  // namespace colloquium::net
