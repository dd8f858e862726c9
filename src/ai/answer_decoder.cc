#include "ai/answer_decoder.h"

#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr size_t kEventBytesMax = size_t{16} << 20;
constexpr size_t kBodyBytesMax = size_t{64} << 20;
constexpr size_t kRefusalBytesMax = size_t{64} << 10;
constexpr size_t kQuoteBytes = 300;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

std::string_view quoted(std::string_view text) {
  return text.substr(0, kQuoteBytes);
}

AnswerDecoder::AnswerDecoder() : events_(kEventBytesMax, "") {
  events_.begin();
}

void AnswerDecoder::head(const AiHead& head, const AiTake& /*take*/) {
  head_ = head;
  const auto type = head.find("content-type");
  streams_ = is_success(head.status) && type && type->starts_with("text/event-stream");
}

void AnswerDecoder::bytes(std::string_view bytes, const AiTake& take) {
  if (ended_) return;
  if (!is_success(head_.status)) {
    body_ += bytes.substr(0, kRefusalBytesMax - body_.size());
    return;
  }
  if (!streams_) {
    if (body_.size() + bytes.size() > kBodyBytesMax) return broken("the answer is larger than 64 MiB", take);
    body_ += bytes;
    return;
  }
  events_.feed(bytes, [&](const net::StreamedEvent& one) {
    if (ended_) return;
    if (one.truncated) return broken("a piece of the answer is larger than 16 MiB", take);
    event(one, take);
  });
}

void AnswerDecoder::end(const AiTake& take) {
  if (ended_) return;
  if (!is_success(head_.status)) return failed(refusal(head_, body_), take);
  if (streams_) return stream_end(take);
  whole(body_, take);
  ASSERT_WHY(ended_, "a whole answer ends its call");
}

void AnswerDecoder::stream_end(const AiTake& take) {
  broken("the answer broke off", take);
}

void AnswerDecoder::finish(AiFinished finished, const AiTake& take) {
  ASSERT(!ended_);
  ended_ = true;
  take(std::move(finished));
}

void AnswerDecoder::failed(AiFailure failure, const AiTake& take) {
  ASSERT(!ended_);
  ended_ = true;
  take(std::move(failure));
}

void AnswerDecoder::broken(std::string message, const AiTake& take) {
  failed({AiFailureKind::kTransient, std::move(message), {}, 0}, take);
}

}  // namespace colloquium::ai
