#include "components/http/url_template.h"

#include <algorithm>
#include <utility>

#include "components/http/client_settings.h"

namespace colloquium::components {
namespace {

constexpr size_t kUrlBytesMax = 8192;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_dots(std::string_view segment) {
  return segment == "." || segment == "..";
}

// What is wrong with the path of `url`, which fields were put into.
std::string path_problem(std::string_view url) {
  const size_t begin = std::min(url.find('/', url.find("://") + 3), url.size());
  std::string_view path = url.substr(begin);
  path = path.substr(0, path.find_first_of("?#"));
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (is_dots(segment)) return "a field in the path of url made a segment '" + std::string(segment) + "'";
    path.remove_prefix(segment.size());
  }
  return {};
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<UrlTemplate> UrlTemplate::parse(const std::string& text, const ConfigMark& mark) {
  UrlTemplate url;
  TRY_ASSIGN(url.text_, formats::TextTemplate::parse(text, "url", mark));
  const auto& pieces = url.text_.pieces();
  const std::string first = pieces.empty() ? std::string() : pieces.front().literal;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  const bool controls = std::any_of(pieces.begin(), pieces.end(), [&](const auto& piece) {
    return std::any_of(piece.literal.begin(), piece.literal.end(), is_control);
  });
  if (controls || !is_http_url(first)) {
    return fail(ErrorCode::kInvalidInput, "url is a whole address, such as https://example.org/in");
  }
  const bool has_path = first.find_first_of("/?#", first.find("://") + 3) != first.npos;
  if (pieces.size() > 1 && !has_path) {
    return fail(ErrorCode::kInvalidInput,
                "url has a field in its host or port; fields may stand behind the '/' that follows them");
  }
  for (const auto& piece : pieces) {
    if (piece.literal.find_first_of("?#") != std::string::npos) break;
    url.path_fields_ += piece.is_field() ? 1 : 0;
  }
  return url;
}

Result<std::unique_ptr<UrlTemplate::Renderer>> UrlTemplate::Renderer::create(
    const UrlTemplate& url, const formats::EventText::Variables& variables) {
  auto renderer = std::make_unique<Renderer>();
  renderer->is_constant_ = url.is_constant();
  const auto encode = [in_path = url.path_fields_](std::string_view value, size_t field,
                                                   std::string& out) -> Status {
    if (value.empty() && field < in_path) {
      return fail(ErrorCode::kInvalidInput, "a field in the path of url gave an empty text");
    }
    out += percent_encoded(value);
    return {};
  };
  TRY_ASSIGN(renderer->text_, formats::TextTemplate::Renderer::create(url.text_, variables, encode));
  return renderer;
}

Result<std::string_view> UrlTemplate::Renderer::render(const Batch& batch, size_t i) {
  TRY_ASSIGN(std::string_view url, text_->render(batch, i));
  if (is_constant_) return url;
  if (std::string problem = path_problem(url); !problem.empty()) {
    return fail(ErrorCode::kInvalidInput, std::move(problem));
  }
  if (url.size() > kUrlBytesMax) {
    return fail(ErrorCode::kLimit,
                "the fields make a url of more than " + std::to_string(kUrlBytesMax) + " bytes");
  }
  return url;
}

}  // namespace colloquium::components
