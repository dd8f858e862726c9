#include "components/google/google_generate.h"

#include <algorithm>

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "components/google/google_decoder.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

constexpr std::string_view kConfig = "generationConfig";

// One part of a content.
struct PartWriter {
  Writer& out;
  const AiRequest& request;
  const AiMessage& message;

  void operator()(const AiText& text) const { write_member(out, "text", text.text); }
  void operator()(const AiImage& image) const {
    out.key(image.base64.empty() ? "fileData" : "inlineData");
    out.begin_object();
    if (!image.media_type.empty()) write_member(out, "mimeType", image.media_type);
    if (image.base64.empty()) {
      write_member(out, "fileUri", image.url);
    } else {
      write_member(out, "data", image.base64);
    }
    out.end_object();
  }
  void operator()(const AiToolCall& call) const {
    out.key("functionCall");
    out.begin_object();
    if (!call.id.empty()) write_member(out, "id", call.id);
    write_member(out, "name", call.name);
    out.key("args");
    ai::write_arguments(out, call.arguments);
    out.end_object();
  }
  void operator()(const AiToolResult& result) const {
    out.key("functionResponse");
    out.begin_object();
    if (!result.id.empty()) write_member(out, "id", result.id);
    write_member(out, "name", ai::tool_of(request, message, result.id));
    out.key("response");
    out.begin_object();
    write_member(out, result.is_error ? "error" : "output", result.content);
    out.end_object();
    out.end_object();
  }
};

void write_parts(Writer& out, const AiRequest& request, const AiMessage& message) {
  for (const AiPart& part : message.parts) {
    out.begin_object();
    std::visit(PartWriter{out, request, message}, part);
    out.end_object();
  }
}

void write_contents(Writer& out, const AiRequest& request) {
  out.key("contents");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    if (message.role == AiRole::kSystem) continue;
    out.begin_object();
    write_member(out, "role", message.role == AiRole::kAssistant ? "model" : "user");
    out.key("parts");
    out.begin_array();
    write_parts(out, request, message);
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

void write_system(Writer& out, const AiRequest& request) {
  const auto is_system = [](const AiMessage& message) { return message.role == AiRole::kSystem; };
  if (std::none_of(request.messages.begin(), request.messages.end(), is_system)) return;
  out.key("systemInstruction");
  out.begin_object();
  out.key("parts");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    if (is_system(message)) write_parts(out, request, message);
  }
  out.end_array();
  out.end_object();
}

void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty()) return;
  out.key("tools");
  out.begin_array();
  out.begin_object();
  out.key("functionDeclarations");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) write_member(out, "description", tool.description);
    out.key("parametersJsonSchema");
    ai::write_json(out, tool.parameters);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  out.end_array();
}

void write_tool_choice(Writer& out, const AiRequest& request) {
  using Kind = AiToolChoice::Kind;
  const Kind kind = request.tool_choice.kind;
  if (request.tools.empty() || kind == Kind::kAuto) return;
  out.key("toolConfig");
  out.begin_object();
  out.key("functionCallingConfig");
  out.begin_object();
  write_member(out, "mode", kind == Kind::kNone ? "NONE" : "ANY");
  if (kind == Kind::kNamed) {
    out.key("allowedFunctionNames");
    out.begin_array();
    out.string(request.tool_choice.name);
    out.end_array();
  }
  out.end_object();
  out.end_object();
}

void write_config(Writer& out, const AiRequest& request, const ai::Extra& config) {
  const AiParameters& parameters = request.parameters;
  out.key(kConfig);
  out.begin_object();
  config.set(out, "maxOutputTokens", parameters.max_output_tokens);
  config.set(out, "temperature", parameters.temperature);
  config.set(out, "topP", parameters.top_p);
  config.set(out, "seed", parameters.seed);
  config.set(out, "stopSequences", parameters.stop);
  if (request.output_schema) {
    write_member(out, "responseMimeType", "application/json");
    out.key("responseJsonSchema");
    ai::write_json(out, *request.output_schema);
  }
  config.write(out);
  out.end_object();
}

// All that goes in, and so is counted.
void write_input(Writer& out, const AiRequest& request) {
  write_system(out, request);
  write_contents(out, request);
  write_tools(out, request);
  write_tool_choice(out, request);
}

void write_chat(Writer& out, const AiRequest& request) {
  const ai::Extra extra(request.parameters.extra);
  out.begin_object();
  write_input(out, request);
  write_config(out, request, ai::Extra(extra.text(kConfig)));
  extra.write(out, kConfig);
  out.end_object();
}

void write_embed(Writer& out, const AiRequest& request) {
  out.begin_object();
  const ai::Extra extra(request.parameters.extra);
  out.key("requests");
  out.begin_array();
  for (const std::string& input : request.inputs) {
    out.begin_object();
    write_member(out, "model", "models/" + request.model);
    out.key("content");
    out.begin_object();
    out.key("parts");
    out.begin_array();
    out.begin_object();
    write_member(out, "text", input);
    out.end_object();
    out.end_array();
    out.end_object();
    extra.write(out);
    out.end_object();
  }
  out.end_array();
  out.end_object();
}

constexpr std::string_view kOurs[] = {"contents", "systemInstruction", "tools", "toolConfig", "model", "content"};
constexpr std::string_view kOurConfig[] = {"responseMimeType", "responseJsonSchema", "responseSchema"};

AiHttpRequest post(const AiRequest& request, const char* verb, const std::vector<char>& body,
                   const AiAccess& access) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("x-goog-api-key", access.key);
  return ai::json_request(access.base_url + "/v1beta/models/" + request.model + verb, body, std::move(headers),
                          access);
}

bool is_model_name(std::string_view model) {
  return !model.empty() && std::all_of(model.begin(), model.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

}  // namespace

Status GoogleGenerate::check(const AiRequest& request) const {
  // It becomes a part of the path.
  if (!is_model_name(request.model)) {
    return fail(ErrorCode::kInvalidConfig, "'" + request.model + "' is no name of a model of Google's");
  }
  TRY(ai::check_asked(request));
  TRY(ai::check_turn(request));
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  const std::string config = ai::Extra(request.parameters.extra).text(kConfig);
  if (request.output_schema) TRY(ai::check_extra(config, kOurConfig));
  if (!config.empty()) TRY(ai::check_object(config, "extra.generationConfig"));
  TRY(ai::check_schemas(request));
  return ai::check_calls(request);
}

AiHttpRequest GoogleGenerate::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  const bool chat = request.task == AiTask::kChat;
  if (chat) {
    write_chat(out, request);
  } else {
    write_embed(out, request);
  }
  const char* const verb = !chat            ? ":batchEmbedContents"
                           : request.stream ? ":streamGenerateContent?alt=sse"
                                            : ":generateContent";
  return post(request, verb, body, access);
}

// As a whole request, as `contents` alone would leave out the system's word and the tools.
std::optional<AiCounting> GoogleGenerate::counting(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  out.begin_object();
  out.key("generateContentRequest");
  out.begin_object();
  write_member(out, "model", "models/" + request.model);
  write_input(out, request);
  out.end_object();
  out.end_object();
  return AiCounting{post(request, ":countTokens", body, access),
                    [](std::string_view answer) { return ai::count_in(answer, "totalTokens"); }};
}

std::unique_ptr<AiDecoder> GoogleGenerate::decoder(const AiRequest& request) const {
  return std::make_unique<GoogleDecoder>(request.task, ai::call_id_stem(request));
}

}  // namespace colloquium::components
