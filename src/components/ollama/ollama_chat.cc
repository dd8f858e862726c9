#include "components/ollama/ollama_chat.h"

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "components/ollama/ollama_decoder.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

constexpr std::string_view kOptions = "options";

void write_tool_calls(Writer& out, const AiMessage& message) {
  out.key("tool_calls");
  out.begin_array();
  for (const AiPart& part : message.parts) {
    const auto* call = std::get_if<AiToolCall>(&part);
    if (call == nullptr) continue;
    out.begin_object();
    write_member(out, "id", call->id);
    out.key("function");
    out.begin_object();
    write_member(out, "name", call->name);
    out.key("arguments");
    ai::write_arguments(out, call->arguments);
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

void write_images(Writer& out, const AiMessage& message) {
  out.key("images");
  out.begin_array();
  for (const AiPart& part : message.parts) {
    if (const auto* image = std::get_if<AiImage>(&part)) out.string(image->base64);
  }
  out.end_array();
}

// What a tool gave is a message of its own here.
void write_tool_results(Writer& out, const AiRequest& request, const AiMessage& message) {
  for (const AiPart& part : message.parts) {
    const auto* result = std::get_if<AiToolResult>(&part);
    if (result == nullptr) continue;
    out.begin_object();
    write_member(out, "role", "tool");
    write_member(out, "tool_name", ai::tool_of(request, message, result->id));
    write_member(out, "tool_call_id", result->id);
    write_member(out, "content", result->content);
    out.end_object();
  }
}

void write_message(Writer& out, const AiRequest& request, const AiMessage& message) {
  write_tool_results(out, request, message);
  if (ai::is_only_results(message)) return;
  out.begin_object();
  write_member(out, "role", ai::role_name(message.role));
  write_member(out, "content", ai::joined_text(message));
  if (ai::has<AiImage>(message)) write_images(out, message);
  if (ai::has<AiToolCall>(message)) write_tool_calls(out, message);
  out.end_object();
}

// A choice of none is made by offering none.
void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty() || request.tool_choice.kind == AiToolChoice::Kind::kNone) return;
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "type", "function");
    out.key("function");
    out.begin_object();
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) write_member(out, "description", tool.description);
    out.key("parameters");
    ai::write_json(out, tool.parameters);
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

void write_options(Writer& out, const AiParameters& parameters, const ai::Extra& options) {
  out.key(kOptions);
  out.begin_object();
  options.set(out, "num_predict", parameters.max_output_tokens);
  options.set(out, "temperature", parameters.temperature);
  options.set(out, "top_p", parameters.top_p);
  options.set(out, "seed", parameters.seed);
  options.set(out, "stop", parameters.stop);
  options.write(out);
  out.end_object();
}

// `stream` is said in any case: without it the server streams.
void write_chat(Writer& out, const AiRequest& request) {
  const ai::Extra extra(request.parameters.extra);
  out.begin_object();
  write_member(out, "model", request.model);
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) write_message(out, request, message);
  out.end_array();
  write_tools(out, request);
  if (request.output_schema) {
    out.key("format");
    ai::write_json(out, *request.output_schema);
  }
  out.key("stream");
  out.boolean(request.stream);
  write_options(out, request.parameters, ai::Extra(extra.text(kOptions)));
  extra.write(out, kOptions);
  out.end_object();
}

void write_embed(Writer& out, const AiRequest& request) {
  const ai::Extra extra(request.parameters.extra);
  out.begin_object();
  write_member(out, "model", request.model);
  out.key("input");
  out.begin_array();
  for (const std::string& input : request.inputs) out.string(input);
  out.end_array();
  extra.write(out);
  out.end_object();
}

constexpr std::string_view kOurs[] = {"model", "messages", "tools", "format", "stream", "input"};

}  // namespace

Status OllamaChat::check(const AiRequest& request) const {
  using Kind = AiToolChoice::Kind;
  TRY(ai::check_asked(request));
  if (ai::has_image_url(request)) {
    return fail(ErrorCode::kInvalidConfig, "Ollama fetches no images: give their bytes, not their URL");
  }
  const Kind kind = request.tool_choice.kind;
  if (kind == Kind::kAny || kind == Kind::kNamed) {
    return fail(ErrorCode::kInvalidConfig, "Ollama can't be told to call a tool: leave the choice to the model");
  }
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  const std::string options = ai::Extra(request.parameters.extra).text(kOptions);
  if (!options.empty()) TRY(ai::check_object(options, "extra.options"));
  TRY(ai::check_schemas(request));
  return ai::check_calls(request);
}

AiHttpRequest OllamaChat::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  const bool chat = request.task == AiTask::kChat;
  if (chat) {
    write_chat(out, request);
  } else {
    write_embed(out, request);
  }
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  return ai::json_request(access.base_url + (chat ? "/api/chat" : "/api/embed"), body, std::move(headers), access);
}

std::unique_ptr<AiDecoder> OllamaChat::decoder(const AiRequest& request) const {
  return std::make_unique<OllamaDecoder>(request.task, ai::call_id_stem(request));
}

}  // namespace colloquium::components
