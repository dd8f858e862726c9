#include "components/bedrock/bedrock_decoder.h"

#include <charconv>

#include "ai/failures.h"
#include "components/bedrock/bedrock_embedding.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

AiFinish finish_of(std::string_view reason) {
  if (reason == "end_turn" || reason == "stop_sequence") return AiFinish::kStop;
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") return AiFinish::kLength;
  if (reason == "tool_use") return AiFinish::kToolCalls;
  if (reason == "guardrail_intervened" || reason == "content_filtered") return AiFinish::kContentFilter;
  return AiFinish::kOther;
}

// "ThrottlingException:http://…", "com.amazon.coral#ThrottlingException" and, in a stream, "throttlingException"
// are all the same.
std::string_view bare_type(std::string_view type) {
  type = type.substr(0, type.find(':'));
  const size_t hash = type.rfind('#');
  if (hash != std::string_view::npos) type.remove_prefix(hash + 1);
  return type.empty() ? type : type.substr(1);
}

std::optional<AiFailureKind> kind_of(std::string_view type) {
  const std::string_view bare = bare_type(type);
  const auto is = [&](std::string_view name) { return bare == bare_type(name); };
  if (is("ThrottlingException") || is("ModelNotReadyException")) return AiFailureKind::kThrottled;
  if (is("ServiceQuotaExceededException")) return AiFailureKind::kQuota;
  if (is("ValidationException") || is("ResourceNotFoundException")) return AiFailureKind::kCaller;
  for (const char* key : {"AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
                          "ExpiredTokenException", "MissingAuthenticationTokenException",
                          "IncompleteSignatureException", "InvalidClientTokenId"}) {
    if (is(key)) return AiFailureKind::kKey;
  }
  for (const char* passing : {"InternalServerException", "ServiceUnavailableException", "ModelTimeoutException",
                              "ModelErrorException", "ModelStreamErrorException", "InternalFailure"}) {
    if (is(passing)) return AiFailureKind::kTransient;
  }
  return std::nullopt;
}

// `{"message": "…"}`; some of AWS's doors write it with a capital.
AiFailure failure_of(std::string_view type, const std::optional<json::ValueView>& root, std::string_view text,
                     AiFailureKind kind) {
  std::string scratch;
  auto message = JsonReader::text(JsonReader::member(root, "message"), scratch);
  if (!message) message = JsonReader::text(JsonReader::member(root, "Message"), scratch);
  AiFailure failure{kind_of(type).value_or(kind), std::string(message ? *message : ai::quoted(text)), {}, 0};
  // "Too many tokens per day": waiting a moment is no use.
  if (failure.kind == AiFailureKind::kThrottled && failure.message.find("per day") != std::string::npos) {
    failure.kind = AiFailureKind::kQuota;
  }
  if (failure.message.empty()) failure.message = type.substr(0, type.find(':'));
  return failure;
}

// Bedrock's inputTokens are those that no cache had to do with.
std::optional<AiUsage> usage_of(const std::optional<json::ValueView>& usage) {
  const auto count = [](const std::optional<json::ValueView>& from, const char* key) {
    return JsonReader::integer(JsonReader::member(from, key));
  };
  if (!count(usage, "inputTokens") && !count(usage, "outputTokens")) return std::nullopt;
  AiUsage found;
  found.input = count(usage, "inputTokens");
  found.output = count(usage, "outputTokens");
  found.cache_read = count(usage, "cacheReadInputTokens");
  found.cache_write_5m = count(usage, "cacheWriteInputTokens");
  std::string scratch;
  JsonReader::for_each(JsonReader::member(usage, "cacheDetails"), [&](const json::ValueView& part) {
    if (JsonReader::text(JsonReader::member(part, "ttl"), scratch) != "1h") return;
    const int64_t hour = std::min(count(part, "inputTokens").value_or(0), found.cache_write_5m.value_or(0));
    found.cache_write_1h = hour;
    found.cache_write_5m = found.cache_write_5m.value_or(0) - hour;
  });
  return found;
}

std::optional<int64_t> counted(std::optional<std::string_view> text) {
  int64_t value = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

BedrockDecoder::BedrockDecoder(AiTask task)
    : AnswerDecoder("application/vnd.amazon.eventstream"),
      task_(task),
      messages_(net::AwsStreamLimits{.message_bytes_max = kPieceBytesMax}) {}

AiFailure BedrockDecoder::refusal(const AiHead& head, std::string_view body) {
  const auto root = reader_.read(body);
  const auto written = JsonReader::text(JsonReader::member(root, "__type"), scratch_[0]);
  const std::string type(head.find("x-amzn-errortype").value_or(written.value_or("")));
  AiFailure failure = failure_of(type, root, body, ai::failure_kind(head.status));
  failure.status = head.status;
  failure.retry_after_ms = ai::retry_after_ms(head);
  return failure;
}

void BedrockDecoder::stream(std::string_view bytes, const AiTake& take) {
  while (!ended()) {
    const auto next = messages_.next(bytes);
    if (!next) return broken("a piece of the answer can't be read: " + next.error().message, take);
    if (*next == nullptr) return;
    message(**next, take);
  }
}

void BedrockDecoder::message(const net::AwsMessage& message, const AiTake& take) {
  const std::string_view how = message.text(":message-type");
  if (how == "error") {
    return failed(failure_of(message.text(":error-code"), std::nullopt, message.text(":error-message"),
                             AiFailureKind::kTransient),
                  take);
  }
  const auto root = reader_.read(message.payload);
  if (how == "exception") {
    return failed(failure_of(message.text(":exception-type"), root, message.payload, AiFailureKind::kTransient),
                  take);
  }
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(message.payload)), take);
  event(message.text(":event-type"), *root, take);
}

void BedrockDecoder::event(std::string_view type, const json::ValueView& root, const AiTake& take) {
  const auto index = JsonReader::integer(JsonReader::member(root, "contentBlockIndex"));
  if (type == "contentBlockStart") {
    const auto tool_use = JsonReader::member(JsonReader::member(root, "start"), "toolUse");
    if (index && tool_use) call_begins(*index, *tool_use, take);
  } else if (type == "contentBlockDelta") {
    delta(root, take);
  } else if (type == "messageStop") {
    stop_reason_ = JsonReader::text(JsonReader::member(root, "stopReason"), scratch_[0]).value_or("");
  } else if (type == "metadata") {
    if (const auto took = usage_of(JsonReader::member(root, "usage"))) take(*took);
    if (!stop_reason_.empty()) done(take);
  }
}

void BedrockDecoder::call_begins(int64_t index, const json::ValueView& tool_use, const AiTake& take) {
  const size_t number = calls_.emplace(index, calls_.size()).first->second;
  const auto id = JsonReader::text(JsonReader::member(tool_use, "toolUseId"), scratch_[0]).value_or("");
  const auto name = JsonReader::text(JsonReader::member(tool_use, "name"), scratch_[1]).value_or("");
  const auto input = JsonReader::member(tool_use, "input");
  take(AiToolCallDelta{number, id, name, input ? input->raw() : std::string_view()});
}

void BedrockDecoder::delta(const json::ValueView& root, const AiTake& take) {
  const auto change = JsonReader::member(root, "delta");
  const auto text = [&](const std::optional<json::ValueView>& from, const char* key) {
    return JsonReader::text(JsonReader::member(from, key), scratch_[0]);
  };
  if (const auto words = text(change, "text")) return take(AiTextDelta{*words});
  if (const auto thought = text(JsonReader::member(change, "reasoningContent"), "text")) {
    return take(AiReasoningDelta{*thought});
  }
  const auto index = JsonReader::integer(JsonReader::member(root, "contentBlockIndex"));
  const auto call = index ? calls_.find(*index) : calls_.end();
  if (call == calls_.end()) return;
  if (const auto input = text(JsonReader::member(change, "toolUse"), "input")) {
    take(AiToolCallDelta{call->second, {}, {}, *input});
  }
}

// What has its reason is done, though the server did not come to say what it took.
void BedrockDecoder::stream_end(const AiTake& take) {
  if (stop_reason_.empty() || !messages_.finish()) return AnswerDecoder::stream_end(take);
  done(take);
}

void BedrockDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  if (task_ == AiTask::kEmbed) return embeddings(*root, take);
  if (const auto took = usage_of(JsonReader::member(root, "usage"))) take(*took);
  int64_t index = 0;
  const auto message = JsonReader::member(JsonReader::member(root, "output"), "message");
  JsonReader::for_each(JsonReader::member(message, "content"),
                       [&](const json::ValueView& one) { block(index++, one, take); });
  stop_reason_ = JsonReader::text(JsonReader::member(root, "stopReason"), scratch_[0]).value_or("");
  if (stop_reason_.empty()) return broken("the answer does not say why it stopped", take);
  done(take);
}

void BedrockDecoder::block(int64_t index, const json::ValueView& block, const AiTake& take) {
  if (const auto text = JsonReader::text(JsonReader::member(block, "text"), scratch_[0])) {
    return take(AiTextDelta{*text});
  }
  if (const auto tool_use = JsonReader::member(block, "toolUse")) return call_begins(index, *tool_use, take);
  const auto reasoning = JsonReader::member(JsonReader::member(block, "reasoningContent"), "reasoningText");
  const auto thought = JsonReader::text(JsonReader::member(reasoning, "text"), scratch_[0]);
  if (thought) take(AiReasoningDelta{*thought});
}

// Titan counts in the body; of others it stands in a header.
void BedrockDecoder::embeddings(const json::ValueView& root, const AiTake& take) {
  auto vectors = read_embeddings(root);
  if (!vectors) return broken("the answer has no embeddings of numbers", take);
  for (size_t i = 0; i < vectors->size(); ++i) take(AiEmbedding{i, std::move((*vectors)[i])});
  AiUsage usage;
  usage.input = JsonReader::integer(JsonReader::member(root, "inputTextTokenCount"));
  if (!usage.input) usage.input = counted(answer_head().find("x-amzn-bedrock-input-token-count"));
  if (usage.input) take(usage);
  finish({AiFinish::kStop, "stop"}, take);
}

void BedrockDecoder::done(const AiTake& take) {
  finish({finish_of(stop_reason_), stop_reason_}, take);
}

}  // namespace colloquium::components
