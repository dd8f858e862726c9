// Requests as Anthropic's API has them, in each of its versions: messages.
//
// Thread safety: functions. Source: the types of Anthropic's own clients, 0.137 and 1.11.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "components/gateway/gateway_api.h"

namespace colloquium::components {

// `pass_on`: members that go to the provider as they are; `answered`: more is wanted of it than to be counted, and
// so it says how much at most. kInvalidInput with a sentence for the client.
Result<ApiRequest> parse_messages(std::string_view body, const std::vector<std::string>& pass_on,
                                  bool answered = true);

}  // namespace colloquium::components
