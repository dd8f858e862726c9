#include "ai/answer_decoder.h"

#include <algorithm>
#include <utility>

#include "ai/failures.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr size_t kRefusalBytesMax = size_t{64} << 10;
constexpr size_t kQuoteBytes = 300;

}  // namespace

std::string_view quoted(std::string_view text) {
  if (text.size() <= kQuoteBytes) return text;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  size_t bytes = kQuoteBytes;
  // A character is four bytes at most; what is none is cut anywhere.
  while (bytes + 3 > kQuoteBytes && continues(text[bytes])) --bytes;
  return text.substr(0, continues(text[bytes]) ? kQuoteBytes : bytes);
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
  if (streams_) {
    stream(bytes, noting(take));
  } else {
    keep(bytes, take);
  }
  let_go();
}

AiTake AnswerDecoder::noting(const AiTake& take) {
  return [this, &take](const AiOutput& output) {
    has_given_ = true;
    take(output);
  };
}

void AnswerDecoder::keep(std::string_view bytes, const AiTake& take) {
  if (body_.size() + bytes.size() > kBodyBytesMax) return too_large("the answer is larger than 64 MiB", take);
  commas_ += static_cast<size_t>(std::count(bytes.begin(), bytes.end(), ','));
  if (commas_ > kValuesMax) return too_large("the answer is of more than 8 million values", take);
  body_ += bytes;
}

void AnswerDecoder::let_go() {
  reader_.let_go();
  if (ended_) std::string().swap(body_);
}

void AnswerDecoder::end(const AiTake& take) {
  if (ended_) return;
  if (!is_success(head_.status)) return failed(refusal(head_, body_), take);
  if (streams_) {
    stream_end(noting(take));
  } else {
    whole(body_, noting(take));
    ASSERT_WHY(ended_, "a whole answer ends its call");
  }
  let_go();
}

void AnswerDecoder::stream_end(const AiTake& take) {
  broken("the answer broke off", take);
}

void AnswerDecoder::finish(AiFinished finished, const AiTake& take) {
  ASSERT(!ended_);
  ended_ = true;
  take(std::move(finished));
}

// An error that is all there is says that nothing was done.
void AnswerDecoder::failed(AiFailure failure, const AiTake& take) {
  failure.refused = !has_given_;
  fail(std::move(failure), take);
}

void AnswerDecoder::broken(std::string message, const AiTake& take) {
  fail({AiFailureKind::kTransient, std::move(message), {}, 0}, take);
}

void AnswerDecoder::too_large(std::string message, const AiTake& take) {
  fail({AiFailureKind::kCaller, std::move(message), {}, 0}, take);
}

void AnswerDecoder::fail(AiFailure failure, const AiTake& take) {
  ASSERT(!ended_);
  ended_ = true;
  take(std::move(failure));
}

void AnswerDecoder::too_long(const AiTake& take) {
  too_large("a piece of the answer is larger than 16 MiB", take);
}

EventAnswerDecoder::EventAnswerDecoder()
    : AnswerDecoder("text/event-stream"), events_(std::in_place, kPieceBytesMax, "") {
  events_->begin();
}

void EventAnswerDecoder::stream(std::string_view bytes, const AiTake& take) {
  events_->feed(bytes, [&](const net::StreamedEvent& one) {
    if (ended()) return;
    if (one.truncated) return too_long(take);
    event(one, take);
  });
}

void EventAnswerDecoder::let_go() {
  AnswerDecoder::let_go();
  if (ended()) events_.reset();
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

void LineAnswerDecoder::let_go() {
  AnswerDecoder::let_go();
  if (ended()) std::string().swap(rest_);
}

void LineAnswerDecoder::hand_on(std::string_view line, const AiTake& take) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) this->line(line, take);
}

}  // namespace colloquium::ai
