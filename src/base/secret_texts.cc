#include "base/secret_texts.h"

#include <algorithm>

namespace colloquium {
namespace {

constexpr std::string_view kInItsPlace = "[key]";

void hide_whole(std::string& text, std::string_view secret) {
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kInItsPlace.size())) {
    text.replace(at, secret.size(), kInItsPlace);
  }
}

void hide_cut(std::string& text, std::string_view secret) {
  for (size_t n = std::min(secret.size() - 1, text.size()); n >= kSecretBytesMin; --n) {
    if (!text.ends_with(secret.substr(0, n))) continue;
    text.replace(text.size() - n, n, kInItsPlace);
    break;
  }
  for (size_t n = std::min(secret.size() - 1, text.size()); n >= kSecretBytesMin; --n) {
    if (!text.starts_with(secret.substr(secret.size() - n))) continue;
    text.replace(0, n, kInItsPlace);
    break;
  }
}

}  // namespace

void hide_secrets(std::string& text, std::vector<std::string_view> secrets) {
  // Who shows a text line by line shows those of a secret, too.
  for (size_t i = 0, count = secrets.size(); i < count; ++i) {
    std::string_view rest = secrets[i];
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      secrets.push_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    if (rest.size() < secrets[i].size()) secrets.push_back(rest);
  }
  secrets.erase(std::remove_if(secrets.begin(), secrets.end(),
                               [](std::string_view secret) { return secret.size() < kSecretBytesMin; }),
                secrets.end());
  // One that is a part of another would break that up.
  std::sort(secrets.begin(), secrets.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const std::string_view secret : secrets) hide_whole(text, secret);
  for (const std::string_view secret : secrets) hide_cut(text, secret);
}

}  // namespace colloquium
