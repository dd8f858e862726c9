#include "components/gateway/anthropic_requests.h"

#include <optional>
#include <utility>

#include "components/gateway/api_request.h"

namespace colloquium::components {
namespace {

using Parts = std::vector<AiPart>;

Result<AiImage> image_of(const ValueView& block, const std::string& where) {
  const auto source = given(block, "source");
  if (!source) return bad_request(where + ": 'source' is missing");
  TRY(need_object(*source, where + ": 'source'"));
  TRY_ASSIGN(const std::string type, needed_text(*source, "type", where + ": 'source.type'"));
  if (type == "url") {
    TRY_ASSIGN(std::string url, needed_text(*source, "url", where + ": 'source.url'"));
    return image_of_url(std::move(url));
  }
  if (type != "base64") return bad_request(where + ": an image's source is of type url or base64");
  AiImage image;
  TRY_ASSIGN(image.media_type, needed_text(*source, "media_type", where + ": 'source.media_type'"));
  TRY_ASSIGN(image.base64, needed_text(*source, "data", where + ": 'source.data'"));
  return image;
}

// A text, or blocks of texts and nothing else.
Result<std::string> plain_text(const ValueView& content, const std::string& where) {
  std::string all;
  if (content.type() == TokenType::kString) {
    std::string scratch;
    return std::string(content.string(scratch));
  }
  TRY(need_array(content, where));
  Status read = for_elements(content, [&](const ValueView& block, size_t) -> Status {
    TRY(need_object(block, where));
    TRY_ASSIGN(const std::string type, needed_text(block, "type", where + ": 'type'"));
    if (type != "text") return bad_request(where + ": a block of type '" + type + "' can't be passed on here");
    TRY_ASSIGN(const auto text, text_of(block, "text", where + ": 'text'"));
    if (!all.empty()) all += "\n\n";
    all += text.value_or("");
    return {};
  });
  TRY(std::move(read));
  return all;
}

Result<AiToolResult> tool_result(const ValueView& block, const std::string& where) {
  AiToolResult result;
  TRY_ASSIGN(result.id, needed_text(block, "tool_use_id", where + ": 'tool_use_id'"));
  if (const auto content = given(block, "content")) {
    TRY_ASSIGN(result.content, plain_text(*content, where + ": 'content'"));
  }
  TRY_ASSIGN(result.is_error, flag_of(block, "is_error", where + ": 'is_error'"));
  return result;
}

Status add_block(const ValueView& block, const std::string& where, Parts& parts) {
  TRY(need_object(block, where));
  TRY_ASSIGN(const std::string type, needed_text(block, "type", where + ": 'type'"));
  if (type == "text") {
    TRY_ASSIGN(auto text, text_of(block, "text", where + ": 'text'"));
    parts.emplace_back(AiText{std::move(text).value_or("")});
  } else if (type == "image") {
    TRY_ASSIGN(AiImage image, image_of(block, where));
    parts.emplace_back(std::move(image));
  } else if (type == "tool_use") {
    AiToolCall call;
    TRY_ASSIGN(call.id, needed_text(block, "id", where + ": 'id'"));
    TRY_ASSIGN(call.name, needed_text(block, "name", where + ": 'name'"));
    TRY_ASSIGN(call.arguments, object_of(block, "input", where + ": 'input'"));
    if (call.arguments.empty()) call.arguments = "{}";
    parts.emplace_back(std::move(call));
  } else if (type == "tool_result") {
    TRY_ASSIGN(AiToolResult result, tool_result(block, where));
    parts.emplace_back(std::move(result));
  } else if (type != "thinking" && type != "redacted_thinking") {
    return bad_request(where + ": a block of type '" + type + "' can't be passed on here");
  }
  return {};
}

Status add_message(const ValueView& message, size_t place, AiRequest& request) {
  const std::string where = "messages." + std::to_string(place);
  TRY(need_object(message, where));
  TRY_ASSIGN(const std::string role, needed_text(message, "role", where + ".role"));
  AiMessage made;
  if (role == "assistant") {
    made.role = AiRole::kAssistant;
  } else if (role == "system") {
    made.role = AiRole::kSystem;
  } else if (role != "user") {
    return bad_request(where + ".role: there is no role '" + role + "' here");
  }
  const auto content = given(message, "content");
  if (!content) return bad_request(where + ".content is missing");
  if (content->type() == TokenType::kString) {
    std::string scratch;
    made.parts.emplace_back(AiText{std::string(content->string(scratch))});
  } else {
    TRY(need_array(*content, where + ".content"));
    Status read = for_elements(*content, [&](const ValueView& block, size_t at) {
      return add_block(block, where + ".content." + std::to_string(at), made.parts);
    });
    TRY(std::move(read));
  }
  // Of thoughts alone nothing is left.
  if (!made.parts.empty()) request.messages.push_back(std::move(made));
  return {};
}

Status read_tools(const ValueView& root, AiRequest& request) {
  if (const auto tools = given(root, "tools")) {
    TRY(need_array(*tools, "tools"));
    Status read = for_elements(*tools, [&](const ValueView& tool, size_t place) -> Status {
      const std::string where = "tools." + std::to_string(place);
      TRY(need_object(tool, where));
      TRY_ASSIGN(const auto type, text_of(tool, "type", where + ".type"));
      if (type.value_or("custom") != "custom") {
        return bad_request(where + ": a tool of type '" + *type + "' can't be passed on here");
      }
      AiTool made;
      TRY_ASSIGN(made.name, needed_text(tool, "name", where + ".name"));
      TRY_ASSIGN(auto description, text_of(tool, "description", where + ".description"));
      made.description = std::move(description).value_or("");
      TRY_ASSIGN(made.parameters, object_of(tool, "input_schema", where + ".input_schema"));
      if (made.parameters.empty()) return bad_request(where + ".input_schema is missing");
      request.tools.push_back(std::move(made));
      return {};
    });
    TRY(std::move(read));
  }
  const auto choice = given(root, "tool_choice");
  if (!choice) return {};
  TRY(need_object(*choice, "tool_choice"));
  TRY_ASSIGN(const std::string type, needed_text(*choice, "type", "tool_choice.type"));
  using Kind = AiToolChoice::Kind;
  if (type == "any") {
    request.tool_choice.kind = Kind::kAny;
  } else if (type == "none") {
    request.tool_choice.kind = Kind::kNone;
  } else if (type == "tool") {
    request.tool_choice.kind = Kind::kNamed;
    TRY_ASSIGN(request.tool_choice.name, needed_text(*choice, "name", "tool_choice.name"));
  } else if (type != "auto") {
    return bad_request("tool_choice.type is auto, any, tool or none");
  }
  return {};
}

Status read_schema(const ValueView& root, AiRequest& request) {
  const auto config = given(root, "output_config");
  if (!config) return {};
  TRY(need_object(*config, "output_config"));
  const auto format = given(*config, "format");
  if (!format) return {};
  TRY(need_object(*format, "output_config.format"));
  TRY_ASSIGN(std::string schema, object_of(*format, "schema", "output_config.format.schema"));
  if (schema.empty()) return bad_request("output_config.format.schema is missing");
  request.output_schema = std::move(schema);
  return {};
}

Status read_system(const ValueView& root, AiRequest& request) {
  const auto system = given(root, "system");
  if (!system) return {};
  TRY_ASSIGN(std::string text, plain_text(*system, "system"));
  if (!text.empty()) request.messages.push_back({AiRole::kSystem, {AiText{std::move(text)}}});
  return {};
}

}  // namespace

Result<ApiRequest> parse_messages(std::string_view body, const std::vector<std::string>& pass_on, bool answered) {
  TRY_ASSIGN(const json::Document document, request_object(body));
  const ValueView root(document.text.data(), document.tape.data(), 0);
  ApiRequest made;
  AiParameters& parameters = made.request.parameters;
  TRY_ASSIGN(made.model, needed_text(root, "model", "model"));
  TRY_ASSIGN(parameters.max_output_tokens, integer_of(root, "max_tokens", "max_tokens"));
  if (parameters.max_output_tokens.value_or(answered ? 0 : 1) < 1)
    return bad_request("max_tokens has to be 1 or more");
  TRY(read_system(root, made.request));
  const auto messages = given(root, "messages");
  if (!messages) return bad_request("messages is missing");
  TRY(need_array(*messages, "messages"));
  if (messages->count() == 0) return bad_request("messages is empty");
  Status read = for_elements(*messages, [&](const ValueView& message, size_t place) {
    return add_message(message, place, made.request);
  });
  TRY(std::move(read));
  TRY(read_tools(root, made.request));
  TRY(read_schema(root, made.request));
  TRY_ASSIGN(parameters.temperature, number_of(root, "temperature", "temperature"));
  TRY_ASSIGN(parameters.top_p, number_of(root, "top_p", "top_p"));
  if (const auto stop = given(root, "stop_sequences")) {
    TRY(need_array(*stop, "stop_sequences"));
    TRY_ASSIGN(parameters.stop, texts_of(*stop, "stop_sequences"));
  }
  parameters.extra = members_of(root, pass_on);
  TRY_ASSIGN(made.stream, flag_of(root, "stream", "stream"));
  return made;
}

}  // namespace colloquium::components
