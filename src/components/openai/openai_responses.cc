#include "components/openai/openai_responses.h"

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "ai/openai_format/openai_decoder.h"
#include "ai/openai_format/openai_request.h"
#include "components/openai/openai_chat.h"
#include "components/openai/responses_decoder.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

constexpr std::string_view kText = "text";

void write_result(Writer& out, const AiToolResult& result) {
  out.begin_object();
  write_member(out, "type", "function_call_output");
  write_member(out, "call_id", result.id);
  write_member(out, "output", result.content);
  out.end_object();
}

void write_call(Writer& out, const AiToolCall& call) {
  out.begin_object();
  write_member(out, "type", "function_call");
  write_member(out, "call_id", call.id);
  write_member(out, "name", call.name);
  write_member(out, "arguments", call.arguments);
  out.end_object();
}

void write_content_part(Writer& out, const AiPart& part) {
  const auto* text = std::get_if<AiText>(&part);
  const auto* image = std::get_if<AiImage>(&part);
  if (text == nullptr && image == nullptr) return;
  out.begin_object();
  write_member(out, "type", text != nullptr ? "input_text" : "input_image");
  if (text != nullptr) write_member(out, "text", text->text);
  if (image != nullptr) {
    write_member(out, "image_url",
                 image->base64.empty() ? image->url : "data:" + image->media_type + ";base64," + image->base64);
  }
  out.end_object();
}

// What is said; calls and results are items of their own.
void write_said(Writer& out, const AiMessage& message) {
  const bool images = ai::has<AiImage>(message);
  if (!images && !ai::has<AiText>(message)) return;
  out.begin_object();
  write_member(out, "role", ai::role_name(message.role));
  out.key("content");
  if (images) {
    out.begin_array();
    for (const AiPart& part : message.parts) write_content_part(out, part);
    out.end_array();
  } else {
    out.string(ai::joined_text(message));
  }
  out.end_object();
}

void write_input(Writer& out, const AiRequest& request) {
  out.key("input");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    for (const AiPart& part : message.parts) {
      if (const auto* result = std::get_if<AiToolResult>(&part)) write_result(out, *result);
    }
    write_said(out, message);
    for (const AiPart& part : message.parts) {
      if (const auto* call = std::get_if<AiToolCall>(&part)) write_call(out, *call);
    }
  }
  out.end_array();
}

// `strict` is true here unless it is said: it wants schemas of a form that not every tool has.
void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty()) return;
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "type", "function");
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) write_member(out, "description", tool.description);
    out.key("parameters");
    ai::write_json(out, tool.parameters);
    out.key("strict");
    out.boolean(false);
    out.end_object();
  }
  out.end_array();
}

void write_tool_choice(Writer& out, const AiRequest& request) {
  using Kind = AiToolChoice::Kind;
  const Kind kind = request.tool_choice.kind;
  if (request.tools.empty() || kind == Kind::kAuto) return;
  if (kind != Kind::kNamed) return write_member(out, "tool_choice", kind == Kind::kAny ? "required" : "none");
  out.key("tool_choice");
  out.begin_object();
  write_member(out, "type", "function");
  write_member(out, "name", request.tool_choice.name);
  out.end_object();
}

void write_text(Writer& out, const AiRequest& request, const ai::Extra& text) {
  out.key(kText);
  out.begin_object();
  if (request.output_schema) {
    out.key("format");
    out.begin_object();
    write_member(out, "type", "json_schema");
    ai::write_schema_terms(out, request);
    out.end_object();
  }
  text.write(out);
  out.end_object();
}

std::vector<char> responses_body(const AiRequest& request) {
  std::vector<char> body;
  Writer out(body, nullptr);
  const ai::Extra extra(request.parameters.extra);
  out.begin_object();
  write_member(out, "model", request.model);
  write_input(out, request);
  write_tools(out, request);
  write_tool_choice(out, request);
  if (request.output_schema || extra.has(kText)) write_text(out, request, ai::Extra(extra.text(kText)));
  if (!extra.has("store")) {
    out.key("store");
    out.boolean(false);
  }
  if (request.stream) {
    out.key("stream");
    out.boolean(true);
  }
  extra.set(out, "max_output_tokens", request.parameters.max_output_tokens);
  extra.set(out, "temperature", request.parameters.temperature);
  extra.set(out, "top_p", request.parameters.top_p);
  extra.write(out, kText);
  out.end_object();
  return body;
}

constexpr std::string_view kOurs[] = {"model", "input", "tools", "tool_choice", "stream"};
constexpr std::string_view kOurText[] = {"format"};

}  // namespace

Status OpenAiResponses::check(const AiRequest& request) const {
  if (request.task == AiTask::kEmbed) return ai::check_openai(request);
  TRY(ai::check_asked(request));
  if (request.parameters.seed) return fail(ErrorCode::kInvalidConfig, "the responses API knows no seed");
  if (!request.parameters.stop.empty()) {
    return fail(ErrorCode::kInvalidConfig, "the responses API knows no stop: use `api: chat`");
  }
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  const std::string text = ai::Extra(request.parameters.extra).text(kText);
  if (!text.empty()) TRY(ai::check_object(text, "extra.text"));
  if (request.output_schema) TRY(ai::check_extra(text, kOurText));
  return ai::check_schemas(request);
}

AiHttpRequest OpenAiResponses::encode(const AiRequest& request, const AiAccess& access) const {
  if (request.task == AiTask::kEmbed) return openai_http(access, "/embeddings", ai::openai_body(request, {}));
  return openai_http(access, "/responses", responses_body(request));
}

std::unique_ptr<AiDecoder> OpenAiResponses::decoder(const AiRequest& request) const {
  if (request.task == AiTask::kEmbed) return std::make_unique<ai::OpenAiDecoder>(request.task);
  return std::make_unique<ResponsesDecoder>();
}

}  // namespace colloquium::components
