#include "ai/openai_format/openai_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ai/failures.h"
#include "base/base64.h"

namespace colloquium::ai {
namespace {

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
  if (says("rate_limit_exceeded") || says("tokens") || says("requests") || says("429"))
    return AiFailureKind::kThrottled;
  if (says("content_filter") || says("context_length_exceeded")) return AiFailureKind::kCaller;
  if (says("server_error")) return AiFailureKind::kTransient;
  // Said in the middle of a stream, where no status says it.
  const bool by_request = says("invalid_request_error") || says("invalid_prompt");
  if (by_request && by_status == AiFailureKind::kTransient) return AiFailureKind::kCaller;
  return by_status;
}

// "… Please retry after 6 seconds." (Azure), "… Please try again in 1.2s." (OpenAI).
std::optional<int64_t> told_wait_ms(std::string_view message) {
  for (const std::string_view words : {"retry after ", "try again in "}) {
    const size_t at = message.find(words);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = message.substr(at + words.size());
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (rest.substr(digits).starts_with(" second"))
      return parse_duration_ms(std::string(rest.substr(0, digits)) + "s");
    std::string_view length = rest.substr(0, rest.find(' '));
    while (length.ends_with('.')) length.remove_suffix(1);
    return parse_duration_ms(length);
  }
  return std::nullopt;
}

// Where no header says when: when the emptier of the two buckets is full again.
std::optional<int64_t> reset_ms(const AiHead& head) {
  std::optional<int64_t> latest;
  for (const char* what : {"requests", "tokens"}) {
    const auto left = head.find("x-ratelimit-remaining-" + std::string(what));
    const auto reset = head.find("x-ratelimit-reset-" + std::string(what));
    if (!left || *left != "0" || !reset) continue;
    if (const auto ms = parse_duration_ms(*reset)) latest = std::max(latest.value_or(0), *ms);
  }
  return latest;
}

constexpr OpenAiCounts kCounts{"prompt_tokens", "prompt_tokens_details", "completion_tokens",
                               "completion_tokens_details"};

}  // namespace

AiFailure openai_error(const std::optional<json::ValueView>& error, std::string_view text, AiFailureKind kind) {
  std::string scratch[3];
  auto message = JsonReader::text(JsonReader::member(error, "message"), scratch[0]);
  if (!message) message = JsonReader::text(error, scratch[0]);
  const auto code = JsonReader::text(JsonReader::member(error, "code"), scratch[1]).value_or("");
  const auto type = JsonReader::text(JsonReader::member(error, "type"), scratch[2]).value_or("");
  AiFailure failure{kind_of(kind, code, type), std::string(message ? *message : quoted(text)), {}, 0};
  if (message && failure.kind == AiFailureKind::kThrottled) failure.retry_after_ms = told_wait_ms(*message);
  return failure;
}

AiFailure openai_failure(const AiHead& head, std::string_view body) {
  JsonReader reader;
  const auto root = reader.read(body);
  const auto error = JsonReader::member(root, "error");
  // What stands before a server has words of its own at the top: `{"statusCode": 401, "message": "…"}`.
  AiFailure failure = openai_error(error ? error : root, body, failure_kind(head.status));
  failure.status = head.status;
  if (const auto asked = retry_after_ms(head)) failure.retry_after_ms = asked;
  if (!failure.retry_after_ms && failure.kind == AiFailureKind::kThrottled)
    failure.retry_after_ms = reset_ms(head);
  obey_should_retry(head, failure);
  return failure;
}

std::optional<AiUsage> openai_usage(const std::optional<json::ValueView>& usage, const OpenAiCounts& names) {
  const auto in = JsonReader::integer(JsonReader::member(usage, names.in));
  if (!in) return std::nullopt;
  const auto of = [&](const char* details, const char* key, int64_t most) {
    const auto holder = JsonReader::member(usage, details);
    return std::min(JsonReader::integer(JsonReader::member(holder, key)).value_or(0), most);
  };
  AiUsage found;
  found.cache_read = of(names.in_details, "cached_tokens", *in);
  found.cache_write_5m = of(names.in_details, "cache_write_tokens", *in - *found.cache_read);
  found.input = *in - *found.cache_read - *found.cache_write_5m;
  const int64_t out = JsonReader::integer(JsonReader::member(usage, names.out)).value_or(0);
  found.reasoning = of(names.out_details, "reasoning_tokens", out);
  found.output = out - *found.reasoning;
  return found;
}

AiFailure OpenAiDecoder::refusal(const AiHead& head, std::string_view body) {
  return openai_failure(head, body);
}

void OpenAiDecoder::stream_end(const AiTake& take) {
  if (finish_reason_.empty()) return AnswerDecoder::stream_end(take);
  done(take);
}

// In the place of an answer, behind a 200.
bool OpenAiDecoder::is_error(const std::optional<json::ValueView>& root, std::string_view text,
                             const AiTake& take) {
  const auto error = JsonReader::member(root, "error");
  if (!error || error->type() == TokenType::kNull) return false;
  failed(openai_error(error, text, AiFailureKind::kTransient), take);
  return true;
}

void OpenAiDecoder::event(const net::StreamedEvent& event, const AiTake& take) {
  if (event.data == "[DONE]") {
    if (finish_reason_.empty()) return broken("the answer says that it is done, but not why", take);
    return done(take);
  }
  const auto root = reader_.read(event.data);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(quoted(event.data)), take);
  if (const auto took = openai_usage(JsonReader::member(root, "usage"), kCounts)) take(*took);
  answer(*root, "delta", take);
  (void)is_error(root, event.data, take);
}

void OpenAiDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(quoted(body)), take);
  if (const auto took = openai_usage(JsonReader::member(root, "usage"), kCounts)) take(*took);
  if (task_ != AiTask::kEmbed) answer(*root, "message", take);
  if (is_error(root, body, take)) return;
  if (task_ == AiTask::kEmbed) return embeddings(*root, take);
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
      return broken("embedding " + std::to_string(place) + " is neither base64 of floats nor a list of numbers",
                    take);
    }
  }
  finish_reason_ = "stop";
  done(take);
}

// Base64 of 32-bit floats, the low byte first, or numbers, from servers that only know those.
bool OpenAiDecoder::embedding(size_t index, const json::ValueView& value, const AiTake& take) {
  AiEmbedding found{index, {}};
  if (auto numbers = JsonReader::floats(value)) {
    if (numbers->empty()) return false;
    found.vector = *std::move(numbers);
  } else {
    const auto text = JsonReader::text(value, scratch_[0]);
    const auto bytes = text ? base64_decoded(*text) : std::nullopt;
    if (!bytes || bytes->empty() || bytes->size() % sizeof(float) != 0) return false;
    found.vector.resize(bytes->size() / sizeof(float));
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(found.vector.data(), bytes->data(), bytes->size());
  }
  take(std::move(found));
  return true;
}

void OpenAiDecoder::done(const AiTake& take) {
  finish({finish_of(finish_reason_), finish_reason_}, take);
}

}  // namespace colloquium::ai
