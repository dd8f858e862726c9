// Requests as OpenAI's API has them: chat completions and embeddings.
//
// Thread safety: functions. Source: OpenAI's published OpenAPI description.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "components/gateway/gateway_api.h"

namespace colloquium::components {

// `pass_on`: members that go to the provider as they are. kInvalidInput with a sentence for the client.
Result<ApiRequest> parse_chat_completion(std::string_view body, const std::vector<std::string>& pass_on);
Result<ApiRequest> parse_embeddings(std::string_view body, const std::vector<std::string>& pass_on);

}  // namespace colloquium::components
