#include "components/bedrock/bedrock_converse.h"

#include <algorithm>

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "components/bedrock/bedrock_decoder.h"
#include "components/bedrock/bedrock_embedding.h"
#include "net/aws_signature.h"

namespace colloquium::components {
namespace {

using ai::write_member;
using json::Writer;

constexpr std::string_view kConfig = "inferenceConfig";

// "image/png" is "png" here; empty if it is none that Bedrock takes.
std::string_view format_of(std::string_view media_type) {
  for (const std::string_view format : {"png", "jpeg", "gif", "webp"}) {
    if (media_type.starts_with("image/") && media_type.substr(6) == format) return format;
  }
  return {};
}

// One block of a message's content.
struct BlockWriter {
  Writer& out;

  void operator()(const AiText& text) const { write_member(out, "text", text.text); }
  void operator()(const AiImage& image) const {
    out.key("image");
    out.begin_object();
    write_member(out, "format", format_of(image.media_type));
    out.key("source");
    out.begin_object();
    write_member(out, "bytes", image.base64);
    out.end_object();
    out.end_object();
  }
  void operator()(const AiToolCall& call) const {
    out.key("toolUse");
    out.begin_object();
    write_member(out, "toolUseId", call.id);
    write_member(out, "name", call.name);
    out.key("input");
    ai::write_arguments(out, call.arguments);
    out.end_object();
  }
  void operator()(const AiToolResult& result) const {
    out.key("toolResult");
    out.begin_object();
    write_member(out, "toolUseId", result.id);
    out.key("content");
    out.begin_array();
    out.begin_object();
    write_member(out, "text", result.content);
    out.end_object();
    out.end_array();
    if (result.is_error) write_member(out, "status", "error");
    out.end_object();
  }
};

void write_blocks(Writer& out, const AiMessage& message) {
  for (const AiPart& part : message.parts) {
    out.begin_object();
    std::visit(BlockWriter{out}, part);
    out.end_object();
  }
}

bool is_system(const AiMessage& message) {
  return message.role == AiRole::kSystem;
}

void write_messages(Writer& out, const AiRequest& request) {
  out.key("messages");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    if (is_system(message)) continue;
    out.begin_object();
    write_member(out, "role", message.role == AiRole::kAssistant ? "assistant" : "user");
    out.key("content");
    out.begin_array();
    write_blocks(out, message);
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

void write_system(Writer& out, const AiRequest& request) {
  if (std::none_of(request.messages.begin(), request.messages.end(), is_system)) return;
  out.key("system");
  out.begin_array();
  for (const AiMessage& message : request.messages) {
    if (is_system(message)) write_blocks(out, message);
  }
  out.end_array();
}

void write_tool(Writer& out, const AiTool& tool) {
  out.begin_object();
  out.key("toolSpec");
  out.begin_object();
  write_member(out, "name", tool.name);
  if (!tool.description.empty()) write_member(out, "description", tool.description);
  out.key("inputSchema");
  out.begin_object();
  out.key("json");
  ai::write_json(out, tool.parameters);
  out.end_object();
  out.end_object();
  out.end_object();
}

void write_tool_choice(Writer& out, const AiToolChoice& choice) {
  using Kind = AiToolChoice::Kind;
  if (choice.kind != Kind::kAny && choice.kind != Kind::kNamed) return;
  out.key("toolChoice");
  out.begin_object();
  out.key(choice.kind == Kind::kAny ? "any" : "tool");
  out.begin_object();
  if (choice.kind == Kind::kNamed) write_member(out, "name", choice.name);
  out.end_object();
  out.end_object();
}

// A choice of none is made by offering none.
void write_tools(Writer& out, const AiRequest& request) {
  if (request.tools.empty() || request.tool_choice.kind == AiToolChoice::Kind::kNone) return;
  out.key("toolConfig");
  out.begin_object();
  out.key("tools");
  out.begin_array();
  for (const AiTool& tool : request.tools) write_tool(out, tool);
  out.end_array();
  write_tool_choice(out, request.tool_choice);
  out.end_object();
}

// The schema is a text in the text.
void write_schema(Writer& out, const std::string& schema) {
  out.key("outputConfig");
  out.begin_object();
  out.key("textFormat");
  out.begin_object();
  write_member(out, "type", "json_schema");
  out.key("structure");
  out.begin_object();
  out.key("jsonSchema");
  out.begin_object();
  write_member(out, "name", "answer");
  write_member(out, "schema", schema);
  out.end_object();
  out.end_object();
  out.end_object();
  out.end_object();
}

void write_chat(Writer& out, const AiRequest& request) {
  const ai::Extra extra(request.parameters.extra);
  const ai::Extra config(extra.text(kConfig));
  out.begin_object();
  write_messages(out, request);
  write_system(out, request);
  write_tools(out, request);
  if (request.output_schema) write_schema(out, *request.output_schema);
  out.key(kConfig);
  out.begin_object();
  config.set(out, "maxTokens", request.parameters.max_output_tokens);
  config.set(out, "temperature", request.parameters.temperature);
  config.set(out, "topP", request.parameters.top_p);
  config.set(out, "stopSequences", request.parameters.stop);
  config.write(out);
  out.end_object();
  extra.write(out, kConfig);
  out.end_object();
}

// A model's name may be an ARN, with ':' and '/'.
std::string model_path(const AiRequest& request) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string path = "/model/";
  for (const char c : request.model) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    path += plain ? std::string(1, c) : std::string{'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return path;
}

std::string path_of(const AiRequest& request) {
  const std::string path = model_path(request);
  if (request.task == AiTask::kEmbed) return path + "/invoke";
  return path + (request.stream ? "/converse-stream" : "/converse");
}

constexpr std::string_view kOurs[] = {"messages", "system", "toolConfig", "outputConfig", "inputText", "texts"};

Status check_images(const AiRequest& request) {
  if (ai::has_image_url(request)) {
    return fail(ErrorCode::kInvalidConfig, "Bedrock fetches no images: give their bytes, not their URL");
  }
  for (const AiMessage& message : request.messages) {
    for (const AiPart& part : message.parts) {
      const auto* image = std::get_if<AiImage>(&part);
      if (image == nullptr || !format_of(image->media_type).empty()) continue;
      return fail(ErrorCode::kInvalidConfig,
                  "Bedrock takes images of type image/png, image/jpeg, image/gif and "
                  "image/webp, not '" +
                      image->media_type + "'");
    }
  }
  return {};
}

// With a call in the conversation, the tools have to be there.
Status check_tool_choice(const AiRequest& request) {
  if (request.tool_choice.kind != AiToolChoice::Kind::kNone) return {};
  if (std::none_of(request.messages.begin(), request.messages.end(), ai::has<AiToolCall>)) return {};
  return fail(ErrorCode::kInvalidConfig,
              "Bedrock can't be kept from calling tools in a conversation that has calls of them");
}

}  // namespace

Status BedrockConverse::check(const AiRequest& request) const {
  TRY(ai::check_asked(request));
  TRY(ai::check_extra(request.parameters.extra, kOurs));
  if (request.task == AiTask::kEmbed) return check_embedding(request);
  TRY(ai::check_turn(request));
  if (request.parameters.seed) {
    return fail(ErrorCode::kInvalidConfig,
                "Bedrock knows no seed: what one model knows goes into extra.additionalModelRequestFields");
  }
  TRY(check_images(request));
  TRY(check_tool_choice(request));
  const std::string config = ai::Extra(request.parameters.extra).text(kConfig);
  if (!config.empty()) TRY(ai::check_object(config, "extra.inferenceConfig"));
  TRY(ai::check_schemas(request));
  return ai::check_calls(request);
}

AiHttpRequest BedrockConverse::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  if (request.task == AiTask::kChat) {
    write_chat(out, request);
  } else {
    write_embedding(out, request);
  }
  return post(path_of(request), body, access);
}

std::optional<AiCounting> BedrockConverse::counting(const AiRequest& request, const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  out.begin_object();
  out.key("input");
  out.begin_object();
  out.key("converse");
  out.begin_object();
  write_messages(out, request);
  write_system(out, request);
  write_tools(out, request);
  out.end_object();
  out.end_object();
  out.end_object();
  return AiCounting{post(model_path(request) + "/count-tokens", body, access),
                    [](std::string_view answer) { return ai::count_in(answer, "inputTokens"); }};
}

AiHttpRequest BedrockConverse::post(const std::string& path, const std::vector<char>& body,
                                    const AiAccess& access) const {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  AiHttpRequest http = ai::json_request(access.base_url + path, body, std::move(headers), access);
  if (access.key.empty() && access.signing) sign(http, access, path);
  return http;
}

// Of the base URL, the host is signed, and its path before ours. Host itself is the connection's to send.
void BedrockConverse::sign(AiHttpRequest& http, const AiAccess& access, const std::string& path) const {
  const size_t scheme = access.base_url.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t end = std::min(access.base_url.find('/', host), access.base_url.size());
  auto headers = http.headers;
  headers.emplace_back("host", access.base_url.substr(host, end - host));
  const AiSigningKeys& keys = *access.signing;
  const auto signer = net::AwsSigner::create({keys.access_key_id, keys.secret_access_key, keys.session_token},
                                             {region_, "bedrock"});
  if (!signer) return;
  auto signature = signer->sign({.method = "POST",
                                 .path = access.base_url.substr(end) + path,
                                 .query = {},
                                 .headers = headers,
                                 .body = http.body},
                                access.wall_ms);
  if (!signature) return;
  for (auto& header : signature->headers) http.headers.push_back(std::move(header));
}

std::unique_ptr<AiDecoder> BedrockConverse::decoder(const AiRequest& request) const {
  return std::make_unique<BedrockDecoder>(request.task);
}

}  // namespace colloquium::components
