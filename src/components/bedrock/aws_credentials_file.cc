#include "components/bedrock/aws_credentials_file.h"

#include "base/trimmed.h"

namespace colloquium::components {
namespace {

void read_key(std::string_view line, AiSigningKeys& keys) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = trimmed(line.substr(0, equals));
  const std::string_view value = trimmed(line.substr(equals + 1));
  if (name == "aws_access_key_id") keys.access_key_id = value;
  if (name == "aws_secret_access_key") keys.secret_access_key = value;
  if (name == "aws_session_token") keys.session_token = value;
}

}  // namespace

Result<AiSigningKeys> parse_aws_credentials(std::string_view text, const std::string& profile) {
  AiSigningKeys keys;
  bool found = false;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = line.ends_with(']') && trimmed(line.substr(1, line.size() - 2)) == profile;
      found = found || inside;
    } else if (inside) {
      read_key(line, keys);
    }
  }
  if (!found) return fail(ErrorCode::kInvalidInput, "it has no profile '" + profile + "'");
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return fail(ErrorCode::kInvalidInput,
                "its profile '" + profile + "' needs aws_access_key_id and aws_secret_access_key");
  }
  return keys;
}

}  // namespace colloquium::components
