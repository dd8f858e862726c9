#include "components/google/google_decoder.h"

#include <algorithm>

#include "ai/failures.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

// What blocked a prompt; there is no candidate then.
constexpr char kBlocked[] = "BLOCKED";

AiFinish finish_of(std::string_view reason) {
  if (reason == "STOP") return AiFinish::kStop;
  if (reason == "MAX_TOKENS") return AiFinish::kLength;
  for (const char* filter : {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", kBlocked}) {
    if (reason == filter) return AiFinish::kContentFilter;
  }
  return AiFinish::kOther;
}

std::optional<AiFailureKind> kind_of(std::string_view status) {
  if (status == "RESOURCE_EXHAUSTED") return AiFailureKind::kThrottled;
  if (status == "PERMISSION_DENIED" || status == "UNAUTHENTICATED") return AiFailureKind::kKey;
  if (status == "INVALID_ARGUMENT" || status == "NOT_FOUND" || status == "FAILED_PRECONDITION") {
    return AiFailureKind::kCaller;
  }
  if (status == "INTERNAL" || status == "UNAVAILABLE" || status == "DEADLINE_EXCEEDED") {
    return AiFailureKind::kTransient;
  }
  return std::nullopt;
}

// google.rpc.ErrorInfo, QuotaFailure and RetryInfo, told apart by what they have.
void read_detail(const json::ValueView& detail, AiFailure& failure) {
  std::string scratch;
  const auto text = [&](const std::optional<json::ValueView>& of, const char* key) {
    return JsonReader::text(JsonReader::member(of, key), scratch);
  };
  if (const auto delay = text(detail, "retryDelay")) failure.retry_after_ms = ai::parse_duration_ms(*delay);
  if (text(detail, "reason") == "API_KEY_INVALID") failure.kind = AiFailureKind::kKey;
  JsonReader::for_each(JsonReader::member(detail, "violations"), [&](const json::ValueView& violation) {
    const auto quota = text(violation, "quotaId");
    if (quota && quota->find("PerDay") != std::string_view::npos) failure.kind = AiFailureKind::kQuota;
  });
}

// `{"error": {"code", "message", "status", "details"}}`, in a list of one where an answer was to be a list.
AiFailure failure_of(std::optional<json::ValueView> root, std::string_view text, AiFailureKind kind) {
  std::string scratch[2];
  if (root && root->type() == TokenType::kArray) root = JsonReader::element(root, 0);
  const auto error = JsonReader::member(root, "error");
  const auto message = JsonReader::text(JsonReader::member(error, "message"), scratch[0]);
  const auto status = JsonReader::text(JsonReader::member(error, "status"), scratch[1]);
  AiFailure failure{
      status ? kind_of(*status).value_or(kind) : kind, std::string(message ? *message : ai::quoted(text)), {}, 0};
  JsonReader::for_each(JsonReader::member(error, "details"),
                       [&](const json::ValueView& detail) { read_detail(detail, failure); });
  return failure;
}

}  // namespace

AiFailure GoogleDecoder::refusal(const AiHead& head, std::string_view body) {
  AiFailure failure = failure_of(reader_.read(body), body, ai::failure_kind(head.status));
  failure.status = head.status;
  if (const auto asked = ai::retry_after_ms(head)) failure.retry_after_ms = asked;
  return failure;
}

void GoogleDecoder::event(const net::StreamedEvent& event, const AiTake& take) {
  const auto root = reader_.read(event.data);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(event.data)), take);
  (void)answer(*root, event.data, take);
}

void GoogleDecoder::stream_end(const AiTake& take) {
  if (finish_reason_.empty()) return AnswerDecoder::stream_end(take);
  done(take);
}

void GoogleDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  if (!answer(*root, body, take)) return;
  if (task_ == AiTask::kEmbed) return embeddings(*root, take);
  if (finish_reason_.empty()) return broken("the answer has no candidate that is finished", take);
  done(take);
}

bool GoogleDecoder::answer(const json::ValueView& root, std::string_view text, const AiTake& take) {
  usage(root, take);
  const auto candidate = JsonReader::element(JsonReader::member(root, "candidates"), 0);
  JsonReader::for_each(JsonReader::member(JsonReader::member(candidate, "content"), "parts"),
                       [&](const json::ValueView& one) { part(one, take); });
  if (JsonReader::member(root, "error")) {
    failed(failure_of(root, text, AiFailureKind::kTransient), take);
    return false;
  }
  if (const auto reason = JsonReader::text(JsonReader::member(candidate, "finishReason"), scratch_[0])) {
    finish_reason_ = *reason;
  }
  if (JsonReader::member(JsonReader::member(root, "promptFeedback"), "blockReason")) finish_reason_ = kBlocked;
  return true;
}

void GoogleDecoder::part(const json::ValueView& part, const AiTake& take) {
  if (const auto text = JsonReader::text(JsonReader::member(part, "text"), scratch_[0])) {
    const auto thought = JsonReader::member(part, "thought");
    if (thought && thought->type() == TokenType::kTrue) return take(AiReasoningDelta{*text});
    return take(AiTextDelta{*text});
  }
  const auto call = JsonReader::member(part, "functionCall");
  if (!call) return;
  const auto name = JsonReader::text(JsonReader::member(call, "name"), scratch_[0]);
  // Most have no id; the place will do.
  const auto given = JsonReader::text(JsonReader::member(call, "id"), scratch_[1]);
  const std::string made = call_stem_ + "-" + std::to_string(calls_);
  const auto arguments = JsonReader::member(call, "args");
  take(AiToolCallDelta{calls_, given ? *given : std::string_view(made), name.value_or(""),
                       arguments ? arguments->raw() : "{}"});
  ++calls_;
}

void GoogleDecoder::embeddings(const json::ValueView& root, const AiTake& take) {
  size_t index = 0;
  bool good = true;
  JsonReader::for_each(JsonReader::member(root, "embeddings"), [&](const json::ValueView& embedding) {
    auto vector = JsonReader::floats(JsonReader::member(embedding, "values"));
    good = good && vector && !vector->empty();
    if (good) take(AiEmbedding{index, *std::move(vector)});
    ++index;
  });
  if (index == 0 || !good) return broken("the answer has no 'embeddings' of numbers", take);
  finish_reason_ = "STOP";
  done(take);
}

// The prompt's tokens are counted with those that came from a cache; thoughts are not among the candidates'.
void GoogleDecoder::usage(const json::ValueView& root, const AiTake& take) {
  const auto all = JsonReader::member(root, "usageMetadata");
  const auto count = [&](const char* key) {
    return JsonReader::integer(JsonReader::member(all, key)).value_or(0);
  };
  if (!all || all->type() != TokenType::kObject) return;
  const int64_t prompt = count("promptTokenCount");
  AiUsage usage;
  usage.cache_read = std::min(count("cachedContentTokenCount"), prompt);
  usage.input = prompt - *usage.cache_read + count("toolUsePromptTokenCount");
  usage.output = count("candidatesTokenCount");
  usage.reasoning = count("thoughtsTokenCount");
  take(usage);
}

void GoogleDecoder::done(const AiTake& take) {
  const AiFinish reason = finish_of(finish_reason_);
  finish({reason == AiFinish::kStop && calls_ > 0 ? AiFinish::kToolCalls : reason, finish_reason_}, take);
}

}  // namespace colloquium::components
