#include "ai/conversation.h"

#include "ai/call_record.h"
#include "base/assert.h"
#include "io/digest.h"

namespace colloquium::ai {

std::string_view role_name(AiRole role) {
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

bool is_only_results(const AiMessage& message) {
  return !message.parts.empty() && std::all_of(message.parts.begin(), message.parts.end(), [](const AiPart& part) {
    return std::holds_alternative<AiToolResult>(part);
  });
}

std::string joined_text(const AiMessage& message) {
  std::string all;
  for (const AiPart& part : message.parts) {
    if (const auto* text = std::get_if<AiText>(&part)) all += text->text;
  }
  return all;
}

std::string tool_of(const AiRequest& request, const AiMessage& message, const std::string& call_id) {
  const auto place = static_cast<size_t>(&message - request.messages.data());
  ASSERT(place < request.messages.size());
  for (size_t i = place + 1; i-- > 0;) {
    for (const AiPart& part : request.messages[i].parts) {
      const auto* call = std::get_if<AiToolCall>(&part);
      if (call != nullptr && call->id == call_id) return call->name;
    }
  }
  return {};
}

std::string call_id_stem(const AiRequest& request) {
  if (request.tools.empty()) return "call";
  std::string said;
  const auto add = [&said](std::string_view text) {
    said.append(std::to_string(text.size())).append(":").append(text);
  };
  for (const AiMessage& message : request.messages) {
    add(role_name(message.role));
    for (const AiPart& part : message.parts) {
      if (const auto* text = std::get_if<AiText>(&part)) add(text->text);
      if (const auto* result = std::get_if<AiToolResult>(&part)) add(result->content);
      const auto* call = std::get_if<AiToolCall>(&part);
      if (call == nullptr) continue;
      for (const std::string* each : {&call->id, &call->name, &call->arguments}) add(*each);
    }
  }
  return "call-" + digest_text(io::Digester().digest(said)).substr(0, 16);
}

bool has_image_url(const AiRequest& request) {
  const auto by_url = [](const AiPart& part) {
    const auto* image = std::get_if<AiImage>(&part);
    return image != nullptr && image->base64.empty();
  };
  return std::any_of(request.messages.begin(), request.messages.end(), [&](const AiMessage& message) {
    return std::any_of(message.parts.begin(), message.parts.end(), by_url);
  });
}

Status check_asked(const AiRequest& request) {
  if (request.model.empty()) return fail(ErrorCode::kInvalidConfig, "a model has to be named");
  if (request.task == AiTask::kEmbed && request.inputs.empty()) {
    return fail(ErrorCode::kInvalidConfig, "an embedding needs an input");
  }
  if (request.task == AiTask::kChat && request.messages.empty()) {
    return fail(ErrorCode::kInvalidConfig, "a chat needs a message");
  }
  return {};
}

Status check_turn(const AiRequest& request) {
  const auto is_system = [](const AiMessage& message) { return message.role == AiRole::kSystem; };
  if (request.task == AiTask::kChat && std::all_of(request.messages.begin(), request.messages.end(), is_system)) {
    return fail(ErrorCode::kInvalidConfig, "a chat needs a message that is not the system's");
  }
  return {};
}

}  // namespace colloquium::ai
