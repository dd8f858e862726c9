#include "components/gateway/openai_answers.h"

#include <bit>
#include <cstring>

#include "ai/json_text.h"
#include "base/base64.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

constexpr int64_t kMsPerSecond = 1000;

const char* finish_word(const AiAnswer& answer) {
  switch (answer.finished.reason) {
    case AiFinish::kLength:
      return "length";
    case AiFinish::kToolCalls:
      return "tool_calls";
    case AiFinish::kContentFilter:
      return "content_filter";
    case AiFinish::kStop:
    case AiFinish::kOther:
      break;
  }
  return answer.tool_calls.empty() ? "stop" : "tool_calls";
}

void write_number(Writer& out, const char* key, int64_t value) {
  out.key(key);
  out.integer(value);
}

int64_t input_of(const AiUsage& usage) {
  return usage.input.value_or(0) + usage.cache_read.value_or(0) + usage.cache_write_5m.value_or(0) +
         usage.cache_write_1h.value_or(0);
}

// What was read from a cache counts among the tokens that came in, reasoning among those that went out.
void write_usage(Writer& out, const AiUsage& usage) {
  const int64_t input = input_of(usage);
  const int64_t reasoning = usage.reasoning.value_or(0);
  const int64_t output = usage.output.value_or(0) + reasoning;
  out.key("usage");
  out.begin_object();
  write_number(out, "prompt_tokens", input);
  write_number(out, "completion_tokens", output);
  write_number(out, "total_tokens", input + output);
  out.key("prompt_tokens_details");
  out.begin_object();
  write_number(out, "cached_tokens", usage.cache_read.value_or(0));
  out.end_object();
  out.key("completion_tokens_details");
  out.begin_object();
  write_number(out, "reasoning_tokens", reasoning);
  out.end_object();
  out.end_object();
}

void write_function(Writer& out, std::string_view name, std::string_view arguments) {
  out.key("function");
  out.begin_object();
  if (!name.empty()) write_member(out, "name", name);
  write_member(out, "arguments", arguments);
  out.end_object();
}

void write_message(Writer& out, const AiAnswer& answer) {
  out.key("message");
  out.begin_object();
  write_member(out, "role", "assistant");
  out.key("content");
  if (answer.text.empty() && !answer.tool_calls.empty()) {
    out.null();
  } else {
    out.string(answer.text);
  }
  out.key("refusal");
  out.null();
  if (!answer.tool_calls.empty()) {
    out.key("tool_calls");
    out.begin_array();
    for (const AiToolCall& call : answer.tool_calls) {
      out.begin_object();
      write_member(out, "id", call.id);
      write_member(out, "type", "function");
      write_function(out, call.name, call.arguments);
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
}

void append_event(const std::vector<char>& json, std::string& out) {
  out.append("data: ").append(json.data(), json.size()).append("\n\n");
}

// Little-endian, whatever machine this is.
std::string float_bytes(const std::vector<float>& vector) {
  std::string bytes;
  bytes.reserve(vector.size() * sizeof(float));
  for (const float value : vector) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((bits >> shift) & 0xff);
  }
  return bytes;
}

struct Words {
  const char* type;
  const char* code;
};

Words words_of(ApiProblem problem) {
  switch (problem) {
    case ApiProblem::kRequest:
      return {"invalid_request_error", nullptr};
    case ApiProblem::kKey:
      return {"invalid_request_error", "invalid_api_key"};
    case ApiProblem::kOrigin:
      return {"invalid_request_error", "origin_not_allowed"};
    case ApiProblem::kModel:
      return {"invalid_request_error", "model_not_found"};
    case ApiProblem::kPath:
      return {"invalid_request_error", "unknown_url"};
    case ApiProblem::kMethod:
      return {"invalid_request_error", "method_not_supported"};
    case ApiProblem::kTooLarge:
      return {"invalid_request_error", "request_too_large"};
    case ApiProblem::kTooMuch:
      return {"requests", "rate_limit_exceeded"};
    case ApiProblem::kBudget:
      return {"insufficient_quota", "insufficient_quota"};
    case ApiProblem::kProvider:
    case ApiProblem::kUnavailable:
      break;
  }
  return {"server_error", nullptr};
}

}  // namespace

OpenAiAnswerWriter::OpenAiAnswerWriter(const ApiRequest& request, const ApiAnswerHead& head)
    : model_(request.model),
      embeds_(request.request.task == AiTask::kEmbed),
      base64_(request.base64),
      stream_usage_(request.stream_usage),
      id_("chatcmpl-" + head.id),
      created_s_(head.wall_ms / kMsPerSecond) {}

void OpenAiAnswerWriter::head_of(Writer& out, const char* object) const {
  write_member(out, "id", id_);
  write_member(out, "object", object);
  write_number(out, "created", created_s_);
  write_member(out, "model", model_);
}

template <class Delta>
void OpenAiAnswerWriter::chunk(std::string& out, Delta delta, const char* finish) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  head_of(json, "chat.completion.chunk");
  json.key("choices");
  json.begin_array();
  json.begin_object();
  write_number(json, "index", 0);
  json.key("delta");
  json.begin_object();
  delta(json);
  json.end_object();
  json.key("logprobs");
  json.null();
  json.key("finish_reason");
  if (finish == nullptr) {
    json.null();
  } else {
    json.string(finish);
  }
  json.end_object();
  json.end_array();
  if (stream_usage_) {
    json.key("usage");
    json.null();
  }
  json.end_object();
  append_event(bytes, out);
}

void OpenAiAnswerWriter::begin(std::string& out) {
  if (begun_) return;
  begun_ = true;
  chunk(
      out,
      [](Writer& json) {
        write_member(json, "role", "assistant");
        write_member(json, "content", "");
      },
      nullptr);
}

void OpenAiAnswerWriter::output(const AiOutput& output, std::string& out) {
  if (const auto* text = std::get_if<AiTextDelta>(&output)) {
    begin(out);
    chunk(
        out, [text](Writer& json) { write_member(json, "content", text->text); }, nullptr);
  } else if (const auto* thought = std::get_if<AiReasoningDelta>(&output)) {
    begin(out);
    chunk(
        out, [thought](Writer& json) { write_member(json, "reasoning_content", thought->text); }, nullptr);
  } else if (const auto* call = std::get_if<AiToolCallDelta>(&output)) {
    begin(out);
    const auto write_call = [call](Writer& json) {
      json.key("tool_calls");
      json.begin_array();
      json.begin_object();
      write_number(json, "index", static_cast<int64_t>(call->index));
      if (!call->id.empty()) {
        write_member(json, "id", call->id);
        write_member(json, "type", "function");
      }
      write_function(json, call->name, call->arguments);
      json.end_object();
      json.end_array();
    };
    chunk(out, write_call, nullptr);
  }
}

void OpenAiAnswerWriter::finish(const AiAnswer& answer, std::string& out) {
  begin(out);
  chunk(
      out, [](Writer&) {}, finish_word(answer));
  if (stream_usage_) usage_chunk(answer.usage, out);
  out.append("data: [DONE]\n\n");
}

void OpenAiAnswerWriter::usage_chunk(const AiUsage& usage, std::string& out) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  head_of(json, "chat.completion.chunk");
  json.key("choices");
  json.begin_array();
  json.end_array();
  write_usage(json, usage);
  json.end_object();
  append_event(bytes, out);
}

void OpenAiAnswerWriter::fail(const ApiFailure& failure, std::string& out) {
  out.append("data: ").append(openai_failure_json(failure)).append("\n\n");
}

std::string OpenAiAnswerWriter::whole(const AiAnswer& answer) {
  if (embeds_) return embeddings(answer);
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  head_of(json, "chat.completion");
  json.key("choices");
  json.begin_array();
  json.begin_object();
  write_number(json, "index", 0);
  write_message(json, answer);
  json.key("logprobs");
  json.null();
  write_member(json, "finish_reason", finish_word(answer));
  json.end_object();
  json.end_array();
  write_usage(json, answer.usage);
  json.end_object();
  return {bytes.data(), bytes.size()};
}

std::string OpenAiAnswerWriter::embeddings(const AiAnswer& answer) const {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  write_member(json, "object", "list");
  json.key("data");
  json.begin_array();
  int64_t index = 0;
  for (const std::vector<float>& vector : answer.embeddings) {
    json.begin_object();
    write_member(json, "object", "embedding");
    write_number(json, "index", index++);
    json.key("embedding");
    if (base64_) {
      std::string text;
      append_base64(float_bytes(vector), text);
      json.string(text);
    } else {
      json.begin_array();
      for (const float value : vector) json.number(static_cast<double>(value));
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
  write_member(json, "model", model_);
  json.key("usage");
  json.begin_object();
  write_number(json, "prompt_tokens", input_of(answer.usage));
  write_number(json, "total_tokens", input_of(answer.usage));
  json.end_object();
  json.end_object();
  return {bytes.data(), bytes.size()};
}

std::string openai_failure_json(const ApiFailure& failure) {
  const Words words = words_of(failure.problem);
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  json.begin_object();
  json.key("error");
  json.begin_object();
  write_member(json, "message", failure.message);
  write_member(json, "type", words.type);
  json.key("param");
  json.null();
  json.key("code");
  if (words.code == nullptr) {
    json.null();
  } else {
    json.string(words.code);
  }
  json.end_object();
  json.end_object();
  return {bytes.data(), bytes.size()};
}

}  // namespace colloquium::components
