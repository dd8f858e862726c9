#include "ai/openai_format/openai_request.h"

#include "ai/conversation.h"
#include "ai/json_text.h"

namespace colloquium::ai {
namespace {

using json::Writer;

void write_image(Writer& out, const AiImage& image) {
  out.begin_object();
  write_member(out, "type", "image_url");
  out.key("image_url");
  out.begin_object();
  write_member(out, "url",
               image.base64.empty() ? image.url : "data:" + image.media_type + ";base64," + image.base64);
  out.end_object();
  out.end_object();
}

void write_text_part(Writer& out, const AiText& text) {
  out.begin_object();
  write_member(out, "type", "text");
  write_member(out, "text", text.text);
  out.end_object();
}

// A text alone is a string, as the oldest servers know it.
void write_content(Writer& out, const AiMessage& message) {
  if (!has<AiImage>(message)) return out.string(joined_text(message));
  out.begin_array();
  for (const AiPart& part : message.parts) {
    if (const auto* text = std::get_if<AiText>(&part)) write_text_part(out, *text);
    if (const auto* image = std::get_if<AiImage>(&part)) write_image(out, *image);
  }
  out.end_array();
}

void write_tool_calls(Writer& out, const AiMessage& message) {
  out.key("tool_calls");
  out.begin_array();
  for (const AiPart& part : message.parts) {
    const auto* call = std::get_if<AiToolCall>(&part);
    if (call == nullptr) continue;
    out.begin_object();
    write_member(out, "id", call->id);
    write_member(out, "type", "function");
    out.key("function");
    out.begin_object();
    write_member(out, "name", call->name);
    write_member(out, "arguments", call->arguments);
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

// What a tool gave is a message of its own here.
void write_tool_results(Writer& out, const AiMessage& message) {
  for (const AiPart& part : message.parts) {
    const auto* result = std::get_if<AiToolResult>(&part);
    if (result == nullptr) continue;
    out.begin_object();
    write_member(out, "role", "tool");
    write_member(out, "tool_call_id", result->id);
    write_member(out, "content", result->content);
    out.end_object();
  }
}

void write_message(Writer& out, const AiMessage& message) {
  write_tool_results(out, message);
  if (is_only_results(message)) return;
  const bool calls = has<AiToolCall>(message);
  out.begin_object();
  write_member(out, "role", role_name(message.role));
  out.key("content");
  if (calls && !has<AiText>(message)) {
    out.null();
  } else {
    write_content(out, message);
  }
  if (calls) write_tool_calls(out, message);
  out.end_object();
}

void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty()) return;
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "type", "function");
    out.key("function");
    out.begin_object();
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) {
      write_member(out, "description", tool.description);
    }
    out.key("parameters");
    write_json(out, tool.parameters);
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

void write_tool_choice(Writer& out, const AiRequest& request) {
  if (request.tools.empty() || request.tool_choice.kind == AiToolChoice::Kind::kAuto) return;
  out.key("tool_choice");
  switch (request.tool_choice.kind) {
    case AiToolChoice::Kind::kAny:
      return out.string("required");
    case AiToolChoice::Kind::kNone:
    case AiToolChoice::Kind::kAuto:
      return out.string("none");
    case AiToolChoice::Kind::kNamed:
      break;
  }
  out.begin_object();
  write_member(out, "type", "function");
  out.key("function");
  out.begin_object();
  write_member(out, "name", request.tool_choice.name);
  out.end_object();
  out.end_object();
}

void write_schema(Writer& out, const AiRequest& request) {
  out.key("response_format");
  out.begin_object();
  write_member(out, "type", "json_schema");
  out.key("json_schema");
  out.begin_object();
  write_schema_terms(out, request);
  out.end_object();
  out.end_object();
}

void write_parameters(Writer& out, const AiParameters& parameters, const OpenAiDialect& dialect) {
  const Extra extra(parameters.extra);
  extra.set(out, dialect.old_max_tokens ? "max_tokens" : "max_completion_tokens", parameters.max_output_tokens);
  extra.set(out, "temperature", parameters.temperature);
  extra.set(out, "top_p", parameters.top_p);
  extra.set(out, "seed", parameters.seed);
  extra.set(out, "stop", parameters.stop);
  extra.write(out);
}

void write_chat(Writer& out, const AiRequest& request, const OpenAiDialect& dialect) {
  out.begin_object();
  write_member(out, "model", request.model);
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) write_message(out, message);
  out.end_array();
  write_tools(out, request);
  write_tool_choice(out, request);
  if (request.output_schema) write_schema(out, request);
  if (request.stream) {
    out.key("stream");
    out.boolean(true);
  }
  if (request.stream && dialect.stream_usage) {
    out.key("stream_options");
    out.begin_object();
    out.key("include_usage");
    out.boolean(true);
    out.end_object();
  }
  write_parameters(out, request.parameters, dialect);
  out.end_object();
}

void write_embed(Writer& out, const AiRequest& request) {
  out.begin_object();
  write_member(out, "model", request.model);
  const Extra extra(request.parameters.extra);
  extra.set(out, "input", request.inputs);
  // A quarter of the bytes of numbers, and no digit of them to be read.
  write_member(out, "encoding_format", "base64");
  extra.write(out);
  out.end_object();
}

// What the request says by itself: said again by hand, a server would read one of the two.
constexpr std::string_view kOursWithSchema[] = {"response_format"};
constexpr std::string_view kOurs[] = {"model", "messages",    "stream", "stream_options",
                                      "tools", "tool_choice", "input",  "encoding_format"};

}  // namespace

void write_schema_terms(Writer& out, const AiRequest& request) {
  const AiSchemaTerms& terms = request.schema_terms;
  write_member(out, "name", terms.name);
  if (!terms.description.empty()) write_member(out, "description", terms.description);
  out.key("schema");
  write_json(out, *request.output_schema);
  out.key("strict");
  out.boolean(terms.strict);
}

Status check_openai(const AiRequest& request) {
  TRY(check_asked(request));
  TRY(check_extra(request.parameters.extra, kOurs));
  if (request.output_schema) TRY(check_extra(request.parameters.extra, kOursWithSchema));
  return check_schemas(request);
}

std::vector<char> openai_body(const AiRequest& request, const OpenAiDialect& dialect) {
  std::vector<char> body;
  Writer out(body, nullptr);
  if (request.task == AiTask::kChat) {
    write_chat(out, request, dialect);
  } else {
    write_embed(out, request);
  }
  return body;
}

}  // namespace colloquium::ai
