#include "ai/answer_parts.h"

#include <string>

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
    if (!ended()) content_.finished = *(finished_ = *finished);
  } else if (const auto* failure = std::get_if<AiFailure>(&output)) {
    failure_ = *failure;
  }
}

void AnswerParts::grow(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= bytes_max_ || failure_) return;
  failure_ = AiFailure{AiFailureKind::kCaller,
                       "the answer is longer than " + std::to_string(bytes_max_) + " bytes; it was not read on",
                       std::nullopt, 0};
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
  grow(embedding.vector.size() * sizeof(float));
  if (embedding.index >= content_.embeddings.size()) content_.embeddings.resize(embedding.index + 1);
  content_.embeddings[embedding.index] = embedding.vector;
}

void AnswerParts::tell(const CallContent& content, const std::function<void(const AiOutput&)>& listen) {
  if (!content.text.empty()) listen(AiTextDelta{content.text});
  for (size_t i = 0; i < content.tool_calls.size(); ++i) {
    const AiToolCall& call = content.tool_calls[i];
    listen(AiToolCallDelta{i, call.id, call.name, call.arguments});
  }
}

}  // namespace colloquium::ai
