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
    : core_(core), connection_(&connection), id_(id), intake_(core, *this) {}

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
  state_ = State::kRequest;
  const std::shared_ptr<LiveRoute> route = core_.find_route(head_.path);
  if (route != nullptr && route->removed) return refuse(not_served_now());
  std::optional<Problem> foreign;
  if (route != nullptr) foreign = check_origin(route->route, head_, origin_);
  if (head_.method == Method::kOptions && (route != nullptr || head_.path == "*")) {
    return answer_options(*this, 0, route.get(), head_, origin_, false);
  }
  if (foreign) return refuse(std::move(*foreign));
  io::Compression coding = io::Compression::kNone;
  if (auto problem = check_head(route.get(), coding)) return refuse(std::move(*problem));
  intake_.begin(route, coding, complete_);
}

std::optional<Problem> Http2Stream::check_head(const LiveRoute* route, io::Compression& coding) {
  if (head_.target.size() > core_.limits().head.target_bytes) {
    return Problem{
        .status = 414,
        .detail = "the target is longer than " + std::to_string(core_.limits().head.target_bytes) + " bytes"};
  }
  if (auto problem = check_route(route, head_)) return problem;
  if (const auto expected = head_.find("expect")) {
    if (!equals_ignoring_case(*expected, "100-continue")) {
      return Problem{.status = 417, .detail = "the only expectation that can be met is 100-continue"};
    }
    head_.expects_continue = !complete_;
  }
  if (auto problem = check_coding(head_, coding)) return problem;
  return check_size(core_, route->route, head_);
}

void Http2Stream::on_let_in() {
  if (head_.expects_continue) connection_->submit_continue(id_);
  connection_->widen(id_);
}

void Http2Stream::on_body(std::string_view bytes) {
  ASSERT(!complete_);
  unconsumed_bytes_ += bytes.size();
  if (state_ == State::kAnswered) {
    if (!has_long_rest()) give_leave();
    return;
  }
  const auto self = shared_from_this();
  intake_.on_body(bytes);
}

void Http2Stream::give_leave() {
  if (unconsumed_bytes_ > 0) connection_->consume(id_, std::exchange(unconsumed_bytes_, 0));
}

void Http2Stream::on_end() {
  const auto self = shared_from_this();
  complete_ = true;
  if (!intake_.is_idle()) intake_.on_end();
}

void Http2Stream::handle(std::shared_ptr<LiveRoute> route, std::shared_ptr<const std::string> body) {
  route->route.handle(Request{head_, std::move(body)}, Responder(shared_from_this(), 0));
}

void Http2Stream::refuse(Problem problem, bool) {
  core_.reword(head_, problem);
  answer_problem(*this, 0, problem);
}

void Http2Stream::settle() {
  if (connection_ != nullptr) connection_->touch();
}

// What is to be sent; `headers` is its memory.
Response Http2Stream::begin_answer(const Response& response, std::vector<HeaderField>& headers) {
  ASSERT_WHY(state_ != State::kAnswered, "a request is answered once");
  core_.counters().responses[static_cast<size_t>(response.status / 100)].add();
  release();
  state_ = State::kAnswered;
  answered_ms_ = core_.now_ms();
  if (!has_long_rest()) give_leave();
  Response sent = response;
  if (!origin_.says_nothing()) {
    headers = with_origin(response, origin_);
    sent.headers = headers;
  }
  return sent;
}

void Http2Stream::answer(uint64_t, const Response& response) {
  if (!alive()) return;
  const auto self = shared_from_this();
  std::vector<HeaderField> headers;
  const Response sent = begin_answer(response, headers);
  connection_->submit(*this, sent, head_.method == Method::kHead);
}

void Http2Stream::give_back(uint64_t) {
  if (alive()) core_.release(memory_);
}

void Http2Stream::begin(uint64_t, const Response& response) {
  if (!alive()) return;
  const auto self = shared_from_this();
  std::vector<HeaderField> headers;
  const Response sent = begin_answer(response, headers);
  streaming_ = true;
  connection_->submit(*this, sent, head_.method == Method::kHead);
}

void Http2Stream::write(uint64_t, std::string_view piece) {
  if (!alive()) return;
  ASSERT(streaming_);
  if (head_.method == Method::kHead) return;
  if (answer_sent_ == answer_body_.size() || answer_sent_ > kBufferKeepBytes) {
    answer_body_.erase(0, answer_sent_);
    answer_sent_ = 0;
  }
  connection_->goes_on(id_);
  answer_body_.append(piece);
}

void Http2Stream::end(uint64_t, bool whole) {
  if (!alive()) return;
  const auto self = shared_from_this();
  ASSERT(streaming_);
  if (!whole) return connection_->break_off(id_);
  connection_->goes_on(id_);
  streaming_ = false;
}

size_t Http2Stream::unsent_bytes(uint64_t) const {
  return alive() ? answer_body_.size() - answer_sent_ : 0;
}

bool Http2Stream::has_long_rest() const {
  const bool is_short = !head_.chunked && head_.content_length.value_or(0) <= kSkipBytesMax;
  return !complete_ && (!is_short || head_.expects_continue);
}

void Http2Stream::release() {
  intake_.abandon();
  core_.release(memory_);
}

void Http2Stream::on_closed() {
  release();
  state_ = State::kClosed;
  connection_ = nullptr;
}

void Http2Stream::check_time(int64_t now_ms) {
  if (intake_.check_time(now_ms)) return;
  // The rest of a body that was to be read over does not come.
  if (state_ == State::kAnswered && !complete_ && now_ms - answered_ms_ >= core_.limits().body_timeout_ms) {
    core_.counters().timeouts.add();
    connection_->reset(id_);
  }
}

}  // namespace colloquium::net
