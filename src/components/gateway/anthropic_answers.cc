#include "components/gateway/anthropic_answers.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

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
  ai::write_arguments(json, input);
}

const char* type_of(ApiProblem problem) {
  switch (problem) {
    case ApiProblem::kRequest:
    case ApiProblem::kMethod:
      return "invalid_request_error";
    case ApiProblem::kKey:
      return "authentication_error";
    case ApiProblem::kOrigin:
      return "permission_error";
    case ApiProblem::kModel:
    case ApiProblem::kPath:
      return "not_found_error";
    case ApiProblem::kTooLarge:
      return "request_too_large";
    case ApiProblem::kTooMuch:
    case ApiProblem::kBudget:
      return "rate_limit_error";
    case ApiProblem::kProvider:
    case ApiProblem::kUnavailable:
      break;
  }
  return "api_error";
}

// RFC 3339, in UTC.
std::string time_text(int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

}  // namespace

void WholeObject::add(std::string_view piece) {
  for (const char c : piece) {
    if (std::exchange(escaped_, false)) continue;
    if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      begun_ = true;
      ++depth_;
    } else if ((c == '}' || c == ']') && depth_ > 0) {
      --depth_;
    }
  }
}

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

void AnthropicAnswerWriter::start(const Block& block, std::string& out) {
  append_event(out, "content_block_start", [&](Writer& json) {
    write_number(json, "index", index_);
    json.key("content_block");
    json.begin_object();
    if (block.kind == Kind::kTool) {
      write_call(json, block.id, block.name, "{}");
    } else if (block.kind == Kind::kThinking) {
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

void AnthropicAnswerWriter::send_waiting(Block& block, std::string& out) {
  if (block.waiting.empty()) return;
  if (block.kind == Kind::kTool) {
    append_delta(out, index_, "input_json_delta", "partial_json", block.waiting);
  } else if (block.kind == Kind::kThinking) {
    append_delta(out, index_, "thinking_delta", "thinking", block.waiting);
  } else {
    append_delta(out, index_, "text_delta", "text", block.waiting);
  }
  block.waiting.clear();
}

// Where that content goes; null for what comes behind a call that was whole, which is nothing.
AnthropicAnswerWriter::Block* AnthropicAnswerWriter::block_of(Kind kind, const AiToolCallDelta* call) {
  if (call == nullptr) {
    if (blocks_.empty() || blocks_.back().kind != kind) blocks_.push_back({.kind = kind});
    return &blocks_.back();
  }
  if (ended_calls_.contains(call->index)) return nullptr;
  const auto found = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& block) {
    return block.kind == Kind::kTool && block.call == call->index;
  });
  if (found != blocks_.end()) return &*found;
  blocks_.push_back({.kind = kind, .call = call->index});
  return &blocks_.back();
}

void AnthropicAnswerWriter::add(Kind kind, const AiToolCallDelta* call, std::string_view content,
                                std::string& out) {
  begin(out);
  Block* const block = block_of(kind, call);
  if (block == nullptr) return;
  if (call != nullptr) {
    block->arguments.add(content);
    if (!call->id.empty()) block->id = call->id;
    if (!call->name.empty()) block->name = call->name;
  }
  block->waiting += content;
  advance(false, out);
}

// `ended`: nothing more comes.
void AnthropicAnswerWriter::advance(bool ended, std::string& out) {
  while (!blocks_.empty()) {
    Block& block = blocks_.front();
    if (!open_) start(block, out);
    open_ = true;
    send_waiting(block, out);
    const bool whole = block.kind != Kind::kTool || block.arguments.complete();
    if (!ended && (!whole || blocks_.size() == 1)) return;
    append_event(out, "content_block_stop", [this](Writer& json) { write_number(json, "index", index_); });
    if (block.kind == Kind::kTool) ended_calls_.insert(block.call);
    open_ = false;
    ++index_;
    blocks_.pop_front();
  }
}

void AnthropicAnswerWriter::output(const AiOutput& output, std::string& out) {
  if (const auto* text = std::get_if<AiTextDelta>(&output)) {
    if (!text->text.empty()) add(Kind::kText, nullptr, text->text, out);
  } else if (const auto* thought = std::get_if<AiReasoningDelta>(&output)) {
    if (!thought->text.empty()) add(Kind::kThinking, nullptr, thought->text, out);
  } else if (const auto* call = std::get_if<AiToolCallDelta>(&output)) {
    add(Kind::kTool, call, call->arguments, out);
  }
}

void AnthropicAnswerWriter::finish(const AiAnswer& answer, std::string& out) {
  begin(out);
  advance(true, out);
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
  if (!failure.request_id.empty()) write_member(json, "request_id", failure.request_id);
  json.end_object();
  return {bytes.data(), bytes.size()};
}

std::string anthropic_models_json(const std::vector<std::string>& names, int64_t wall_ms) {
  std::vector<char> bytes;
  Writer json(bytes, nullptr);
  const auto name_or_null = [&](const char* key, bool last) {
    json.key(key);
    if (names.empty()) {
      json.null();
    } else {
      json.string(last ? names.back() : names.front());
    }
  };
  json.begin_object();
  json.key("data");
  json.begin_array();
  for (const std::string& name : names) {
    json.begin_object();
    write_member(json, "type", "model");
    write_member(json, "id", name);
    write_member(json, "display_name", name);
    write_member(json, "created_at", time_text(wall_ms));
    json.end_object();
  }
  json.end_array();
  name_or_null("first_id", false);
  name_or_null("last_id", true);
  json.key("has_more");
  json.boolean(false);
  json.end_object();
  return {bytes.data(), bytes.size()};
}

}  // namespace colloquium::components
