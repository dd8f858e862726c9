#include "net/http2_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "net/http2_connection.h"
#include "net/server_core.h"

namespace colloquium::net {
namespace {

// What RFC 9113, 6.5.2 counts for each header besides its bytes.
constexpr size_t kHeaderOverhead = 32;

}  // namespace

Http2Stream::Http2Stream(ServerCore& core, Http2Connection& connection, int32_t id)
    : core_(core), connection_(&connection), id_(id), since_ms_(core.now_ms()) {}

Http2Stream::~Http2Stream() {
  ASSERT_WHY(connection_ == nullptr, "on_closed() comes first");
}

void Http2Stream::on_header(std::string_view name, std::string_view value) {
  const HeadLimits& limits = core_.limits().head;
  const size_t bytes = texts_.size() + kHeaderOverhead * fields_.size() + name.size() + value.size();
  head_too_large_ = head_too_large_ || bytes > limits.head_bytes || fields_.size() >= limits.header_count;
  if (head_too_large_) return;
  texts_.append(name).append(value);
  fields_.push_back({name.size(), value.size()});
}

// The library has seen to it that what must be there is, once, and in front, and that no header is one of
// HTTP/1.1's own.
void Http2Stream::build_head(bool has_body) {
  std::string_view authority;
  const char* at = texts_.data();
  for (const Field& field : fields_) {
    const std::string_view name(at, field.name_bytes);
    const std::string_view value(at + field.name_bytes, field.value_bytes);
    at += field.name_bytes + field.value_bytes;
    if (name == ":method") head_.method = to_method(value);
    if (name == ":path") head_.target = value;
    if (name == ":authority") authority = value;
    if (!name.starts_with(':')) head_.headers.push_back({name, value});
  }
  if (!authority.empty() && !head_.find("host")) head_.headers.push_back({"host", authority});
  const size_t mark = head_.target.find('?');
  head_.path = head_.target.substr(0, mark);
  head_.query = mark == head_.target.npos ? std::string_view() : head_.target.substr(mark + 1);
  if (const auto length = head_.find("content-length")) {
    uint64_t bytes = 0;
    std::from_chars(length->data(), length->data() + length->size(), bytes);
    head_.content_length = bytes;
  }
  head_.chunked = has_body && !head_.content_length;
}

void Http2Stream::on_head(bool has_body) {
  ASSERT(state_ == State::kHead && connection_ != nullptr);
  const auto self = shared_from_this();
  core_.counters().requests.add();
  complete_ = !has_body;
  if (head_too_large_)
    return refuse({.status = 431, .detail = "the headers of the request are too many or too long"});
  build_head(has_body);
  connection_->introduce(head_);
  route_ = core_.find_route(head_.path);
  if (route_ != nullptr && route_->removed) return refuse(not_served_now());
  std::optional<Problem> foreign;
  if (route_ != nullptr) foreign = check_origin(route_->route, head_, origin_);
  if (head_.method == Method::kOptions && (route_ != nullptr || head_.path == "*")) {
    return answer_options(*this, 0, route_.get(), head_, origin_, false);
  }
  if (foreign) return refuse(*foreign);
  if (const auto problem = check_head()) return refuse(*problem);
  admit();
}

std::optional<Problem> Http2Stream::check_head() {
  if (head_.target.size() > core_.limits().head.target_bytes) {
    return Problem{
        .status = 414,
        .detail = "the target is longer than " + std::to_string(core_.limits().head.target_bytes) + " bytes"};
  }
  if (auto problem = check_route(route_.get(), head_)) return problem;
  if (const auto expected = head_.find("expect")) {
    if (!equals_ignoring_case(*expected, "100-continue")) {
      return Problem{.status = 417, .detail = "the only expectation that can be met is 100-continue"};
    }
    head_.expects_continue = !complete_;
  }
  if (auto problem = check_coding(head_, coding_)) return problem;
  return check_size(core_, route_->route, head_);
}

void Http2Stream::admit() {
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(head_);
    if (admission.kind == Admission::Kind::kRefuse) return refuse(std::move(admission.problem).value());
    if (admission.kind == Admission::Kind::kWait) {
      if (state_ != State::kHeld) since_ms_ = core_.now_ms();
      state_ = State::kHeld;
      route_->wait(weak_from_this());
      return;
    }
  }
  enter();
}

void Http2Stream::admit_again() {
  if (state_ != State::kHeld) return;
  const auto self = shared_from_this();
  const auto connection = connection_->shared_from_this();
  admit();
  connection->touch();
}

void Http2Stream::enter() {
  if (!head_.has_body()) return start_body();
  const size_t bytes = std::min(kPieceBytes, body_bytes_max());
  if (core_.budget().enter(hold_, bytes)) return start_body();
  queue(AfterQueue::kEnter, bytes);
}

void Http2Stream::queue(AfterQueue then, size_t bytes) {
  ASSERT(ticket_ == 0);
  ticket_ = then == AfterQueue::kEnter ? core_.budget().wait_to_enter(*this, hold_, bytes)
                                       : core_.budget().wait_to_grow(*this, hold_, bytes);
  after_queue_ = then;
  state_ = State::kQueued;
  since_ms_ = core_.now_ms();
}

void Http2Stream::leave_queue() {
  if (ticket_ != 0) core_.budget().cancel(std::exchange(ticket_, 0));
}

void Http2Stream::granted() {
  ASSERT(state_ == State::kQueued && ticket_ != 0);
  const auto self = shared_from_this();
  const auto connection = connection_->shared_from_this();
  ticket_ = 0;
  switch (after_queue_) {
    case AfterQueue::kEnter:
      entered();
      break;
    case AfterQueue::kReadOn:
      state_ = State::kBody;
      body_began_ms_ += core_.now_ms() - since_ms_;
      since_ms_ = core_.now_ms();
      window_bytes_ = 0;
      // More may have come meanwhile than was wished for.
      reserve_ahead();
      if (state_ == State::kBody && complete_) on_message();
      break;
    case AfterQueue::kDecode:
      decode();
      break;
  }
  connection->touch();
}

// The route may have stopped taking requests meanwhile. If it only says kWait, this one goes on: it was let in
// before, and what is in the budget fits behind the route.
void Http2Stream::entered() {
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(head_);
    if (admission.kind == Admission::Kind::kRefuse) return refuse(std::move(admission.problem).value());
  }
  start_body();
}

void Http2Stream::start_body() {
  state_ = State::kBody;
  since_ms_ = body_began_ms_ = pace_since_ms_ = core_.now_ms();
  window_bytes_ = pace_bytes_ = 0;
  if (route_->route.check_body) body_check_ = route_->route.check_body(head_);
  if (body_ != nullptr && body_check_ != nullptr) body_check_->update(*body_);
  if (!complete_) {
    if (head_.expects_continue) connection_->submit_continue(id_);
    connection_->widen(id_);
  }
  if (head_.has_body()) reserve_ahead();
  if (state_ == State::kBody && complete_) on_message();
}

void Http2Stream::on_body(std::string_view bytes) {
  ASSERT(!complete_);
  unconsumed_bytes_ += bytes.size();
  if (state_ == State::kAnswered) {
    if (!has_long_rest()) give_leave();
    return;
  }
  const auto self = shared_from_this();
  ASSERT(route_ != nullptr);
  const size_t limit = route_->route.max_body_bytes;
  const size_t before = body_ == nullptr ? 0 : body_->size();
  if (bytes.size() > limit - std::min(limit, before)) return refuse(too_large(limit));
  if (!core_.fits(bytes.size())) return refuse(memory_full());
  take(bytes);
  if (state_ == State::kBody) reserve_ahead();
}

void Http2Stream::take(std::string_view bytes) {
  core_.hold(bytes.size());
  held_bytes_ += bytes.size();
  window_bytes_ += bytes.size();
  pace_bytes_ += bytes.size();
  if (body_ == nullptr) {
    body_ = std::make_shared<std::string>();
    body_->reserve(static_cast<size_t>(std::min(head_.content_length.value_or(0), kBodyReserveMax)) +
                   kBodyPadding);
  }
  const size_t needed = body_->size() + bytes.size() + kBodyPadding;
  if (needed > body_->capacity()) body_->reserve(std::max(needed, body_->capacity() * 2));
  body_->append(bytes);
  if (body_check_ != nullptr) body_check_->update(bytes);
}

// As far as is known by now.
size_t Http2Stream::body_bytes_max() const {
  const size_t limit = route_->route.max_body_bytes;
  return static_cast<size_t>(std::min<uint64_t>(head_.content_length.value_or(limit), limit));
}

// Leave to send more is given once the budget has what may then come.
void Http2Stream::reserve_ahead() {
  const size_t most = body_bytes_max();
  const size_t have = body_ == nullptr ? 0 : body_->size();
  if (!complete_ && hold_.bytes < std::min(most, have + kReadAheadBytes)) {
    const size_t wanted = std::min(most, std::max(hold_.bytes, have) + kPieceBytes);
    if (!core_.budget().grow(hold_, wanted)) return queue(AfterQueue::kReadOn, wanted);
  }
  give_leave();
}

void Http2Stream::give_leave() {
  if (unconsumed_bytes_ > 0) connection_->consume(id_, std::exchange(unconsumed_bytes_, 0));
}

void Http2Stream::on_end() {
  const auto self = shared_from_this();
  complete_ = true;
  if (state_ == State::kBody) on_message();
}

void Http2Stream::on_message() {
  state_ = State::kHandled;
  give_leave();
  if (body_check_ != nullptr) {
    const std::unique_ptr<BodyCheck> check = std::move(body_check_);
    if (const auto problem = check->finish()) return refuse(*problem);
  }
  if (coding_ != io::Compression::kNone && body_ != nullptr) {
    decode_room_ = first_decode_room(body_->size(), route_->route.max_body_bytes);
    return decode();
  }
  if (body_ != nullptr) core_.budget().shrink(hold_, std::min(hold_.bytes, body_->size()));
  std::shared_ptr<const std::string> body = std::move(body_);
  if (body == nullptr) body = core_.empty_body();
  dispatch(std::move(body));
}

// Within decode_room_, which is taken from the budget first.
void Http2Stream::decode() {
  state_ = State::kHandled;
  const size_t wanted = body_->size() + decode_room_;
  if (!core_.budget().grow(hold_, wanted)) return queue(AfterQueue::kDecode, wanted);
  if (body_->size() > kDecodeHereBytesMax || decode_room_ > kDecodedHereBytesMax) return decode_elsewhere();
  std::string out;
  Status status = core_.decompressor().decompress(coding_, *body_, decode_room_, out);
  decoded(std::move(status), std::move(out));
}

void Http2Stream::decode_elsewhere() {
  struct Job {
    std::shared_ptr<const std::string> input;
    std::string output;
    Status status;
  };
  state_ = State::kDecoding;
  auto job = std::make_shared<Job>();
  job->input = body_;
  const bool taken = core_.loop().offload(
      [job, coding = coding_, room = decode_room_] {
        job->status = io::Decompressor().decompress(coding, *job->input, room, job->output);
      },
      [weak = weak_from_this(), job] {
        const auto self = weak.lock();
        if (self == nullptr || self->state_ != State::kDecoding) return;
        const auto connection = self->connection_->shared_from_this();
        self->decoded(std::move(job->status), std::move(job->output));
        connection->touch();
      });
  if (!taken) refuse(busy("too many compressed bodies wait to be decompressed"));
}

void Http2Stream::decoded(Status status, std::string body) {
  const size_t limit = route_->route.max_body_bytes;
  const bool too_long = !status && status.error().code == ErrorCode::kLimit;
  if (too_long && decode_room_ < limit) {
    decode_room_ = decode_room_ > limit / kDecodedGrowth ? limit : decode_room_ * kDecodedGrowth;
    return decode();
  }
  body_.reset();
  if (too_long) return refuse(too_large(limit));
  if (!status) return refuse({.status = 400, .detail = status.error().message});
  core_.release(std::exchange(held_bytes_, 0));
  core_.budget().shrink(hold_, body.size());
  if (!core_.fits(body.size())) return refuse(memory_full());
  held_bytes_ = body.size();
  core_.hold(body.size());
  body.reserve(body.size() + kBodyPadding);
  dispatch(std::make_shared<const std::string>(std::move(body)));
}

void Http2Stream::dispatch(std::shared_ptr<const std::string> body) {
  ASSERT(body->capacity() - body->size() >= kBodyPadding);
  state_ = State::kHandled;
  const std::shared_ptr<LiveRoute> route = std::move(route_);
  if (route->removed) return refuse(not_served_now());
  route->route.handle(Request{head_, std::move(body)}, Responder(shared_from_this(), 0));
}

void Http2Stream::refuse(const Problem& problem) {
  answer_problem(*this, 0, problem);
}

void Http2Stream::answer(uint64_t, const Response& response) {
  if (!alive()) return;
  ASSERT_WHY(state_ != State::kAnswered, "a request is answered once");
  const auto self = shared_from_this();
  core_.counters().responses[static_cast<size_t>(response.status / 100)].add();
  release();
  state_ = State::kAnswered;
  since_ms_ = core_.now_ms();
  if (!has_long_rest()) give_leave();
  Response sent = response;
  std::vector<HeaderField> headers;
  if (!origin_.says_nothing()) {
    headers = with_origin(response, origin_);
    sent.headers = headers;
  }
  connection_->submit(*this, sent, head_.method == Method::kHead);
}

bool Http2Stream::has_long_rest() const {
  const bool is_short = !head_.chunked && head_.content_length.value_or(0) <= kSkipBytesMax;
  return !complete_ && (!is_short || head_.expects_continue);
}

void Http2Stream::release() {
  leave_queue();
  core_.budget().give_back(hold_);
  core_.release(std::exchange(held_bytes_, 0));
  body_.reset();
  body_check_.reset();
  route_.reset();
}

void Http2Stream::on_closed() {
  release();
  state_ = State::kClosed;
  connection_ = nullptr;
}

void Http2Stream::shut_down() {
  const bool outside = state_ == State::kQueued && after_queue_ == AfterQueue::kEnter;
  if (state_ == State::kHeld || outside) refuse(busy("the server is stopping"));
}

void Http2Stream::check_time(int64_t now_ms) {
  const HttpLimits& limits = core_.limits();
  if (state_ == State::kBody) return check_body_time(now_ms);
  if (state_ == State::kHeld && now_ms - since_ms_ >= limits.hold_timeout_ms) {
    return refuse(busy("no more events can be taken at the moment"));
  }
  if (state_ == State::kQueued && now_ms - since_ms_ >= limits.budget_timeout_ms) return refuse(memory_full());
  // The rest of a body that was to be read over does not come.
  if (state_ == State::kAnswered && !complete_ && now_ms - since_ms_ >= limits.body_timeout_ms) {
    core_.counters().timeouts.add();
    connection_->reset(id_);
  }
}

// Nobody has to wait for memory that is only kept for bytes which do not come.
void Http2Stream::check_pace(int64_t now_ms) {
  if (now_ms - pace_since_ms_ < core_.limits().body_pace_ms) return;
  const bool slow = pace_bytes_ < kPaceBytes;
  pace_since_ms_ = now_ms;
  pace_bytes_ = 0;
  if (!slow || !core_.budget().is_awaited()) return;
  const size_t kept = (body_ == nullptr ? 0 : body_->size()) + kSlowAheadBytes;
  if (hold_.bytes > kept) core_.budget().shrink(hold_, kept);
}

void Http2Stream::check_body_time(int64_t now_ms) {
  check_pace(now_ms);
  if (now_ms - since_ms_ < core_.limits().body_timeout_ms) return;
  // One byte of the body a second would be enough for its sender to hold a place that others wait for.
  const bool in_the_way = core_.budget().is_awaited() && now_ms - body_began_ms_ >= core_.limits().body_timeout_ms;
  if (window_bytes_ >= core_.limits().body_bytes_min && !in_the_way) {
    since_ms_ = now_ms;
    window_bytes_ = 0;
    return;
  }
  core_.counters().timeouts.add();
  refuse({.status = 408, .detail = "the body of the request came too slowly"});
}

}  // namespace colloquium::net
