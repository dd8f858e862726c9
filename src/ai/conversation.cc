#include "ai/conversation.h"

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

std::string tool_of(const AiRequest& request, const std::string& call_id) {
  for (const AiMessage& message : request.messages) {
    for (const AiPart& part : message.parts) {
      const auto* call = std::get_if<AiToolCall>(&part);
      if (call != nullptr && call->id == call_id) return call->name;
    }
  }
  return {};
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
