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

std::string custom_id_in(std::string_view beginning) {
  constexpr std::string_view kKey = "\"custom_id\"";
  constexpr std::string_view kSpace = " \t";
  const auto skip_to = [&](char c) {
    beginning.remove_prefix(std::min(beginning.find_first_not_of(kSpace), beginning.size()));
    if (!beginning.starts_with(c)) return false;
    beginning.remove_prefix(1);
    return true;
  };
  const size_t key = beginning.find(kKey);
  if (key == std::string_view::npos) return {};
  beginning.remove_prefix(key + kKey.size());
  if (!skip_to(':') || !skip_to('"')) return {};
  const size_t end = beginning.find('"');
  return end == std::string_view::npos ? std::string() : std::string(beginning.substr(0, end));
}

void append_on_a_line(std::string& to, std::string_view json) {
  const size_t from = to.size();
  to += json;
  // Between values only: texts have them escaped.
  std::replace_if(
      to.begin() + static_cast<std::ptrdiff_t>(from), to.end(), [](char c) { return c == '\n' || c == '\r'; },
      ' ');
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
