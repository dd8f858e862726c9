// Looking into the messages of a request, as the encoders of providers do.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "colloquium/ai_provider.h"

namespace colloquium::ai {

template <class Part>
bool has(const AiMessage& message) {
  return std::any_of(message.parts.begin(), message.parts.end(),
                     [](const AiPart& part) { return std::holds_alternative<Part>(part); });
}

// Of results of tools, and nothing else.
bool is_only_results(const AiMessage& message);

// "system", "user", "assistant".
std::string_view role_name(AiRole role);

// Its texts, one behind the other.
std::string joined_text(const AiMessage& message);

// The name of the tool that a result is of; empty if there is no such call.
std::string tool_of(const AiRequest& request, const std::string& call_id);

// Some image is told by its URL.
bool has_image_url(const AiRequest& request);

// What every provider needs: a model's name, and a message or something to embed. kInvalidConfig.
Status check_asked(const AiRequest& request);
// What those need that keep the system's word apart: a chat has another message. kInvalidConfig.
Status check_turn(const AiRequest& request);

}  // namespace colloquium::ai
