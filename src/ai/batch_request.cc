#include "ai/batch_request.h"

#include <algorithm>
#include <utility>

#include "ai/failures.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

bool has_begun(const BatchReply& reply) {
  return reply.head && is_success(reply.head->status);
}

}  // namespace

BatchRequest::BatchRequest(Loop& loop, AiTransport& transport, const CallTimeouts& timeouts)
    : loop_(loop), transport_(transport), timeouts_(timeouts) {}

BatchRequest::~BatchRequest() {
  if (number_) transport_.cancel(*number_);
}

void BatchRequest::send(AiHttpRequest request, Line line, size_t line_bytes_max, Done done) {
  LOOP_ASSERT(loop_);
  ASSERT(done && !number_ && !sent_);
  line_ = std::move(line);
  line_bytes_max_ = line_bytes_max;
  done_ = std::move(done);
  AiSending sending;
  sent_ = sending.sent;
  sending.head = alive_.guard([this](const AiHead& head) {
    reply_.head = head;
    watch(timeouts_.silence_ms, "nothing more came in ");
  });
  sending.bytes = alive_.guard([this](std::string_view bytes) { take_bytes(bytes); });
  sending.done = alive_.guard([this](Status status) {
    number_.reset();
    end(std::move(status));
  });
  number_ = transport_.send(std::move(request), timeouts_.connect_ms, std::move(sending));
  // Much may have to go out before an answer can come.
  if (timeouts_.total_ms > 0) watch(timeouts_.connect_ms + timeouts_.total_ms, "no answer came in ");
}

void BatchRequest::take_bytes(std::string_view bytes) {
  if (!done_) return;
  watch(timeouts_.silence_ms, "nothing more came in ");
  if (line_ && has_begun(reply_)) return take_lines(bytes);
  if (reply_.body.size() + bytes.size() > kBodyBytesMax) {
    return end(fail(ErrorCode::kLimit, "the answer is longer than " + std::to_string(kBodyBytesMax) + " bytes"));
  }
  reply_.body += bytes;
}

void BatchRequest::take_lines(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = std::min(bytes.find('\n'), bytes.size());
    is_too_long_ = is_too_long_ || rest_.size() + length > line_bytes_max_;
    if (!is_too_long_) {
      rest_ += bytes.substr(0, length);
    } else if (rest_.size() > kBeginningBytes) {
      std::string(rest_, 0, kBeginningBytes).swap(rest_);
    } else {
      rest_ += bytes.substr(0, std::min(length, kBeginningBytes - rest_.size()));
    }
    if (length == bytes.size()) return;
    bytes.remove_prefix(length + 1);
    hand_on();
  }
}

void BatchRequest::hand_on() {
  if (!rest_.empty() && rest_.back() == '\r') rest_.pop_back();
  if (!rest_.empty()) line_(rest_, !is_too_long_);
  rest_.clear();
  is_too_long_ = false;
}

void BatchRequest::watch(int64_t limit_ms, const char* what) {
  timer_ = nullptr;
  if (limit_ms <= 0) return;
  timer_ = loop_.start_timer(limit_ms, [this, limit_ms, what] {
    const auto fired = std::move(timer_);
    end(fail(ErrorCode::kTimeout, what + std::to_string(limit_ms) + " ms", {}, true));
  });
}

void BatchRequest::end(Status status) {
  if (!done_) return;
  timer_ = nullptr;
  if (number_) transport_.cancel(*std::exchange(number_, std::nullopt));
  // The last line may come without its break.
  if (status && line_ && has_begun(reply_)) hand_on();
  reply_.complete = std::move(status);
  reply_.is_sent = *sent_;
  Done done = std::move(done_);
  done_ = nullptr;
  (void)loop_.post(alive_.guard([this, done = std::move(done)]() mutable {
    // What is told may destroy this.
    BatchReply reply = std::move(reply_);
    const auto told = std::make_shared<Done>(std::move(done));
    (*told)(std::move(reply));
  }));
}

}  // namespace colloquium::ai
