#include "components/openai/openai_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ai/failures.h"
#include "base/base64.h"
#include "components/openai/openai_chat.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

AiFinish finish_of(std::string_view reason) {
  if (reason == "stop") return AiFinish::kStop;
  if (reason == "length") return AiFinish::kLength;
  if (reason == "tool_calls" || reason == "function_call") return AiFinish::kToolCalls;
  if (reason == "content_filter") return AiFinish::kContentFilter;
  return AiFinish::kOther;
}

// Words that say more than the status does. A quota that is used up is no reason to wait.
AiFailureKind kind_of(AiFailureKind by_status, std::string_view code, std::string_view type) {
  const auto says = [&](std::string_view word) { return code == word || type == word; };
  if (says("insufficient_quota") || says("billing_hard_limit_reached")) return AiFailureKind::kQuota;
  if (says("invalid_api_key")) return AiFailureKind::kKey;
  if (says("rate_limit_exceeded") || says("tokens") || says("requests")) return AiFailureKind::kThrottled;
  if (says("content_filter") || says("context_length_exceeded")) return AiFailureKind::kCaller;
  if (says("server_error")) return AiFailureKind::kTransient;
  return by_status;
}

// `{"error": {"message", "type", "code"}}`, and the forms of servers that only say so much.
AiFailure failure_of(const std::optional<json::ValueView>& root, std::string_view body, AiFailureKind kind) {
  std::string scratch[3];
  AiFailure failure{kind, {}, {}, 0};
  const auto error = JsonReader::member(root, "error");
  if (const auto message = JsonReader::text(JsonReader::member(error, "message"), scratch[0])) {
    failure.message = *message;
  } else if (const auto plain = JsonReader::text(error, scratch[0])) {
    failure.message = *plain;
  } else {
    failure.message = ai::quoted(body);
  }
  const auto code = JsonReader::text(JsonReader::member(error, "code"), scratch[1]).value_or("");
  const auto type = JsonReader::text(JsonReader::member(error, "type"), scratch[2]).value_or("");
  failure.kind = kind_of(kind, code, type);
  return failure;
}

// Where no header says when: when the emptier of the two buckets is full again.
std::optional<int64_t> reset_ms(const AiHead& head) {
  std::optional<int64_t> latest;
  for (const char* what : {"requests", "tokens"}) {
    const auto left = head.find("x-ratelimit-remaining-" + std::string(what));
    const auto reset = head.find("x-ratelimit-reset-" + std::string(what));
    if (!left || *left != "0" || !reset) continue;
    if (const auto ms = ai::parse_duration_ms(*reset)) latest = std::max(latest.value_or(0), *ms);
  }
  return latest;
}

}  // namespace

AiFailure openai_failure(const AiHead& head, std::string_view body) {
  JsonReader reader;
  AiFailure failure = failure_of(reader.read(body), body, ai::failure_kind(head.status));
  failure.status = head.status;
  failure.retry_after_ms = ai::retry_after_ms(head);
  if (!failure.retry_after_ms && failure.kind == AiFailureKind::kThrottled) failure.retry_after_ms = reset_ms(head);
  ai::obey_should_retry(head, failure);
  return failure;
}

AiFailure OpenAiDecoder::refusal(const AiHead& head, std::string_view body) {
  return openai_failure(head, body);
}

void OpenAiDecoder::stream_end(const AiTake& take) {
  if (finish_reason_.empty()) return AnswerDecoder::stream_end(take);
  done(take);
}

// In the place of an answer, behind a 200.
bool OpenAiDecoder::is_error(const std::optional<json::ValueView>& root, std::string_view text, const AiTake& take) {
  const auto error = JsonReader::member(root, "error");
  if (!error || error->type() == TokenType::kNull) return false;
  failed(failure_of(root, text, AiFailureKind::kTransient), take);
  return true;
}

void OpenAiDecoder::event(const net::StreamedEvent& event, const AiTake& take) {
  if (event.data == "[DONE]") {
    if (finish_reason_.empty()) return broken("the answer says that it is done, but not why", take);
    return done(take);
  }
  const auto root = reader_.read(event.data);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(event.data)), take);
  if (is_error(root, event.data, take)) return;
  usage(*root, take);
  answer(*root, "delta", take);
}

void OpenAiDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  if (is_error(root, body, take)) return;
  usage(*root, take);
  if (task_ == AiTask::kEmbed) return embeddings(*root, take);
  answer(*root, "message", take);
  if (finish_reason_.empty()) return broken("the answer has no choice that is finished", take);
  done(take);
}

// Of the first choice. There may be none: of Azure's first chunk, and of the last, which has the usage.
void OpenAiDecoder::answer(const json::ValueView& root, const char* part, const AiTake& take) {
  const auto choice = JsonReader::element(JsonReader::member(root, "choices"), 0);
  const auto delta = JsonReader::member(choice, part);
  for (const char* thoughts : {"reasoning_content", "reasoning"}) {
    const auto text = JsonReader::text(JsonReader::member(delta, thoughts), scratch_[0]);
    if (text && !text->empty()) take(AiReasoningDelta{*text});
  }
  for (const char* words : {"content", "refusal"}) {
    const auto text = JsonReader::text(JsonReader::member(delta, words), scratch_[0]);
    if (text && !text->empty()) take(AiTextDelta{*text});
  }
  const auto calls = JsonReader::member(delta, "tool_calls");
  if (calls && calls->type() == TokenType::kArray) tool_calls(*calls, take);
  const auto reason = JsonReader::text(JsonReader::member(choice, "finish_reason"), scratch_[0]);
  if (reason) finish_reason_ = *reason;
}

void OpenAiDecoder::tool_calls(const json::ValueView& calls, const AiTake& take) {
  size_t place = 0;
  for (json::ValueView call = calls.first_child(); !call.at_end_of(calls); call = call.next(), ++place) {
    const auto function = JsonReader::member(call, "function");
    const auto index = JsonReader::integer(JsonReader::member(call, "index"));
    AiToolCallDelta delta{index ? static_cast<size_t>(*index) : place, {}, {}, {}};
    delta.id = JsonReader::text(JsonReader::member(call, "id"), scratch_[0]).value_or("");
    delta.name = JsonReader::text(JsonReader::member(function, "name"), scratch_[1]).value_or("");
    delta.arguments = JsonReader::text(JsonReader::member(function, "arguments"), scratch_[2]).value_or("");
    take(delta);
  }
}

void OpenAiDecoder::embeddings(const json::ValueView& root, const AiTake& take) {
  const auto data = JsonReader::member(root, "data");
  if (!data || data->type() != TokenType::kArray) return broken("the answer has no 'data'", take);
  size_t place = 0;
  for (json::ValueView item = data->first_child(); !item.at_end_of(*data); item = item.next(), ++place) {
    const auto index = JsonReader::integer(JsonReader::member(item, "index"));
    const auto value = JsonReader::member(item, "embedding");
    if (!value || !embedding(index ? static_cast<size_t>(*index) : place, *value, take)) {
      return broken("embedding " + std::to_string(place) + " is neither base64 of floats nor a list of numbers", take);
    }
  }
  finish_reason_ = "stop";
  done(take);
}

// Base64 of 32-bit floats, the low byte first, or numbers, from servers that only know those.
bool OpenAiDecoder::embedding(size_t index, const json::ValueView& value, const AiTake& take) {
  AiEmbedding found{index, {}};
  if (value.type() == TokenType::kArray) {
    for (json::ValueView number = value.first_child(); !number.at_end_of(value); number = number.next()) {
      if (number.type() != TokenType::kInteger && number.type() != TokenType::kDouble) return false;
      found.vector.push_back(static_cast<float>(number.number()));
    }
  } else {
    const auto text = JsonReader::text(value, scratch_[0]);
    const auto bytes = text ? base64_decoded(*text) : std::nullopt;
    if (!bytes || bytes->size() % sizeof(float) != 0) return false;
    found.vector.resize(bytes->size() / sizeof(float));
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(found.vector.data(), bytes->data(), bytes->size());
  }
  take(std::move(found));
  return true;
}

// OpenAI counts what was read from its cache, or written to it, among the tokens of the prompt, and reasoning among
// those of the answer.
void OpenAiDecoder::usage(const json::ValueView& root, const AiTake& take) {
  const auto all = JsonReader::member(root, "usage");
  const auto prompt = JsonReader::integer(JsonReader::member(all, "prompt_tokens"));
  if (!prompt) return;
  const auto in = JsonReader::member(all, "prompt_tokens_details");
  const auto out = JsonReader::member(all, "completion_tokens_details");
  const auto of = [](const std::optional<json::ValueView>& details, const char* key, int64_t most) {
    return std::min(JsonReader::integer(JsonReader::member(details, key)).value_or(0), most);
  };
  AiUsage usage;
  usage.cache_read = of(in, "cached_tokens", *prompt);
  usage.cache_write_5m = of(in, "cache_write_tokens", *prompt - *usage.cache_read);
  usage.input = *prompt - *usage.cache_read - *usage.cache_write_5m;
  const int64_t completion = JsonReader::integer(JsonReader::member(all, "completion_tokens")).value_or(0);
  usage.reasoning = of(out, "reasoning_tokens", completion);
  usage.output = completion - *usage.reasoning;
  take(usage);
}

void OpenAiDecoder::done(const AiTake& take) {
  finish({finish_of(finish_reason_), finish_reason_}, take);
}

}  // namespace colloquium::components
