// AWS's shared credentials file: sections of profiles, and in each the keys of one.
//
//   [default]
//   aws_access_key_id = AKIA…
//   aws_secret_access_key = …
//   aws_session_token = …
//
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". Thread safety: pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/ai_provider.h"
#include "colloquium/result.h"

namespace colloquium::components {

// The keys of `profile`. kInvalidInput where it is not there or lacks one; no message has any of what a key says.
Result<AiSigningKeys> parse_aws_credentials(std::string_view text, const std::string& profile);

}  // namespace colloquium::components
