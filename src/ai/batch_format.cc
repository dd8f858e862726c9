#include "ai/batch_format.h"

#include <algorithm>

#include "ai/answer_decoder.h"

namespace colloquium::ai {

bool is_batch_name(std::string_view name) {
  constexpr size_t kLongest = 200;
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_plain);
}

AiFailure no_sense(std::string_view what, std::string_view body) {
  return {AiFailureKind::kTransient, std::string(what) + ": " + std::string(quoted(body)), std::nullopt, 0};
}

AiHttpRequest get_request(std::string url, std::vector<std::pair<std::string, std::string>> headers,
                          const AiAccess& access) {
  headers.insert(headers.end(), access.headers.begin(), access.headers.end());
  return {.url = std::move(url), .headers = std::move(headers), .body = {}, .method = "GET"};
}

AiHead json_head(int status) {
  return {status, {{"content-type", "application/json"}}};
}

}  // namespace colloquium::ai
