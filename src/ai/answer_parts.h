// AnswerParts: puts what a decoder hands on together again: the text, the calls of tools, vectors, and what it
// took.
//
// Thread safety: value; one thread.
#pragma once

#include <cstddef>
#include <optional>

#include "colloquium/ai_provider.h"

#include "ai/call_record.h"

namespace colloquium::ai {

class AnswerParts {
 public:
  // More than `bytes_max` in all, and the answer has failed.
  explicit AnswerParts(size_t bytes_max) : bytes_max_(bytes_max) {}

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

  const size_t bytes_max_;
  size_t bytes_ = 0;
  size_t reasoning_bytes_ = 0;
  CallContent content_;
  AiUsage usage_;
  std::optional<AiFinished> finished_;
  std::optional<AiFailure> failure_;
};

}  // namespace colloquium::ai
