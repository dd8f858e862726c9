#include "net/url.h"

#include <algorithm>
#include <curl/curl.h>
#include <memory>

#include "net/http_client.h"
#include "net/http_message.h"

namespace colloquium::net {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

Url parsed(const std::string& text) {
  Url url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return nullptr;
  return url;
}

std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before `end` off the front, quoted parts looked over.
std::string_view take_until(std::string_view& rest, char end) {
  bool quoted = false;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (rest[at] == '\\' && quoted) {
      ++at;
    } else if (rest[at] == '"') {
      quoted = !quoted;
    } else if (rest[at] == end && !quoted) {
      break;
    }
  }
  at = std::min(at, rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(rest.size(), at + 1));
  return taken;
}

// Whether the parameters of a link hold `rel`, which may be one of several words.
bool has_relation(std::string_view parameters, std::string_view rel) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    const std::string_view name = trimmed(take_until(parameter, '='));
    if (!equals_ignoring_case(name, "rel")) continue;
    std::string_view words = trimmed(parameter);
    if (words.size() >= 2 && words.front() == '"' && words.back() == '"')
      words = words.substr(1, words.size() - 2);
    while (!words.empty()) {
      if (equals_ignoring_case(trimmed(take_until(words, ' ')), rel)) return true;
    }
    return false;  // the first one counts
  }
  return false;
}

}  // namespace

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const auto failed = [&] {
    return fail(ErrorCode::kInvalidInput,
                "'" + reference.substr(0, 200) + "' leads nowhere from " + shown_url(base));
  };
  const Url url = parsed(base);
  if (url == nullptr || reference.empty()) return failed();
  // As libcurl has it: a URL set over another one is taken relative to it.
  if (curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) return failed();
  const std::string scheme = part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return failed();
  return part(url, CURLUPART_URL);
}

bool same_server(const std::string& one, const std::string& other) {
  const Url a = parsed(one);
  const Url b = parsed(other);
  if (a == nullptr || b == nullptr) return false;
  return equals_ignoring_case(part(a, CURLUPART_HOST), part(b, CURLUPART_HOST)) &&
         part(a, CURLUPART_SCHEME) == part(b, CURLUPART_SCHEME) &&
         part(a, CURLUPART_PORT, CURLU_DEFAULT_PORT) == part(b, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string_view link_target(std::string_view header, std::string_view rel) {
  while (!header.empty()) {
    const size_t open = header.find('<');
    if (open == header.npos) return {};
    header.remove_prefix(open + 1);
    const size_t close = header.find('>');
    if (close == header.npos) return {};
    const std::string_view target = header.substr(0, close);
    header.remove_prefix(close + 1);
    if (has_relation(take_until(header, ','), rel)) return target;
  }
  return {};
}

}  // namespace colloquium::net
