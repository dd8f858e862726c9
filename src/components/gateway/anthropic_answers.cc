#include "components/gateway/anthropic_answers.h"

#include "ai/json_text.h"
#include "json/writer.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

const char* stop_word(const AiAnswer& answer) {
  switch (answer.finished.reason) {
    case AiFinish::kLength:
      return "max_tokens";
    case AiFinish::kToolCalls:
      return "tool_use";
    case AiFinish::kContentFilter:
      return "refusal";
    case AiFinish::kStop:
    case AiFinish::kOther:
      break;
  }
  if (!answer.tool_calls.empty()) return "tool_use";
  return answer.finished.said == "stop_sequence" ? "stop_sequence" : "end_turn";
}

void write_number(Writer& out, const char* key, int64_t value) {
  out.key(key);
  out.integer(value);
}

// The tokens that came in are those of no cache, those written to one and those read from one.
void write_usage(Writer& out, const AiUsage& usage) {
  out.key("usage");
  out.begin_object();
  write_number(out, "input_tokens", usage.input.value_or(0));
  write_number(out, "cache_creation_input_tokens",
               usage.cache_write_5m.value_or(0) + usage.cache_write_1h.value_or(0));
  write_number(out, "cache_read_input_tokens", usage.cache_read.value_or(0));
  write_number(out, "output_tokens", usage.output.value_or(0) + usage.reasoning.value_or(0));
  out.end_object();
}

// An event of the stream, its type said twice, as the API does.
template <class Members>
void append_event(std::string& out, const char* type, Members members) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  write_member(json, "type", type);
  members(json);
  json.end_object();
  out.append("event: ").append(type).append("\ndata: ").append(bytes.data(), bytes.size()).append("\n\n");
}

void append_delta(std::string& out, int64_t index, const char* type, const char* key, std::string_view text) {
  append_event(out, "content_block_delta", [&](Writer& json) {
    write_number(json, "index", index);
    json.key("delta");
    json.begin_object();
    write_member(json, "type", type);
    write_member(json, key, text);
    json.end_object();
  });
}

template <class Content>
void write_message(Writer& json, const std::string& id, const std::string& model, const AiUsage& usage,
                   const char* stop, Content content) {
  write_member(json, "id", id);
  write_member(json, "type", "message");
  write_member(json, "role", "assistant");
  write_member(json, "model", model);
  json.key("content");
  json.begin_array();
  content();
  json.end_array();
  json.key("stop_reason");
  if (stop == nullptr) {
    json.null();
  } else {
    json.string(stop);
  }
  json.key("stop_sequence");
  json.null();
  write_usage(json, usage);
}

void write_call(Writer& json, std::string_view id, std::string_view name, std::string_view input) {
  write_member(json, "type", "tool_use");
  write_member(json, "id", id);
  write_member(json, "name", name);
  json.key("input");
  ai::write_json(json, input);
}

const char* type_of(ApiProblem problem) {
  switch (problem) {
    case ApiProblem::kRequest:
      return "invalid_request_error";
    case ApiProblem::kKey:
      return "authentication_error";
    case ApiProblem::kModel:
      return "not_found_error";
    case ApiProblem::kTooMuch:
    case ApiProblem::kBudget:
      return "rate_limit_error";
    case ApiProblem::kProvider:
    case ApiProblem::kUnavailable:
      break;
  }
  return "api_error";
}

}  // namespace

AnthropicAnswerWriter::AnthropicAnswerWriter(const ApiRequest& request, const ApiAnswerHead& head)
    : model_(request.model), id_("msg_" + head.id) {}

// What it takes is known at its end only, and told with that.
void AnthropicAnswerWriter::begin(std::string& out) {
  if (begun_) return;
  begun_ = true;
  append_event(out, "message_start", [this](Writer& json) {
    json.key("message");
    json.begin_object();
    write_message(json, id_, model_, {}, nullptr, [] {});
    json.end_object();
  });
}

void AnthropicAnswerWriter::open(Block block, const AiToolCallDelta* call, std::string& out) {
  begin(out);
  const bool same = block == block_ && (call == nullptr || call->index == tool_);
  if (same) return;
  close(out);
  block_ = block;
  if (call != nullptr) tool_ = call->index;
  append_event(out, "content_block_start", [&](Writer& json) {
    write_number(json, "index", index_);
    json.key("content_block");
    json.begin_object();
    if (call != nullptr) {
      write_call(json, call->id, call->name, "{}");
    } else if (block == Block::kThinking) {
      write_member(json, "type", "thinking");
      write_member(json, "thinking", "");
      write_member(json, "signature", "");
    } else {
      write_member(json, "type", "text");
      write_member(json, "text", "");
    }
    json.end_object();
  });
}

void AnthropicAnswerWriter::close(std::string& out) {
  if (block_ == Block::kNone) return;
  block_ = Block::kNone;
  append_event(out, "content_block_stop", [this](Writer& json) { write_number(json, "index", index_); });
  ++index_;
}

void AnthropicAnswerWriter::output(const AiOutput& output, std::string& out) {
  if (const auto* text = std::get_if<AiTextDelta>(&output)) {
    if (text->text.empty()) return;
    open(Block::kText, nullptr, out);
    append_delta(out, index_, "text_delta", "text", text->text);
  } else if (const auto* thought = std::get_if<AiReasoningDelta>(&output)) {
    if (thought->text.empty()) return;
    open(Block::kThinking, nullptr, out);
    append_delta(out, index_, "thinking_delta", "thinking", thought->text);
  } else if (const auto* call = std::get_if<AiToolCallDelta>(&output)) {
    open(Block::kTool, call, out);
    if (!call->arguments.empty()) append_delta(out, index_, "input_json_delta", "partial_json", call->arguments);
  }
}

void AnthropicAnswerWriter::finish(const AiAnswer& answer, std::string& out) {
  begin(out);
  close(out);
  append_event(out, "message_delta", [&answer](Writer& json) {
    json.key("delta");
    json.begin_object();
    write_member(json, "stop_reason", stop_word(answer));
    json.key("stop_sequence");
    json.null();
    json.end_object();
    write_usage(json, answer.usage);
  });
  append_event(out, "message_stop", [](Writer&) {});
}

void AnthropicAnswerWriter::fail(const ApiFailure& failure, std::string& out) {
  out.append("event: error\ndata: ").append(anthropic_failure_json(failure)).append("\n\n");
}

std::string AnthropicAnswerWriter::whole(const AiAnswer& answer) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  write_message(json, id_, model_, answer.usage, stop_word(answer), [&] {
    if (!answer.text.empty()) {
      json.begin_object();
      write_member(json, "type", "text");
      write_member(json, "text", answer.text);
      json.end_object();
    }
    for (const AiToolCall& call : answer.tool_calls) {
      json.begin_object();
      write_call(json, call.id, call.name, call.arguments);
      json.end_object();
    }
  });
  json.end_object();
  return {bytes.data(), bytes.size()};
}

std::string anthropic_failure_json(const ApiFailure& failure) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  write_member(json, "type", "error");
  json.key("error");
  json.begin_object();
  write_member(json, "type", type_of(failure.problem));
  write_member(json, "message", failure.message);
  json.end_object();
  json.end_object();
  return {bytes.data(), bytes.size()};
}

}  // namespace colloquium::components
