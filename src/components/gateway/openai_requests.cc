#include "components/gateway/openai_requests.h"

#include <optional>
#include <utility>

#include "ai/json_text.h"
#include "components/gateway/api_request.h"

namespace colloquium::components {
namespace {

// Of one request for embeddings; OpenAI takes no more, either.
constexpr size_t kInputsMax = 2048;
constexpr char kAnyObject[] = R"({"type":"object","properties":{}})";

std::string at(const char* list, size_t place) {
  return "'" + std::string(list) + "[" + std::to_string(place) + "]'";
}

Result<AiPart> content_part(const ValueView& part, const std::string& where) {
  TRY(need_object(part, where));
  TRY_ASSIGN(const std::string type, needed_text(part, "type", where + ": 'type'"));
  if (type == "text" || type == "refusal") {
    TRY_ASSIGN(auto text, text_of(part, type.c_str(), where + ": '" + type + "'"));
    return AiPart(AiText{std::move(text).value_or("")});
  }
  if (type != "image_url") return bad_request(where + ": a part of type '" + type + "' can't be passed on here");
  const auto image = given(part, "image_url");
  if (!image) return bad_request(where + ": 'image_url' is missing");
  TRY(need_object(*image, where + ": 'image_url'"));
  TRY_ASSIGN(std::string url, needed_text(*image, "url", where + ": 'image_url.url'"));
  TRY_ASSIGN(AiImage made, image_of_url(std::move(url)));
  return AiPart(std::move(made));
}

Result<std::vector<AiPart>> content_of(const ValueView& message, const std::string& where) {
  std::vector<AiPart> parts;
  const auto content = given(message, "content");
  if (!content) return parts;
  if (content->type() == TokenType::kString) {
    std::string scratch;
    parts.emplace_back(AiText{std::string(content->string(scratch))});
    return parts;
  }
  TRY(need_array(*content, where + ": 'content'"));
  Status read = for_elements(*content, [&](const ValueView& part, size_t) -> Status {
    TRY_ASSIGN(AiPart made, content_part(part, where));
    parts.push_back(std::move(made));
    return {};
  });
  TRY(std::move(read));
  return parts;
}

Result<AiToolCall> tool_call(const ValueView& value, const std::string& where) {
  TRY(need_object(value, where + ": a tool call"));
  AiToolCall call;
  TRY_ASSIGN(call.id, needed_text(value, "id", where + ": the id of a tool call"));
  const auto function = given(value, "function");
  if (!function) return bad_request(where + ": a tool call has a 'function'");
  TRY(need_object(*function, where + ": 'function'"));
  TRY_ASSIGN(call.name, needed_text(*function, "name", where + ": the name of a tool call"));
  TRY_ASSIGN(auto arguments, text_of(*function, "arguments", where + ": the arguments of a tool call"));
  call.arguments = arguments && !arguments->empty() ? std::move(*arguments) : "{}";
  if (!ai::check_object(call.arguments, "arguments")) {
    return bad_request(where + ": the arguments of a tool call have to be a JSON object, as a string");
  }
  return call;
}

Status add_tool_result(const ValueView& message, std::vector<AiPart> content, const std::string& where,
                       AiRequest& request) {
  AiToolResult result;
  TRY_ASSIGN(result.id, needed_text(message, "tool_call_id", where + ": 'tool_call_id'"));
  for (const AiPart& part : content) {
    const auto* text = std::get_if<AiText>(&part);
    if (text == nullptr) return bad_request(where + ": what a tool gave has to be text");
    result.content += text->text;
  }
  // Those that stand one behind the other answer the same turn of the model: one message, as other providers want.
  auto& messages = request.messages;
  const bool joins = !messages.empty() && messages.back().role == AiRole::kUser &&
                     !messages.back().parts.empty() &&
                     std::holds_alternative<AiToolResult>(messages.back().parts.back());
  if (!joins) messages.push_back({AiRole::kUser, {}});
  messages.back().parts.emplace_back(std::move(result));
  return {};
}

Status add_message(const ValueView& message, const std::string& where, AiRequest& request) {
  TRY(need_object(message, where));
  TRY_ASSIGN(const std::string role, needed_text(message, "role", where + ": 'role'"));
  TRY_ASSIGN(std::vector<AiPart> parts, content_of(message, where));
  if (role == "tool") return add_tool_result(message, std::move(parts), where, request);
  AiMessage made;
  if (role == "assistant") {
    made.role = AiRole::kAssistant;
    if (const auto calls = given(message, "tool_calls")) {
      TRY(need_array(*calls, where + ": 'tool_calls'"));
      Status read = for_elements(*calls, [&](const ValueView& value, size_t) -> Status {
        TRY_ASSIGN(AiToolCall call, tool_call(value, where));
        parts.emplace_back(std::move(call));
        return {};
      });
      TRY(std::move(read));
    }
  } else if (role == "system" || role == "developer") {
    made.role = AiRole::kSystem;
  } else if (role != "user") {
    return bad_request(where + ": there is no role '" + role + "' here");
  }
  if (parts.empty()) return bad_request(where + ": 'content' is missing");
  made.parts = std::move(parts);
  request.messages.push_back(std::move(made));
  return {};
}

Status read_tools(const ValueView& root, AiRequest& request) {
  if (const auto tools = given(root, "tools")) {
    TRY(need_array(*tools, "'tools'"));
    Status read = for_elements(*tools, [&](const ValueView& tool, size_t place) -> Status {
      const std::string where = at("tools", place);
      TRY(need_object(tool, where));
      const auto function = given(tool, "function");
      if (!function) return bad_request(where + ": only tools of type 'function' can be passed on here");
      TRY(need_object(*function, where + ": 'function'"));
      AiTool made;
      TRY_ASSIGN(made.name, needed_text(*function, "name", where + ": 'function.name'"));
      TRY_ASSIGN(auto description, text_of(*function, "description", where + ": 'function.description'"));
      made.description = std::move(description).value_or("");
      TRY_ASSIGN(made.parameters, object_of(*function, "parameters", where + ": 'function.parameters'"));
      if (made.parameters.empty()) made.parameters = kAnyObject;
      request.tools.push_back(std::move(made));
      return {};
    });
    TRY(std::move(read));
  }
  const auto choice = given(root, "tool_choice");
  if (!choice) return {};
  using Kind = AiToolChoice::Kind;
  if (choice->type() == TokenType::kObject) {
    const auto function = given(*choice, "function");
    if (!function) return bad_request("'tool_choice' names a function");
    TRY(need_object(*function, "'tool_choice.function'"));
    request.tool_choice.kind = Kind::kNamed;
    TRY_ASSIGN(request.tool_choice.name, needed_text(*function, "name", "'tool_choice.function.name'"));
    return {};
  }
  TRY_ASSIGN(const auto word, text_of(root, "tool_choice", "'tool_choice'"));
  if (*word == "none") {
    request.tool_choice.kind = Kind::kNone;
  } else if (*word == "required") {
    request.tool_choice.kind = Kind::kAny;
  } else if (*word != "auto") {
    return bad_request("'tool_choice' is auto, none, required or a function");
  }
  return {};
}

// True if the answer is to be some JSON object, which only a provider that knows the member understands.
Result<bool> read_format(const ValueView& root, AiRequest& request) {
  const auto format = given(root, "response_format");
  if (!format) return false;
  TRY(need_object(*format, "'response_format'"));
  TRY_ASSIGN(const std::string type, needed_text(*format, "type", "'response_format.type'"));
  if (type == "text") return false;
  if (type == "json_object") return true;
  if (type != "json_schema") return bad_request("'response_format.type' is text, json_object or json_schema");
  const auto named = given(*format, "json_schema");
  if (!named) return bad_request("'response_format.json_schema' is missing");
  TRY(need_object(*named, "'response_format.json_schema'"));
  TRY_ASSIGN(std::string schema, object_of(*named, "schema", "'response_format.json_schema.schema'"));
  if (schema.empty()) return bad_request("'response_format.json_schema.schema' is missing");
  request.output_schema = std::move(schema);
  AiSchemaTerms& terms = request.schema_terms;
  TRY_ASSIGN(terms.strict, flag_of(*named, "strict", "'response_format.json_schema.strict'"));
  TRY_ASSIGN(auto name, text_of(*named, "name", "'response_format.json_schema.name'"));
  if (name && !name->empty()) terms.name = std::move(*name);
  TRY_ASSIGN(auto described, text_of(*named, "description", "'response_format.json_schema.description'"));
  terms.description = std::move(described).value_or("");
  return false;
}

Status read_parameters(const ValueView& root, AiParameters& parameters) {
  TRY_ASSIGN(const auto old_most, integer_of(root, "max_tokens", "'max_tokens'"));
  TRY_ASSIGN(parameters.max_output_tokens, integer_of(root, "max_completion_tokens", "'max_completion_tokens'"));
  if (!parameters.max_output_tokens) parameters.max_output_tokens = old_most;
  if (parameters.max_output_tokens && *parameters.max_output_tokens < 1) {
    return bad_request("'max_completion_tokens' has to be 1 or more");
  }
  TRY_ASSIGN(parameters.temperature, number_of(root, "temperature", "'temperature'"));
  TRY_ASSIGN(parameters.top_p, number_of(root, "top_p", "'top_p'"));
  TRY_ASSIGN(parameters.seed, integer_of(root, "seed", "'seed'"));
  if (const auto stop = given(root, "stop")) {
    TRY_ASSIGN(parameters.stop, texts_of(*stop, "'stop'"));
  }
  return {};
}

// What would be answered otherwise than it is asked for.
Status refuse_unknown_answers(const ValueView& root) {
  TRY_ASSIGN(const auto choices, integer_of(root, "n", "'n'"));
  if (choices.value_or(1) != 1) return bad_request("'n' has to be 1 here");
  TRY_ASSIGN(const bool logprobs, flag_of(root, "logprobs", "'logprobs'"));
  if (logprobs) return bad_request("'logprobs' can't be asked for here");
  for (const char* key : {"functions", "function_call", "audio"}) {
    if (given(root, key)) return bad_request("'" + std::string(key) + "' can't be asked for here");
  }
  return {};
}

}  // namespace

Result<ApiRequest> parse_chat_completion(std::string_view body, const std::vector<std::string>& pass_on) {
  TRY_ASSIGN(const json::Document document, request_object(body));
  const ValueView root(document.text.data(), document.tape.data(), 0);
  ApiRequest made;
  TRY_ASSIGN(made.model, needed_text(root, "model", "'model'"));
  const auto messages = given(root, "messages");
  if (!messages) return bad_request("'messages' is missing");
  TRY(need_array(*messages, "'messages'"));
  TRY(refuse_unknown_answers(root));
  Status read = for_elements(*messages, [&](const ValueView& message, size_t place) {
    return add_message(message, at("messages", place), made.request);
  });
  TRY(std::move(read));
  if (made.request.messages.empty()) return bad_request("'messages' is empty");
  TRY(read_tools(root, made.request));
  TRY_ASSIGN(const bool json, read_format(root, made.request));
  TRY(read_parameters(root, made.request.parameters));
  std::vector<std::string> passed = pass_on;
  if (json) passed.emplace_back("response_format");
  made.request.parameters.extra = members_of(root, passed);
  TRY_ASSIGN(made.stream, flag_of(root, "stream", "'stream'"));
  if (const auto options = given(root, "stream_options")) {
    TRY(need_object(*options, "'stream_options'"));
    TRY_ASSIGN(made.stream_usage, flag_of(*options, "include_usage", "'stream_options.include_usage'"));
  }
  return made;
}

Result<ApiRequest> parse_embeddings(std::string_view body, const std::vector<std::string>& pass_on) {
  TRY_ASSIGN(const json::Document document, request_object(body));
  const ValueView root(document.text.data(), document.tape.data(), 0);
  ApiRequest made;
  made.request.task = AiTask::kEmbed;
  TRY_ASSIGN(made.model, needed_text(root, "model", "'model'"));
  const auto input = given(root, "input");
  if (!input) return bad_request("'input' is missing");
  TRY_ASSIGN(made.request.inputs, texts_of(*input, "'input'"));
  if (made.request.inputs.empty()) return bad_request("'input' is empty");
  if (made.request.inputs.size() > kInputsMax) {
    return bad_request("'input' is a list of more than " + std::to_string(kInputsMax) + " texts");
  }
  TRY_ASSIGN(const auto encoding, text_of(root, "encoding_format", "'encoding_format'"));
  made.base64 = encoding == "base64";
  if (encoding && !made.base64 && *encoding != "float") return bad_request("'encoding_format' is float or base64");
  TRY_ASSIGN(const auto dimensions, integer_of(root, "dimensions", "'dimensions'"));
  std::vector<std::string> passed = pass_on;
  if (dimensions) passed.emplace_back("dimensions");
  made.request.parameters.extra = members_of(root, passed);
  return made;
}

}  // namespace colloquium::components
