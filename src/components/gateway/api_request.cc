#include "components/gateway/api_request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "json/writer.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kData = "data:";
constexpr std::string_view kBase64 = ";base64";
// A value takes many times its bytes where it is read: "[],[],…" would, in 32 MiB. Conversations of ten thousand
// turns have a tenth of these.
constexpr size_t kValuesMax = 500'000;

// Keys count as values. Of a text that is JSON; of another, some number.
size_t values_of(std::string_view json) {
  size_t values = 1;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == ',' || c == ':' || c == '[' || c == '{') ++values;
    if (c != '"') continue;
    for (++i; i < json.size() && json[i] != '"'; ++i) {
      if (json[i] == '\\') ++i;
    }
  }
  return values;
}

tl::unexpected<Error> wrong(const std::string& what, const char* wanted) {
  return bad_request(what + " has to be " + wanted);
}

}  // namespace

tl::unexpected<Error> bad_request(std::string message) {
  return fail(ErrorCode::kInvalidInput, std::move(message));
}

Result<json::Document> request_object(std::string_view body) {
  if (values_of(body) > kValuesMax) {
    return bad_request("the body is of more than " + std::to_string(kValuesMax) + " values");
  }
  auto document = json::parse(body, "the request");
  if (!document) return bad_request("the body is no JSON: " + document.error().message);
  TRY(need_object(ValueView(document->text.data(), document->tape.data(), 0), "the body"));
  return std::move(*document);
}

std::optional<ValueView> given(const ValueView& object, std::string_view key) {
  auto found = object.member(key);
  if (found && found->type() == TokenType::kNull) return std::nullopt;
  return found;
}

Result<std::optional<std::string>> text_of(const ValueView& object, const char* key, const std::string& what) {
  const auto value = given(object, key);
  if (!value) return std::optional<std::string>();
  if (value->type() != TokenType::kString) return wrong(what, "a string");
  std::string scratch;
  return std::optional<std::string>(value->string(scratch));
}

Result<std::optional<int64_t>> integer_of(const ValueView& object, const char* key, const std::string& what) {
  const auto value = given(object, key);
  if (!value) return std::optional<int64_t>();
  if (value->type() != TokenType::kInteger || (value->token().flags & kTokenBigInteger) != 0) {
    return wrong(what, "an integer");
  }
  return std::optional<int64_t>(value->integer());
}

Result<std::optional<double>> number_of(const ValueView& object, const char* key, const std::string& what) {
  const auto value = given(object, key);
  if (!value) return std::optional<double>();
  if (value->type() != TokenType::kInteger && value->type() != TokenType::kDouble) return wrong(what, "a number");
  return std::optional<double>(value->number());
}

Result<bool> flag_of(const ValueView& object, const char* key, const std::string& what) {
  const auto value = given(object, key);
  if (!value) return false;
  if (value->type() != TokenType::kTrue && value->type() != TokenType::kFalse) return wrong(what, "true or false");
  return value->type() == TokenType::kTrue;
}

Result<std::string> needed_text(const ValueView& object, const char* key, const std::string& what) {
  TRY_ASSIGN(auto text, text_of(object, key, what));
  if (!text || text->empty()) return bad_request(what + " is missing");
  return std::move(*text);
}

Result<std::string> object_of(const ValueView& object, const char* key, const std::string& what) {
  const auto value = given(object, key);
  if (!value) return std::string();
  TRY(need_object(*value, what));
  return std::string(value->raw());
}

Result<std::vector<std::string>> texts_of(const ValueView& list, const std::string& what) {
  std::vector<std::string> texts;
  std::string scratch;
  if (list.type() == TokenType::kString) {
    texts.emplace_back(list.string(scratch));
    return texts;
  }
  if (list.type() != TokenType::kArray) return wrong(what, "a string or a list of strings");
  Status read = for_elements(list, [&](const ValueView& text, size_t) -> Status {
    if (text.type() != TokenType::kString) return wrong(what, "a string or a list of strings");
    scratch.clear();
    texts.emplace_back(text.string(scratch));
    return {};
  });
  TRY(std::move(read));
  return texts;
}

Status need_object(const ValueView& value, const std::string& what) {
  if (value.type() != TokenType::kObject) return wrong(what, "an object");
  return {};
}

Status need_array(const ValueView& value, const std::string& what) {
  if (value.type() != TokenType::kArray) return wrong(what, "a list");
  return {};
}

Result<AiImage> image_of_url(std::string url) {
  AiImage image;
  if (!url.starts_with(kData)) {
    if (!url.starts_with("https://") && !url.starts_with("http://")) {
      return bad_request("an image's url begins with https:// or data:");
    }
    image.url = std::move(url);
    return image;
  }
  const size_t comma = url.find(',');
  const std::string head = url.substr(0, comma);
  if (comma == url.npos || !head.ends_with(kBase64)) return bad_request("a data: url has to be in base64");
  image.media_type = head.substr(kData.size(), head.size() - kData.size() - kBase64.size());
  image.base64 = url.substr(comma + 1);
  if (image.media_type.empty() || image.base64.empty())
    return bad_request("a data: url of an image has a type and bytes");
  return image;
}

std::string members_of(const ValueView& root, const std::vector<std::string>& names) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  bool any = false;
  out.begin_object();
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const auto value = given(root, name);
    const auto before = names.begin() + static_cast<std::ptrdiff_t>(i);
    if (!value || std::find(names.begin(), before, name) != before) continue;
    any = true;
    out.key(name);
    out.raw(*value);
  }
  out.end_object();
  return any ? std::string(bytes.data(), bytes.size()) : std::string();
}

}  // namespace colloquium::components
