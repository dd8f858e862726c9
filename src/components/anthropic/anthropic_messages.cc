#include "components/anthropic/anthropic_messages.h"

#include <algorithm>

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "base/assert.h"
#include "components/anthropic/anthropic_decoder.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

void write_source(Writer& out, const AiImage& image) {
  out.key("source");
  out.begin_object();
  if (image.base64.empty()) {
    write_member(out, "type", "url");
    write_member(out, "url", image.url);
  } else {
    write_member(out, "type", "base64");
    write_member(out, "media_type", image.media_type);
    write_member(out, "data", image.base64);
  }
  out.end_object();
}

// One block of a message's content.
struct BlockWriter {
  Writer& out;

  void operator()(const AiText& text) const {
    write_member(out, "type", "text");
    write_member(out, "text", text.text);
  }
  void operator()(const AiImage& image) const {
    write_member(out, "type", "image");
    write_source(out, image);
  }
  void operator()(const AiToolCall& call) const {
    write_member(out, "type", "tool_use");
    write_member(out, "id", call.id);
    write_member(out, "name", call.name);
    out.key("input");
    ai::write_arguments(out, call.arguments);
  }
  void operator()(const AiToolResult& result) const {
    write_member(out, "type", "tool_result");
    write_member(out, "tool_use_id", result.id);
    write_member(out, "content", result.content);
    if (!result.is_error) return;
    out.key("is_error");
    out.boolean(true);
  }
};

void write_message(Writer& out, const AiMessage& message) {
  out.begin_object();
  write_member(out, "role", message.role == AiRole::kAssistant ? "assistant" : "user");
  out.key("content");
  out.begin_array();
  for (const AiPart& part : message.parts) {
    out.begin_object();
    std::visit(BlockWriter{out}, part);
    out.end_object();
  }
  out.end_array();
  out.end_object();
}

// What stands in a conversation as the system's word stands beside it here.
std::string system_text(const AiRequest& request) {
  std::string all;
  for (const AiMessage& message : request.messages) {
    if (message.role != AiRole::kSystem) continue;
    for (const AiPart& part : message.parts) {
      const auto* text = std::get_if<AiText>(&part);
      if (text == nullptr) continue;
      if (!all.empty()) all += "\n\n";
      all += text->text;
    }
  }
  return all;
}

void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty()) return;
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) write_member(out, "description", tool.description);
    out.key("input_schema");
    ai::write_json(out, tool.parameters);
    out.end_object();
  }
  out.end_array();
}

void write_tool_choice(Writer& out, const AiRequest& request) {
  using Kind = AiToolChoice::Kind;
  if (request.tools.empty() || request.tool_choice.kind == Kind::kAuto) return;
  const Kind kind = request.tool_choice.kind;
  out.key("tool_choice");
  out.begin_object();
  write_member(out, "type", kind == Kind::kNamed ? "tool" : kind == Kind::kAny ? "any" : "none");
  if (kind == Kind::kNamed) write_member(out, "name", request.tool_choice.name);
  out.end_object();
}

void write_schema(Writer& out, const std::string& schema) {
  out.key("output_config");
  out.begin_object();
  out.key("format");
  out.begin_object();
  write_member(out, "type", "json_schema");
  out.key("schema");
  ai::write_json(out, schema);
  out.end_object();
  out.end_object();
}

void write_parameters(Writer& out, const AiParameters& parameters, bool sampling) {
  const ai::Extra extra(parameters.extra);
  if (sampling) extra.set(out, "temperature", parameters.temperature);
  if (sampling) extra.set(out, "top_p", parameters.top_p);
  extra.set(out, "stop_sequences", parameters.stop);
  extra.write(out);
}

// All that goes in, and so is counted.
void write_input(Writer& out, const AiRequest& request) {
  write_member(out, "model", request.model);
  if (const std::string system = system_text(request); !system.empty()) write_member(out, "system", system);
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    if (message.role != AiRole::kSystem) write_message(out, message);
  }
  out.end_array();
  write_tools(out, request);
  write_tool_choice(out, request);
  if (request.output_schema) write_schema(out, *request.output_schema);
}

constexpr std::string_view kOurs[] = {"model",      "messages", "system",      "stream",
                                      "max_tokens", "tools",    "tool_choice", "output_config"};

}  // namespace

Status AnthropicMessages::check(const AiRequest& request) const {
  if (request.task != AiTask::kChat) return fail(ErrorCode::kInvalidConfig, "Anthropic has no embeddings");
  TRY(ai::check_asked(request));
  TRY(ai::check_turn(request));
  if (!request.parameters.max_output_tokens) {
    return fail(ErrorCode::kInvalidConfig, "Anthropic has to be told max_output_tokens");
  }
  if (request.parameters.seed) return fail(ErrorCode::kInvalidConfig, "Anthropic knows no seed");
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  TRY(ai::check_schemas(request));
  return ai::check_calls(request);
}

AiHttpRequest AnthropicMessages::encode(const AiRequest& request, const AiAccess& access) const {
  ASSERT(request.parameters.max_output_tokens);
  std::vector<char> body;
  Writer out(body, nullptr);
  out.begin_object();
  write_input(out, request);
  out.key("max_tokens");
  out.integer(*request.parameters.max_output_tokens);
  if (request.stream) {
    out.key("stream");
    out.boolean(true);
  }
  write_parameters(out, request.parameters, dialect_.sampling);
  out.end_object();
  return ai::json_request(access.base_url + "/v1/messages", body, anthropic_headers(dialect_, access), access);
}

std::optional<AiCounting> AnthropicMessages::counting(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  out.begin_object();
  write_input(out, request);
  // Of what is added by hand, this alone is input.
  const ai::Extra extra(request.parameters.extra);
  if (extra.has("thinking")) {
    out.key("thinking");
    ai::write_json(out, extra.text("thinking"));
  }
  out.end_object();
  return AiCounting{ai::json_request(access.base_url + "/v1/messages/count_tokens", body,
                                     anthropic_headers(dialect_, access), access),
                    [](std::string_view answer) { return ai::count_in(answer, "input_tokens"); }};
}

std::unique_ptr<AiDecoder> AnthropicMessages::decoder(const AiRequest& /*request*/) const {
  return std::make_unique<AnthropicDecoder>();
}

}  // namespace colloquium::components
