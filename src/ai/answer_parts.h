// AnswerParts: puts what a decoder hands on together again: the text, the calls of tools, vectors, and what it
// took.
//
// Thread safety: value; one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/call_record.h"

namespace colloquium::ai {

class AnswerParts {
 public:
  // More than `bytes_max` in all, and the answer has failed. So it has where it ends with another number of
  // vectors than `vectors` (0: nobody knows how many there are to be), with an empty one, or one of what is no
  // number.
  explicit AnswerParts(size_t bytes_max, size_t vectors = 0) : bytes_max_(bytes_max), vectors_(vectors) {}

  // Nothing is taken behind the end. REQUIRES: one call's outputs, in order.
  void take(const AiOutput& output);

  bool ended() const { return finished_ || failure_; }
  const std::optional<AiFinished>& finished() const { return finished_; }
  const std::optional<AiFailure>& failure() const { return failure_; }
  const AiUsage& usage() const { return usage_; }
  const CallContent& content() const { return content_; }
  // Of thoughts, which are paid for and not kept.
  size_t reasoning_bytes() const { return reasoning_bytes_; }

  // All of it as what one might have heard, in a few pieces.
  static void tell(const CallContent& content, const std::function<void(const AiOutput&)>& listen);

 private:
  void grow(size_t bytes);
  void take_call(const AiToolCallDelta& delta);
  void take_vector(const AiEmbedding& embedding);
  void finish(const AiFinished& finished);
  // Sent again as it is, it would be answered no better.
  void fail(std::string why);

  const size_t bytes_max_;
  const size_t vectors_;
  bool has_no_number_ = false;  // in some vector
  size_t bytes_ = 0;
  size_t reasoning_bytes_ = 0;
  CallContent content_;
  AiUsage usage_;
  std::optional<AiFinished> finished_;
  std::optional<AiFailure> failure_;
};

}  // namespace colloquium::ai
