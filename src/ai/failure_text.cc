#include "ai/failure_text.h"

#include <string_view>
#include <vector>

#include "ai/call_record.h"
#include "base/secret_texts.h"

namespace colloquium::ai {
namespace {

// "Bearer topsecret": what stands behind the word is told without it, too.
void add_header(std::vector<std::string_view>& secrets, std::string_view value) {
  secrets.push_back(value);
  const size_t space = value.find(' ');
  if (space == value.npos) return;
  const size_t rest = value.find_first_not_of(' ', space);
  if (rest != value.npos) secrets.push_back(value.substr(rest));
}

}  // namespace

void make_presentable(AiFailure& failure, const AiAccess& access) {
  std::vector<std::string_view> secrets = {access.key};
  for (const auto& [name, value] : access.headers) add_header(secrets, value);
  if (access.signing) {
    secrets.emplace_back(access.signing->secret_access_key);
    secrets.emplace_back(access.signing->session_token);
  }
  secrets.insert(secrets.end(), access.secrets.begin(), access.secrets.end());
  hide_secrets(failure.message, std::move(secrets));
  failure.message = valid_utf8(failure.message);
}

}  // namespace colloquium::ai
