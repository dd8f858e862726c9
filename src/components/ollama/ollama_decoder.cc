#include "components/ollama/ollama_decoder.h"

#include "ai/failures.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

// `{"error": "words"}`; what stands before a server may say `{"error": {"message": "words"}}`.
AiFailure failure_of(const std::optional<json::ValueView>& root, std::string_view text, AiFailureKind kind) {
  std::string scratch;
  const auto error = JsonReader::member(root, "error");
  auto message = JsonReader::text(error, scratch);
  if (!message) message = JsonReader::text(JsonReader::member(error, "message"), scratch);
  return {kind, std::string(message ? *message : ai::quoted(text)), {}, 0};
}

bool is_true(const std::optional<json::ValueView>& value) {
  return value && value->type() == TokenType::kTrue;
}

// Counts of nothing are left out.
void tell_usage(const json::ValueView& root, const AiTake& take) {
  AiUsage usage;
  usage.input = JsonReader::integer(JsonReader::member(root, "prompt_eval_count")).value_or(0);
  usage.output = JsonReader::integer(JsonReader::member(root, "eval_count")).value_or(0);
  take(usage);
}

}  // namespace

AiFailure OllamaDecoder::refusal(const AiHead& head, std::string_view body) {
  AiFailure failure = failure_of(reader_.read(body), body, ai::failure_kind(head.status));
  failure.status = head.status;
  failure.retry_after_ms = ai::retry_after_ms(head);
  return failure;
}

void OllamaDecoder::line(std::string_view line, const AiTake& take) {
  const auto root = reader_.read(line);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(line)), take);
  if (JsonReader::member(root, "error")) return failed(failure_of(root, line, AiFailureKind::kTransient), take);
  answer(*root, take);
}

void OllamaDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  if (JsonReader::member(root, "error")) return failed(failure_of(root, body, AiFailureKind::kTransient), take);
  if (task_ == AiTask::kEmbed) return embeddings(*root, take);
  answer(*root, take);
  if (!ended()) broken("the answer does not say that it is done", take);
}

void OllamaDecoder::answer(const json::ValueView& root, const AiTake& take) {
  const auto message = JsonReader::member(root, "message");
  const auto thinking = JsonReader::text(JsonReader::member(message, "thinking"), scratch_[0]);
  if (thinking && !thinking->empty()) take(AiReasoningDelta{*thinking});
  const auto content = JsonReader::text(JsonReader::member(message, "content"), scratch_[0]);
  if (content && !content->empty()) take(AiTextDelta{*content});
  JsonReader::for_each(JsonReader::member(message, "tool_calls"),
                       [&](const json::ValueView& call) { tool_call(call, take); });
  if (is_true(JsonReader::member(root, "done"))) done(root, take);
}

// A call comes whole. Older servers give it no id; its place will do.
void OllamaDecoder::tool_call(const json::ValueView& call, const AiTake& take) {
  const auto function = JsonReader::member(call, "function");
  const auto name = JsonReader::text(JsonReader::member(function, "name"), scratch_[0]);
  const auto given = JsonReader::text(JsonReader::member(call, "id"), scratch_[1]);
  const std::string made = call_stem_ + "-" + std::to_string(calls_);
  const auto arguments = JsonReader::member(function, "arguments");
  take(AiToolCallDelta{calls_, given && !given->empty() ? *given : std::string_view(made), name.value_or(""),
                       arguments ? arguments->raw() : "{}"});
  ++calls_;
}

void OllamaDecoder::embeddings(const json::ValueView& root, const AiTake& take) {
  size_t index = 0;
  bool good = true;
  JsonReader::for_each(JsonReader::member(root, "embeddings"), [&](const json::ValueView& embedding) {
    auto vector = JsonReader::floats(embedding);
    good = good && vector && !vector->empty();
    if (good) take(AiEmbedding{index, *std::move(vector)});
    ++index;
  });
  if (index == 0 || !good) return broken("the answer has no 'embeddings' of numbers", take);
  tell_usage(root, take);
  finish({AiFinish::kStop, "stop"}, take);
}

// A model that calls a tool has stopped, and says only that.
void OllamaDecoder::done(const json::ValueView& root, const AiTake& take) {
  tell_usage(root, take);
  const std::string reason(
      JsonReader::text(JsonReader::member(root, "done_reason"), scratch_[0]).value_or("stop"));
  AiFinish finish_reason = AiFinish::kOther;
  if (reason == "stop") finish_reason = calls_ > 0 ? AiFinish::kToolCalls : AiFinish::kStop;
  if (reason == "length") finish_reason = AiFinish::kLength;
  finish({finish_reason, reason}, take);
}

}  // namespace colloquium::components
