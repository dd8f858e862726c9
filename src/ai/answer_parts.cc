#include "ai/answer_parts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace colloquium::ai {
namespace {
// A provider that numbers them wildly is not followed.
constexpr size_t kIndexMax = 100'000;
}  // namespace

void AnswerParts::take(const AiOutput& output) {
  if (ended()) return;
  if (const auto* delta = std::get_if<AiTextDelta>(&output)) {
    grow(delta->text.size());
    content_.text += delta->text;
  } else if (const auto* reasoning = std::get_if<AiReasoningDelta>(&output)) {
    grow(reasoning->text.size());
    reasoning_bytes_ += reasoning->text.size();
  } else if (const auto* call = std::get_if<AiToolCallDelta>(&output)) {
    take_call(*call);
  } else if (const auto* embedding = std::get_if<AiEmbedding>(&output)) {
    take_vector(*embedding);
  } else if (const auto* usage = std::get_if<AiUsage>(&output)) {
    for (const auto bucket : {&AiUsage::input, &AiUsage::cache_read, &AiUsage::cache_write_5m,
                              &AiUsage::cache_write_1h, &AiUsage::output, &AiUsage::reasoning}) {
      if (usage->*bucket) usage_.*bucket = usage->*bucket;
    }
  } else if (const auto* finished = std::get_if<AiFinished>(&output)) {
    finish(*finished);
  } else if (const auto* failure = std::get_if<AiFailure>(&output)) {
    failure_ = *failure;
  }
}

void AnswerParts::grow(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > bytes_max_) {
    fail("the answer is longer than " + std::to_string(bytes_max_) + " bytes; it was not read on");
  }
}

void AnswerParts::fail(std::string why) {
  if (!failure_) failure_ = AiFailure{AiFailureKind::kCaller, std::move(why), std::nullopt, 0};
}

void AnswerParts::take_call(const AiToolCallDelta& delta) {
  if (delta.index > kIndexMax) return;
  grow(delta.id.size() + delta.name.size() + delta.arguments.size());
  if (delta.index >= content_.tool_calls.size()) content_.tool_calls.resize(delta.index + 1);
  AiToolCall& call = content_.tool_calls[delta.index];
  if (!delta.id.empty()) call.id = delta.id;
  if (!delta.name.empty()) call.name = delta.name;
  call.arguments += delta.arguments;
}

void AnswerParts::take_vector(const AiEmbedding& embedding) {
  if (embedding.index > kIndexMax) return;
  // Base64 holds any bits, and a number may be larger than a float: neither can be written as JSON again. What the
  // answer took is told behind them.
  const auto is_number = [](float number) { return std::isfinite(number); };
  has_no_number_ = has_no_number_ || !std::all_of(embedding.vector.begin(), embedding.vector.end(), is_number);
  grow(embedding.vector.size() * sizeof(float));
  if (embedding.index >= content_.embeddings.size()) content_.embeddings.resize(embedding.index + 1);
  content_.embeddings[embedding.index] = embedding.vector;
}

void AnswerParts::finish(const AiFinished& finished) {
  const auto& vectors = content_.embeddings;
  if (has_no_number_) return fail("the answer has a vector of what is no finite number");
  if (vectors_ > 0 && vectors.size() != vectors_) {
    return fail("the answer has " + std::to_string(vectors.size()) + " vectors for " + std::to_string(vectors_) +
                " texts");
  }
  const auto is_empty = [](const std::vector<float>& vector) { return vector.empty(); };
  if (std::any_of(vectors.begin(), vectors.end(), is_empty)) return fail("the answer lacks one of its vectors");
  content_.finished = *(finished_ = finished);
}

void AnswerParts::tell(const CallContent& content, const std::function<void(const AiOutput&)>& listen) {
  if (!content.text.empty()) listen(AiTextDelta{content.text});
  for (size_t i = 0; i < content.tool_calls.size(); ++i) {
    const AiToolCall& call = content.tool_calls[i];
    listen(AiToolCallDelta{i, call.id, call.name, call.arguments});
  }
}

}  // namespace colloquium::ai
