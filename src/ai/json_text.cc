#include "ai/json_text.h"

#include "colloquium/batch.h"

#include "ai/answer_decoder.h"
#include "ai/call_record.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

json::ValueView root_of(const json::Document& document) {
  return {document.text.data(), document.tape.data(), 0};
}

json::Document checked(std::string_view json) {
  auto document = json::parse(json, "");
  ASSERT_WHY(document.has_value(), "checked before");
  return std::move(*document);
}

}  // namespace

Status check_object(std::string_view json, const std::string& what) {
  const auto document = json::parse(json, what);
  if (!document) return fail(ErrorCode::kInvalidConfig, document.error().describe());
  if (root_of(*document).type() != TokenType::kObject) {
    return fail(ErrorCode::kInvalidConfig, what + " is a JSON object");
  }
  return {};
}

Status check_extra(const std::string& extra, std::span<const std::string_view> ours) {
  if (extra.empty()) return {};
  TRY(check_object(extra, "extra"));
  const Extra members(extra);
  for (const std::string_view key : ours) {
    if (!members.has(key)) continue;
    return fail(ErrorCode::kInvalidConfig, "extra: '" + std::string(key) + "' is set by the stage itself");
  }
  return {};
}

Status check_schemas(const AiRequest& request) {
  if (request.output_schema) TRY(check_object(*request.output_schema, "output.schema"));
  for (const AiTool& tool : request.tools) TRY(check_object(tool.parameters, "parameters of tool " + tool.name));
  return {};
}

Status check_calls(const AiRequest& request) {
  for (const AiMessage& message : request.messages) {
    for (const AiPart& part : message.parts) {
      const auto* call = std::get_if<AiToolCall>(&part);
      if (call != nullptr) TRY(check_object(call->arguments, "arguments of the call " + call->id));
    }
  }
  return {};
}

void write_json(json::Writer& out, std::string_view json) {
  const json::Document document = checked(json);
  out.raw(root_of(document));
}

void write_arguments(json::Writer& out, std::string_view arguments) {
  const auto document = json::parse(arguments, "arguments");
  if (document && root_of(*document).type() == TokenType::kObject) return out.raw(root_of(*document));
  out.begin_object();
  if (arguments.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    write_member(out, "_raw", valid_utf8(arguments));
  }
  out.end_object();
}

void write_member(json::Writer& out, std::string_view key, std::string_view text) {
  out.key(key);
  out.string(text);
}

Extra::Extra(std::string_view json) {
  if (json.empty()) return;
  document_ = checked(json);
  ASSERT(root()->type() == TokenType::kObject);
}

std::optional<json::ValueView> Extra::root() const {
  return document_ ? std::optional(root_of(*document_)) : std::nullopt;
}

bool Extra::has(std::string_view key) const {
  return JsonReader::member(root(), key).has_value();
}

std::string Extra::text(std::string_view key) const {
  const auto member = JsonReader::member(root(), key);
  return member ? std::string(member->raw()) : std::string();
}

void Extra::set(json::Writer& out, std::string_view key, const std::optional<int64_t>& value) const {
  if (!value || has(key)) return;
  out.key(key);
  out.integer(*value);
}

void Extra::set(json::Writer& out, std::string_view key, const std::optional<double>& value) const {
  if (!value || has(key)) return;
  out.key(key);
  out.number(*value);
}

void Extra::set(json::Writer& out, std::string_view key, const std::vector<std::string>& texts) const {
  if (texts.empty() || has(key)) return;
  out.key(key);
  out.begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

void Extra::write(json::Writer& out, std::string_view without) const {
  const auto object = root();
  if (!object) return;
  std::string scratch;
  for (json::ValueView key = object->first_child(); !key.at_end_of(*object);) {
    const json::ValueView value = key.next();
    if (without.empty() || key.string(scratch) != without) {
      out.raw_key(key);
      out.raw(value);
    }
    key = value.next();
  }
}

AiHttpRequest json_request(std::string url, const std::vector<char>& body,
                           std::vector<std::pair<std::string, std::string>> headers, const AiAccess& access) {
  headers.insert(headers.begin(), {"Content-Type", "application/json"});
  headers.insert(headers.end(), access.headers.begin(), access.headers.end());
  return {.url = std::move(url), .headers = std::move(headers), .body = std::string(body.begin(), body.end())};
}

Result<int64_t> count_in(std::string_view body, std::string_view member) {
  JsonReader reader;
  const auto count = JsonReader::integer(JsonReader::member(reader.read(body), member));
  if (count) return *count;
  return fail(ErrorCode::kUnavailable,
              "the answer has no '" + std::string(member) + "': " + std::string(quoted(body)), {}, true);
}

std::optional<json::ValueView> JsonReader::read(std::string_view text) {
  text_.assign(text);
  text_.append(kBatchPadding, '\0');
  tape_.clear();
  json::WalkError error;
  if (!walker_.walk(std::string_view(text_).substr(0, text.size()), tape_, error)) return std::nullopt;
  return json::ValueView(text_.data(), tape_.data(), 0);
}

void JsonReader::let_go() {
  constexpr size_t kKeptBytes = size_t{64} << 10;
  if (text_.capacity() > kKeptBytes) std::string().swap(text_);
  if (tape_.capacity() * sizeof(TapeToken) > kKeptBytes) std::vector<TapeToken>().swap(tape_);
}

std::optional<json::ValueView> JsonReader::member(const std::optional<json::ValueView>& object,
                                                  std::string_view key) {
  if (!object || object->type() != TokenType::kObject) return std::nullopt;
  return object->member(key);
}

std::optional<json::ValueView> JsonReader::element(const std::optional<json::ValueView>& array, uint64_t i) {
  if (!array || array->type() != TokenType::kArray) return std::nullopt;
  return array->element(i);
}

std::optional<int64_t> JsonReader::integer(const std::optional<json::ValueView>& value) {
  if (!value || value->type() != TokenType::kInteger) return std::nullopt;
  const auto number = value->unsigned_integer();
  if (!number || *number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<std::string_view> JsonReader::text(const std::optional<json::ValueView>& value,
                                                 std::string& scratch) {
  if (!value || value->type() != TokenType::kString) return std::nullopt;
  scratch.clear();
  return value->string(scratch);
}

std::string JsonReader::member_text(const std::optional<json::ValueView>& object, std::string_view key) {
  std::string scratch;
  return std::string(text(member(object, key), scratch).value_or(""));
}

std::optional<std::vector<float>> JsonReader::floats(const std::optional<json::ValueView>& value) {
  if (!value || value->type() != TokenType::kArray) return std::nullopt;
  std::vector<float> found;
  for (json::ValueView number = value->first_child(); !number.at_end_of(*value); number = number.next()) {
    if (number.type() != TokenType::kInteger && number.type() != TokenType::kDouble) return std::nullopt;
    found.push_back(static_cast<float>(number.number()));
  }
  return found;
}

}  // namespace colloquium::ai
