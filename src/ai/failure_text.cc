#include "ai/failure_text.h"

#include <string>
#include <string_view>

#include "ai/call_record.h"

namespace colloquium::ai {
namespace {

// What is shorter is no secret, and stands in words.
constexpr size_t kShortest = 8;
constexpr std::string_view kInItsPlace = "[key]";

void hide(std::string& text, std::string_view secret) {
  if (secret.size() < kShortest) return;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kInItsPlace.size())) {
    text.replace(at, secret.size(), kInItsPlace);
  }
}

}  // namespace

void make_presentable(AiFailure& failure, const AiAccess& access) {
  hide(failure.message, access.key);
  for (const auto& [name, value] : access.headers) hide(failure.message, value);
  if (access.signing) {
    hide(failure.message, access.signing->secret_access_key);
    hide(failure.message, access.signing->session_token);
  }
  failure.message = valid_utf8(failure.message);
}

}  // namespace colloquium::ai
