#include "components/openai/openai_chat.h"

#include <algorithm>

#include "ai/json_text.h"
#include "components/openai/openai_decoder.h"

namespace colloquium::components {
namespace {

using json::Writer;

bool is_text(const AiPart& part) {
  return std::holds_alternative<AiText>(part);
}

std::string joined_text(const AiMessage& message) {
  std::string all;
  for (const AiPart& part : message.parts) {
    if (const auto* text = std::get_if<AiText>(&part)) all += text->text;
  }
  return all;
}

const char* name_of(AiRole role) {
  switch (role) {
    case AiRole::kSystem:
      return "system";
    case AiRole::kUser:
      return "user";
    case AiRole::kAssistant:
      break;
  }
  return "assistant";
}

void write_image(Writer& out, const AiImage& image) {
  out.begin_object();
  out.key("type");
  out.string("image_url");
  out.key("image_url");
  out.begin_object();
  out.key("url");
  out.string(image.base64.empty() ? image.url : "data:" + image.media_type + ";base64," + image.base64);
  out.end_object();
  out.end_object();
}

void write_text_part(Writer& out, const AiText& text) {
  out.begin_object();
  out.key("type");
  out.string("text");
  out.key("text");
  out.string(text.text);
  out.end_object();
}

// A text alone is a string, as the oldest servers know it.
void write_content(Writer& out, const AiMessage& message) {
  const bool plain = std::none_of(message.parts.begin(), message.parts.end(),
                                  [](const AiPart& part) { return std::holds_alternative<AiImage>(part); });
  if (plain) return out.string(joined_text(message));
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
    out.key("id");
    out.string(call->id);
    out.key("type");
    out.string("function");
    out.key("function");
    out.begin_object();
    out.key("name");
    out.string(call->name);
    out.key("arguments");
    out.string(call->arguments);
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
    out.key("role");
    out.string("tool");
    out.key("tool_call_id");
    out.string(result->id);
    out.key("content");
    out.string(result->content);
    out.end_object();
  }
}

void write_message(Writer& out, const AiMessage& message) {
  write_tool_results(out, message);
  const auto is_result = [](const AiPart& part) { return std::holds_alternative<AiToolResult>(part); };
  const auto is_call = [](const AiPart& part) { return std::holds_alternative<AiToolCall>(part); };
  const auto& parts = message.parts;
  if (!parts.empty() && std::all_of(parts.begin(), parts.end(), is_result)) return;
  const bool calls = std::any_of(parts.begin(), parts.end(), is_call);
  out.begin_object();
  out.key("role");
  out.string(name_of(message.role));
  out.key("content");
  if (calls && std::none_of(parts.begin(), parts.end(), is_text)) {
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
    out.key("type");
    out.string("function");
    out.key("function");
    out.begin_object();
    out.key("name");
    out.string(tool.name);
    if (!tool.description.empty()) {
      out.key("description");
      out.string(tool.description);
    }
    out.key("parameters");
    ai::write_json(out, tool.parameters);
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
  out.key("type");
  out.string("function");
  out.key("function");
  out.begin_object();
  out.key("name");
  out.string(request.tool_choice.name);
  out.end_object();
  out.end_object();
}

void write_schema(Writer& out, const std::string& schema) {
  out.key("response_format");
  out.begin_object();
  out.key("type");
  out.string("json_schema");
  out.key("json_schema");
  out.begin_object();
  out.key("name");
  out.string("answer");
  out.key("schema");
  ai::write_json(out, schema);
  out.key("strict");
  out.boolean(true);
  out.end_object();
  out.end_object();
}

void write_parameters(Writer& out, const AiParameters& parameters, const OpenAiDialect& dialect) {
  const ai::Extra extra(parameters.extra);
  extra.set(out, dialect.old_max_tokens ? "max_tokens" : "max_completion_tokens", parameters.max_output_tokens);
  extra.set(out, "temperature", parameters.temperature);
  extra.set(out, "top_p", parameters.top_p);
  extra.set(out, "seed", parameters.seed);
  extra.set(out, "stop", parameters.stop);
  extra.write(out);
}

void write_chat(Writer& out, const AiRequest& request, const OpenAiDialect& dialect) {
  out.begin_object();
  out.key("model");
  out.string(request.model);
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) write_message(out, message);
  out.end_array();
  write_tools(out, request);
  write_tool_choice(out, request);
  if (request.output_schema) write_schema(out, *request.output_schema);
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
  out.key("model");
  out.string(request.model);
  const ai::Extra extra(request.parameters.extra);
  extra.set(out, "input", request.inputs);
  // A quarter of the bytes of numbers, and no digit of them to be read.
  out.key("encoding_format");
  out.string("base64");
  extra.write(out);
  out.end_object();
}

// What the request says by itself: said again by hand, a server would read one of the two.
constexpr std::string_view kOurs[] = {"model", "messages",    "stream", "stream_options",
                                      "tools", "tool_choice", "input",  "encoding_format"};

}  // namespace

Status OpenAiChat::check(const AiRequest& request) const {
  if (request.model.empty()) return fail(ErrorCode::kInvalidConfig, "a model has to be named");
  if (request.task == AiTask::kChat && request.messages.empty()) {
    return fail(ErrorCode::kInvalidConfig, "a chat needs a message");
  }
  if (request.task == AiTask::kEmbed && request.inputs.empty()) {
    return fail(ErrorCode::kInvalidConfig, "an embedding needs an input");
  }
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  return ai::check_schemas(request);
}

AiHttpRequest OpenAiChat::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  const bool chat = request.task == AiTask::kChat;
  if (chat) {
    write_chat(out, request, dialect_);
  } else {
    write_embed(out, request);
  }
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  return ai::json_request(access.base_url + (chat ? "/chat/completions" : "/embeddings"), body, std::move(headers),
                          access);
}

std::unique_ptr<AiDecoder> OpenAiChat::decoder(const AiRequest& request) const {
  return std::make_unique<OpenAiDecoder>(request.task);
}

}  // namespace colloquium::components
