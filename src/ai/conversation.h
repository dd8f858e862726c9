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

// The name of the tool that a result in `message` is of: of the last such call before it, as some clients number
// the calls of each turn anew. Empty if there is none. REQUIRES: a message of the request.
std::string tool_of(const AiRequest& request, const AiMessage& message, const std::string& call_id);

// What begins the ids of the calls in the answer to a request, where a provider gives none: another in each turn
// of a conversation, and the same for the same request. Of one without tools it is the same for all.
std::string call_id_stem(const AiRequest& request);

// Some image is told by its URL.
bool has_image_url(const AiRequest& request);

// What every provider needs: a model's name, and a message or something to embed. kInvalidConfig.
Status check_asked(const AiRequest& request);
// What those need that keep the system's word apart: a chat has another message. kInvalidConfig.
Status check_turn(const AiRequest& request);

}  // namespace colloquium::ai
