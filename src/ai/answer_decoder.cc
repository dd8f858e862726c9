#include "ai/answer_decoder.h"

#include "base/assert.h"

namespace colloquium::ai {
namespace {

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

void AnswerDecoder::head(const AiHead& head, const AiTake& /*take*/) {
  head_ = head;
  const auto type = head.find("content-type");
  streams_ = is_success(head.status) && type && type->starts_with(stream_type_);
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
  stream(bytes, take);
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

void AnswerDecoder::too_long(const AiTake& take) {
  broken("a piece of the answer is larger than 16 MiB", take);
}

EventAnswerDecoder::EventAnswerDecoder() : AnswerDecoder("text/event-stream"), events_(kPieceBytesMax, "") {
  events_.begin();
}

void EventAnswerDecoder::stream(std::string_view bytes, const AiTake& take) {
  events_.feed(bytes, [&](const net::StreamedEvent& one) {
    if (ended()) return;
    if (one.truncated) return too_long(take);
    event(one, take);
  });
}

void LineAnswerDecoder::stream(std::string_view bytes, const AiTake& take) {
  while (!ended()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (rest_.size() + part.size() > kPieceBytesMax) return too_long(take);
    if (end == std::string_view::npos) {
      rest_ += part;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (rest_.empty()) {
      hand_on(part, take);
      continue;
    }
    rest_ += part;
    hand_on(rest_, take);
    rest_.clear();
  }
}

void LineAnswerDecoder::stream_end(const AiTake& take) {
  hand_on(rest_, take);
  if (!ended()) AnswerDecoder::stream_end(take);
}

void LineAnswerDecoder::hand_on(std::string_view line, const AiTake& take) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) this->line(line, take);
}

}  // namespace colloquium::ai
