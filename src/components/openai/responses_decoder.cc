#include "components/openai/responses_decoder.h"

#include "ai/openai_format/openai_decoder.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

constexpr ai::OpenAiCounts kCounts{"input_tokens", "input_tokens_details", "output_tokens",
                                   "output_tokens_details"};

AiFinish finish_of(std::string_view incomplete) {
  if (incomplete == "max_output_tokens") return AiFinish::kLength;
  if (incomplete == "content_filter") return AiFinish::kContentFilter;
  return AiFinish::kOther;
}

bool is_there(const std::optional<json::ValueView>& value) {
  return value && value->type() != TokenType::kNull;
}

}  // namespace

AiFailure ResponsesDecoder::refusal(const AiHead& head, std::string_view body) {
  return ai::openai_failure(head, body);
}

void ResponsesDecoder::event(const net::StreamedEvent& event, const AiTake& take) {
  // Servers that only speak alike end with it; what counts has been said by then.
  if (event.data == "[DONE]") return;
  const auto root = reader_.read(event.data);
  if (!root) return broken("a piece of the answer is no JSON: " + std::string(ai::quoted(event.data)), take);
  const std::string type(JsonReader::text(JsonReader::member(root, "type"), scratch_[0]).value_or(event.type));
  const auto delta = JsonReader::text(JsonReader::member(root, "delta"), scratch_[1]).value_or("");
  if (type == "response.output_text.delta" || type == "response.refusal.delta") return take(AiTextDelta{delta});
  if (type == "response.reasoning_summary_text.delta" || type == "response.reasoning_text.delta") {
    return take(AiReasoningDelta{delta});
  }
  if (type == "response.output_item.added") return item_begins(*root, take);
  if (type == "response.function_call_arguments.delta") return arguments(*root, "delta", take);
  if (type == "response.function_call_arguments.done") return arguments(*root, "arguments", take);
  if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
    return end_by(JsonReader::member(root, "response"), event.data, take);
  }
  if (type != "error") return;
  const auto error = JsonReader::member(root, "error");
  failed(ai::openai_error(is_there(error) ? error : root, event.data, AiFailureKind::kTransient), take);
}

void ResponsesDecoder::item_begins(const json::ValueView& root, const AiTake& take) {
  const auto index = JsonReader::integer(JsonReader::member(root, "output_index"));
  const auto item = JsonReader::member(root, "item");
  if (!index || JsonReader::text(JsonReader::member(item, "type"), scratch_[0]) != "function_call") return;
  const size_t number = calls_.emplace(*index, Call{calls_.size()}).first->second.number;
  const auto id = JsonReader::text(JsonReader::member(item, "call_id"), scratch_[0]).value_or("");
  const auto name = JsonReader::text(JsonReader::member(item, "name"), scratch_[1]).value_or("");
  take(AiToolCallDelta{number, id, name, {}});
}

// In deltas, and at last once more as a whole, which counts where there was no delta.
void ResponsesDecoder::arguments(const json::ValueView& root, const char* key, const AiTake& take) {
  const auto index = JsonReader::integer(JsonReader::member(root, "output_index"));
  const auto call = index ? calls_.find(*index) : calls_.end();
  if (call == calls_.end()) return;
  const bool whole = std::string_view(key) == "arguments";
  if (whole && call->second.told) return;
  const auto text = JsonReader::text(JsonReader::member(root, key), scratch_[0]).value_or("");
  if (text.empty()) return;
  call->second.told = true;
  take(AiToolCallDelta{call->second.number, {}, {}, text});
}

void ResponsesDecoder::whole(std::string_view body, const AiTake& take) {
  const auto root = reader_.read(body);
  if (!root) return broken("the answer is no JSON: " + std::string(ai::quoted(body)), take);
  int64_t index = 0;
  JsonReader::for_each(JsonReader::member(root, "output"),
                       [&](const json::ValueView& item) { whole_item(index++, item, take); });
  end_by(root, body, take);
}

void ResponsesDecoder::whole_item(int64_t index, const json::ValueView& item, const AiTake& take) {
  const std::string type(JsonReader::text(JsonReader::member(item, "type"), scratch_[0]).value_or(""));
  const auto text_of = [&](const json::ValueView& part, const char* key) {
    return JsonReader::text(JsonReader::member(part, key), scratch_[0]);
  };
  if (type == "message") {
    JsonReader::for_each(JsonReader::member(item, "content"), [&](const json::ValueView& part) {
      for (const char* words : {"text", "refusal"}) {
        if (const auto text = text_of(part, words)) take(AiTextDelta{*text});
      }
    });
  } else if (type == "reasoning") {
    JsonReader::for_each(JsonReader::member(item, "summary"), [&](const json::ValueView& part) {
      if (const auto text = text_of(part, "text")) take(AiReasoningDelta{*text});
    });
  } else if (type == "function_call") {
    const size_t number = calls_.emplace(index, Call{calls_.size()}).first->second.number;
    const std::string id(text_of(item, "call_id").value_or(""));
    const std::string name(text_of(item, "name").value_or(""));
    take(AiToolCallDelta{number, id, name, text_of(item, "arguments").value_or("{}")});
  }
}

void ResponsesDecoder::end_by(const std::optional<json::ValueView>& response, std::string_view text,
                              const AiTake& take) {
  if (const auto took = ai::openai_usage(JsonReader::member(response, "usage"), kCounts)) take(*took);
  const auto error = JsonReader::member(response, "error");
  const std::string status(JsonReader::text(JsonReader::member(response, "status"), scratch_[0]).value_or(""));
  if (is_there(error) || status == "failed") {
    return failed(ai::openai_error(error, text, AiFailureKind::kTransient), take);
  }
  if (status == "completed") {
    return finish({calls_.empty() ? AiFinish::kStop : AiFinish::kToolCalls, status}, take);
  }
  if (status != "incomplete") return broken("the answer is not finished: it is '" + status + "'", take);
  const auto why = JsonReader::member(response, "incomplete_details");
  const std::string reason(JsonReader::text(JsonReader::member(why, "reason"), scratch_[0]).value_or(status));
  finish({finish_of(reason), reason}, take);
}

}  // namespace colloquium::components
