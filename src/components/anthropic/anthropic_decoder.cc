#include "components/anthropic/anthropic_decoder.h"

#include <algorithm>

#include "ai/failures.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

AiFinish finish_of(std::string_view reason) {
  if (reason == "end_turn" || reason == "stop_sequence") return AiFinish::kStop;
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") return AiFinish::kLength;
  if (reason == "tool_use") return AiFinish::kToolCalls;
  if (reason == "refusal") return AiFinish::kContentFilter;
  return AiFinish::kOther;
}

// In the middle of a stream there is no status, but the type of the error.
std::optional<AiFailureKind> kind_of(std::string_view type) {
  if (type == "invalid_request_error" || type == "not_found_error") return AiFailureKind::kCaller;
  if (type == "authentication_error" || type == "permission_error") return AiFailureKind::kKey;
  if (type == "billing_error") return AiFailureKind::kQuota;
  if (type == "rate_limit_error" || type == "overloaded_error") return AiFailureKind::kThrottled;
  if (type == "api_error" || type == "timeout_error") return AiFailureKind::kTransient;
  return std::nullopt;
}

// `{"type": "error", "error": {"type", "message"}}`.
AiFailure failure_of(const std::optional<json::ValueView>& root, std::string_view text, AiFailureKind kind) {
  std::string scratch[3];
  const auto error = JsonReader::member(root, "error");
  const auto message = JsonReader::text(JsonReader::member(error, "message"), scratch[0]);
  const auto type = JsonReader::text(JsonReader::member(error, "type"), scratch[1]);
  const auto code = JsonReader::text(JsonReader::member(error, "error_code"), scratch[2]);
  AiFailure failure{
      type ? kind_of(*type).value_or(kind) : kind, std::string(message ? *message : ai::quoted(text)), {}, 0};
  // A limit that somebody set for an account is not gone in a minute.
  if (code && code->find("spend_limit") != std::string_view::npos) failure.kind = AiFailureKind::kQuota;
  return failure;
}

}  // namespace

AiFailure AnthropicDecoder::refusal(const AiHead& head, std::string_view body) {
  AiFailure failure = failure_of(reader_.read(body), body, ai::failure_kind(head.status));
  failure.status = head.status;
  failure.retry_after_ms = ai::retry_after_ms(head);
  ai::obey_should_retry(head, failure);
  return failure;
}

void AnthropicDecoder::event(const net::StreamedEvent& event, const AiTake& take) {
  const auto root = reader_.read(event.data);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(event.data)), take);
  // Its name stands in the data as well; not every server sends both.
  const std::string type(JsonReader::text(JsonReader::member(*root, "type"), scratch_[0]).value_or(event.type));
  if (type == "error") return failed(failure_of(root, event.data, AiFailureKind::kTransient), take);
  if (type == "message_start") return usage(JsonReader::member(*root, "message"), take);
  if (type == "content_block_start") return block(*root, take);
  if (type == "content_block_delta") return delta(*root, take);
  if (type == "message_delta") {
    stop_reason(JsonReader::member(*root, "delta"));
    return usage(root, take);
  }
  if (type == "message_stop") done(take);
}

void AnthropicDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  usage(root, take);
  const auto content = JsonReader::member(root, "content");
  if (content && content->type() == TokenType::kArray) {
    size_t index = 0;
    for (json::ValueView part = content->first_child(); !part.at_end_of(*content); part = part.next()) {
      whole_block(index++, part, take);
    }
  }
  if (JsonReader::member(root, "error")) return failed(failure_of(root, body, AiFailureKind::kTransient), take);
  stop_reason(root);
  done(take);
}

void AnthropicDecoder::block(const json::ValueView& root, const AiTake& take) {
  const auto index = JsonReader::integer(JsonReader::member(root, "index"));
  const auto content = JsonReader::member(root, "content_block");
  const auto type = JsonReader::text(JsonReader::member(content, "type"), scratch_[0]);
  if (!index || !type) return;
  if (*type == "text") {
    const auto text = JsonReader::text(JsonReader::member(content, "text"), scratch_[0]);
    if (text && !text->empty()) take(AiTextDelta{*text});
  }
  if (*type != "tool_use") return;
  const auto id = JsonReader::text(JsonReader::member(content, "id"), scratch_[0]);
  const auto name = JsonReader::text(JsonReader::member(content, "name"), scratch_[1]);
  const size_t number = calls_.emplace(*index, calls_.size()).first->second;
  take(AiToolCallDelta{number, id.value_or(""), name.value_or(""), {}});
}

void AnthropicDecoder::whole_block(size_t index, const json::ValueView& block, const AiTake& take) {
  const std::string type(JsonReader::text(JsonReader::member(block, "type"), scratch_[0]).value_or(""));
  if (type == "text") {
    const auto text = JsonReader::text(JsonReader::member(block, "text"), scratch_[0]);
    if (text) take(AiTextDelta{*text});
  } else if (type == "thinking") {
    const auto text = JsonReader::text(JsonReader::member(block, "thinking"), scratch_[0]);
    if (text) take(AiReasoningDelta{*text});
  } else if (type == "tool_use") {
    const auto id = JsonReader::text(JsonReader::member(block, "id"), scratch_[0]);
    const auto name = JsonReader::text(JsonReader::member(block, "name"), scratch_[1]);
    const auto input = JsonReader::member(block, "input");
    const size_t number = calls_.emplace(static_cast<int64_t>(index), calls_.size()).first->second;
    take(AiToolCallDelta{number, id.value_or(""), name.value_or(""), input ? input->raw() : "{}"});
  }
}

void AnthropicDecoder::delta(const json::ValueView& root, const AiTake& take) {
  const auto change = JsonReader::member(root, "delta");
  const auto words = [&](const char* key) {
    return JsonReader::text(JsonReader::member(change, key), scratch_[0]);
  };
  if (const auto text = words("text")) return take(AiTextDelta{*text});
  if (const auto thinking = words("thinking")) return take(AiReasoningDelta{*thinking});
  const auto index = JsonReader::integer(JsonReader::member(root, "index"));
  const auto call = index ? calls_.find(*index) : calls_.end();
  if (call == calls_.end()) return;
  if (const auto json = words("partial_json")) take(AiToolCallDelta{call->second, {}, {}, *json});
}

void AnthropicDecoder::stop_reason(const std::optional<json::ValueView>& holder) {
  const auto reason = JsonReader::text(JsonReader::member(holder, "stop_reason"), scratch_[0]);
  if (reason) stop_reason_ = *reason;
}

// Anthropic's input_tokens are those that no cache had to do with. Where it does not say for how long, five
// minutes is its default.
void AnthropicDecoder::usage(const std::optional<json::ValueView>& holder, const AiTake& take) {
  const auto all = JsonReader::member(holder, "usage");
  if (!all || all->type() != TokenType::kObject) return;
  const auto count = [](const std::optional<json::ValueView>& from, const char* key) {
    return JsonReader::integer(JsonReader::member(from, key));
  };
  AiUsage usage;
  usage.input = count(all, "input_tokens");
  usage.cache_read = count(all, "cache_read_input_tokens");
  const auto written = JsonReader::member(all, "cache_creation");
  usage.cache_write_1h = count(written, "ephemeral_1h_input_tokens");
  usage.cache_write_5m = count(written, "ephemeral_5m_input_tokens");
  if (!usage.cache_write_5m) usage.cache_write_5m = count(all, "cache_creation_input_tokens");
  usage.output = count(all, "output_tokens");
  const auto thoughts = count(JsonReader::member(all, "output_tokens_details"), "thinking_tokens");
  if (thoughts && usage.output) {
    usage.reasoning = std::min(*thoughts, *usage.output);
    usage.output = *usage.output - *usage.reasoning;
  }
  take(usage);
}

void AnthropicDecoder::done(const AiTake& take) {
  if (stop_reason_.empty()) return broken("the answer says that it is done, but not why", take);
  finish({finish_of(stop_reason_), stop_reason_}, take);
}

}  // namespace colloquium::components
