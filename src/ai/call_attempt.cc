#include "ai/call_attempt.h"

#include <algorithm>
#include <utility>

#include "ai/failures.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// How long a provider may keep the connection behind the end of an answer: it is used again if it ends before.
constexpr int64_t kDrainMs = 1000;

AiFailure transient(std::string message) {
  return {AiFailureKind::kTransient, std::move(message), std::nullopt, 0};
}

}  // namespace

bool says_nothing(const AttemptEnd& end) {
  return !end.usage.input && !end.usage.output && end.content.text.empty() && end.content.tool_calls.empty() &&
         end.reasoning_bytes == 0;
}

bool is_refused(int status, const AttemptEnd& end) {
  return !is_success(status) || end.failure.refused;
}

CallAttempt::CallAttempt(Loop& loop, const Clock& clock, AiTransport& transport, const CallTimeouts& timeouts,
                         size_t bytes_max, std::unique_ptr<AiDecoder> decoder, size_t vectors)
    : loop_(loop),
      clock_(clock),
      transport_(transport),
      timeouts_(timeouts),
      decoder_(std::move(decoder)),
      parts_(bytes_max, vectors) {}

CallAttempt::~CallAttempt() {
  disconnect();
}

void CallAttempt::disconnect() {
  if (number_) transport_.cancel(*number_);
  number_.reset();
}

void CallAttempt::send(AiHttpRequest request, Hear hear, Done done) {
  ASSERT(done && !number_ && !is_over_);
  hear_ = std::move(hear);
  done_ = std::move(done);
  began_ns_ = last_ns_ = clock_.monotonic_ns();
  AiSending sending;
  sent_ = sending.sent;
  sending.head = alive_.guard([this](const AiHead& head) { take_head(head); });
  sending.bytes = alive_.guard([this](std::string_view bytes) { take_bytes(bytes); });
  sending.done = alive_.guard([this](const Status& status) { take_end(status); });
  number_ = transport_.send(std::move(request), timeouts_.connect_ms, std::move(sending));
  if (timeouts_.first_byte_ms > 0) watch(timeouts_.connect_ms + timeouts_.first_byte_ms);
  if (timeouts_.total_ms <= 0) return;
  total_ = loop_.start_timer(timeouts_.total_ms, [this] {
    const auto fired = std::move(total_);
    end(transient("the answer was not complete after " + std::to_string(timeouts_.total_ms) + " ms"));
  });
}

// --- what comes

void CallAttempt::take(const AiOutput& output) {
  if (parts_.ended()) return;
  if (!first_ms_) first_ms_ = (clock_.monotonic_ns() - began_ns_) / kNsPerMs;
  parts_.take(output);
  const bool heard = std::holds_alternative<AiTextDelta>(output) ||
                     std::holds_alternative<AiReasoningDelta>(output) ||
                     std::holds_alternative<AiToolCallDelta>(output);
  if (heard && hear_) hear_(output);
}

void CallAttempt::take_head(const AiHead& head) {
  if (is_over_) return;
  status_ = head.status;
  is_whole_ = head.find("content-type").value_or("").starts_with("application/json");
  last_ns_ = clock_.monotonic_ns();
  watch(timeouts_.silence_ms);
  decoder_->head(head, [this](const AiOutput& output) { take(output); });
  settle_down();
}

void CallAttempt::take_bytes(std::string_view bytes) {
  if (is_over_ || parts_.ended()) return;
  last_ns_ = clock_.monotonic_ns();
  decoder_->bytes(bytes, [this](const AiOutput& output) { take(output); });
  settle_down();
}

void CallAttempt::settle_down() {
  if (parts_.failure()) return end(std::nullopt);
  if (parts_.finished()) watch(kDrainMs);
}

void CallAttempt::take_end(const Status& status) {
  if (is_over_) return;
  number_.reset();
  const bool refused = status_ && !is_success(*status_);
  // Of a refusal, its status alone says enough.
  if (!parts_.ended() && (status || refused)) decoder_->end([this](const AiOutput& output) { take(output); });
  if (parts_.ended()) return end(std::nullopt);
  if (status) return end(transient("the answer ended without saying that it was complete"));
  const auto& error = status.error();
  AiFailure failure = transient(error.describe());
  if (!error.retryable) failure.kind = AiFailureKind::kCaller;
  end(std::move(failure));
}

// --- time

void CallAttempt::watch(int64_t limit_ms) {
  limit_ms_ = limit_ms;
  silence_ = nullptr;
  if (limit_ms > 0) silence_ = loop_.start_timer(limit_ms, [this] { look(); });
}

// Bytes only note when they came.
void CallAttempt::look() {
  const auto fired = std::move(silence_);
  const int64_t left_ns = last_ns_ + limit_ms_ * kNsPerMs - clock_.monotonic_ns();
  if (left_ns > 0) {
    silence_ = loop_.start_timer((left_ns + kNsPerMs - 1) / kNsPerMs, [this] { look(); });
    return;
  }
  if (parts_.ended()) return end(std::nullopt);
  end(transient("nothing came in " + std::to_string(limit_ms_) + " ms"));
}

// --- the end

AttemptEnd CallAttempt::ended(std::optional<AiFailure> failure) {
  is_over_ = true;
  silence_ = nullptr;
  total_ = nullptr;
  disconnect();
  AttemptEnd end;
  end.content = parts_.content();
  end.usage = parts_.usage();
  end.reasoning_bytes = parts_.reasoning_bytes();
  end.took_ms = (clock_.monotonic_ns() - began_ns_) / kNsPerMs;
  end.first_ms = first_ms_;
  if (parts_.finished()) {
    end.how = AttemptEnds::kAnswered;
    return end;
  }
  // What the provider said of it goes first.
  end.failure = parts_.failure() ? *parts_.failure() : failure.value_or(transient("the call was stopped"));
  if (status_ && is_refused(*status_, end)) {
    end.how = AttemptEnds::kRefused;
  } else if (status_) {
    end.how = is_whole_ && says_nothing(end) ? AttemptEnds::kLost : AttemptEnds::kBroken;
  } else {
    end.how = *sent_ ? AttemptEnds::kLost : AttemptEnds::kUnsent;
  }
  return end;
}

void CallAttempt::end(std::optional<AiFailure> failure) {
  if (is_over_) return;
  AttemptEnd result = ended(std::move(failure));
  (void)loop_.post(alive_.guard([this, result = std::move(result)]() mutable {
    // What is told may destroy this.
    const auto done = std::make_shared<Done>(std::move(done_));
    (*done)(std::move(result));
  }));
}

AttemptEnd CallAttempt::stop(const std::string& why) {
  return ended(transient(why));
}

}  // namespace colloquium::ai
