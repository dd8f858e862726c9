#include "components/plugin/plugin_format.h"

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "components/plugin/plugin_decoder.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

void write_raw(Writer& out, std::string_view key, std::string_view json) {
  out.key(key);
  ai::write_json(out, json);
}

struct WritePart {
  Writer& out;

  void operator()(const AiText& part) const {
    write_member(out, "type", "text");
    write_member(out, "text", part.text);
  }
  void operator()(const AiImage& part) const {
    write_member(out, "type", "image");
    if (!part.url.empty()) return write_member(out, "url", part.url);
    write_member(out, "media_type", part.media_type);
    write_member(out, "base64", part.base64);
  }
  void operator()(const AiToolCall& part) const {
    write_member(out, "type", "tool_call");
    write_member(out, "id", part.id);
    write_member(out, "name", part.name);
    out.key("arguments");
    ai::write_arguments(out, part.arguments);
  }
  void operator()(const AiToolResult& part) const {
    write_member(out, "type", "tool_result");
    write_member(out, "id", part.id);
    write_member(out, "content", part.content);
    out.key("is_error");
    out.boolean(part.is_error);
  }
};

void write_messages(Writer& out, const AiRequest& request) {
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    out.begin_object();
    write_member(out, "role", ai::role_name(message.role));
    out.key("parts");
    out.begin_array();
    for (const AiPart& part : message.parts) {
      out.begin_object();
      std::visit(WritePart{out}, part);
      out.end_object();
    }
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

std::string_view choice_name(AiToolChoice::Kind kind) {
  switch (kind) {
    case AiToolChoice::Kind::kAuto:
      return "auto";
    case AiToolChoice::Kind::kNone:
      return "none";
    case AiToolChoice::Kind::kAny:
      return "any";
    case AiToolChoice::Kind::kNamed:
      return "named";
  }
  return "auto";
}

void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty()) return;
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) {
    out.begin_object();
    write_member(out, "name", tool.name);
    if (!tool.description.empty()) write_member(out, "description", tool.description);
    write_raw(out, "parameters", tool.parameters);
    out.end_object();
  }
  out.end_array();
  out.key("tool_choice");
  out.begin_object();
  write_member(out, "kind", choice_name(request.tool_choice.kind));
  if (!request.tool_choice.name.empty()) write_member(out, "name", request.tool_choice.name);
  out.end_object();
}

void write_parameters(Writer& out, const AiParameters& parameters) {
  const ai::Extra extra(parameters.extra);
  out.key("parameters");
  out.begin_object();
  extra.set(out, "max_output_tokens", parameters.max_output_tokens);
  extra.set(out, "temperature", parameters.temperature);
  extra.set(out, "top_p", parameters.top_p);
  extra.set(out, "seed", parameters.seed);
  extra.set(out, "stop", parameters.stop);
  extra.write(out);
  out.end_object();
}

void write_inputs(Writer& out, const AiRequest& request) {
  out.key("inputs");
  out.begin_array();
  for (const std::string& input : request.inputs) out.string(input);
  out.end_array();
}

void write_request(Writer& out, const AiRequest& request) {
  const bool chat = request.task == AiTask::kChat;
  out.begin_object();
  out.key("version");
  out.integer(PluginFormat::kVersion);
  write_member(out, "task", chat ? "chat" : "embed");
  write_member(out, "model", request.model);
  if (chat) {
    write_messages(out, request);
    write_tools(out, request);
    if (request.output_schema) write_raw(out, "output_schema", *request.output_schema);
    out.key("stream");
    out.boolean(request.stream);
  } else {
    write_inputs(out, request);
  }
  write_parameters(out, request.parameters);
  out.end_object();
}

}  // namespace

Status PluginFormat::check(const AiRequest& request) const {
  TRY(ai::check_asked(request));
  TRY(ai::check_extra(request.parameters.extra, {}));
  TRY(ai::check_schemas(request));
  return ai::check_calls(request);
}

AiHttpRequest PluginFormat::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  write_request(out, request);
  std::vector<std::pair<std::string, std::string>> headers{{"Accept", "application/x-ndjson"}};
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  return ai::json_request(access.base_url, body, std::move(headers), access);
}

std::unique_ptr<AiDecoder> PluginFormat::decoder(const AiRequest& request) const {
  return std::make_unique<PluginDecoder>(request.task == AiTask::kEmbed ? request.inputs.size() : 0,
                                         ai::call_id_stem(request));
}

}  // namespace colloquium::components
