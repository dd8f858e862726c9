#include "ai/json_schema.h"

// Patterns by its own matcher, which is what it takes unless something is defined; std::regex takes the stack with
// it on long texts.
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include "base/assert.h"

namespace colloquium::ai {

namespace {

using rapidjson::Value;

// Neither texts of a model nor a user's schemas nest deeper for a reason, and each level takes of the stack.
constexpr size_t kDepthMax = 200;

bool is_too_deep(std::string_view json) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// The classes that the matcher does not know, as those it does. Inside of brackets they lose their own.
std::string spelt_out(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    const char* const members = escaped == 'd'   ? "0-9"
                                : escaped == 'w' ? "0-9A-Za-z_"
                                : escaped == 's' ? " \t\n\r\f\v"
                                                 : nullptr;
    if (members == nullptr) {
      out.append({c, escaped});
    } else {
      out += in_class ? members : "[" + std::string(members) + "]";
    }
  }
  return out;
}

using Matcher = rapidjson::internal::GenericRegex<rapidjson::UTF8<>>;

// A pattern that can't be matched would let everything pass.
bool take_pattern(Value& schema, rapidjson::Document::AllocatorType& allocator, std::string& wrong) {
  if (!schema.HasMember("pattern") || !schema["pattern"].IsString()) return true;
  const std::string pattern = spelt_out({schema["pattern"].GetString(), schema["pattern"].GetStringLength()});
  if (!Matcher(pattern.c_str()).IsValid()) {
    wrong = "the pattern '" + std::string(schema["pattern"].GetString()) + "' can't be checked; write it plainer";
    return false;
  }
  schema["pattern"].SetString(pattern.data(), static_cast<rapidjson::SizeType>(pattern.size()), allocator);
  return true;
}

// What later drafts write otherwise, as draft 4 has it. False, with what is wrong, for what can't be.
bool to_draft_4(Value& schema, rapidjson::Document::AllocatorType& allocator, std::string& wrong) {
  if (schema.IsArray()) {
    for (Value& item : schema.GetArray()) {
      if (!to_draft_4(item, allocator, wrong)) return false;
    }
    return true;
  }
  if (!schema.IsObject()) return true;
  if (!take_pattern(schema, allocator, wrong)) return false;
  if (schema.HasMember("const") && !schema.HasMember("enum")) {
    Value only(rapidjson::kArrayType);
    only.PushBack(Value(schema["const"], allocator), allocator);
    schema.AddMember("enum", only, allocator);
  }
  for (const auto& [exclusive, bound] :
       {std::pair("exclusiveMinimum", "minimum"), std::pair("exclusiveMaximum", "maximum")}) {
    if (!schema.HasMember(exclusive) || !schema[exclusive].IsNumber()) continue;
    Value limit(schema[exclusive], allocator);
    schema.RemoveMember(bound);
    schema.AddMember(rapidjson::StringRef(bound), limit, allocator);
    schema[exclusive].SetBool(true);
  }
  for (auto& member : schema.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    // Values, and no schemas.
    if (name == "enum" || name == "const" || name == "default" || name == "examples") continue;
    if (!to_draft_4(member.value, allocator, wrong)) return false;
  }
  return true;
}

// Whether every reference leads to a schema of its own: one that leads round in a circle, or out of the schema,
// can't be followed.
bool check_references(const Value& at, const Value& root, std::string& wrong) {
  if (at.IsArray()) {
    for (const Value& item : at.GetArray()) {
      if (!check_references(item, root, wrong)) return false;
    }
    return true;
  }
  if (!at.IsObject()) return true;
  const Value* schema = &at;
  for (int steps = 0; schema != nullptr && schema->IsObject() && schema->HasMember("$ref"); ++steps) {
    const Value& reference = (*schema)["$ref"];
    if (!reference.IsString()) break;
    const std::string_view text(reference.GetString(), reference.GetStringLength());
    const rapidjson::GenericPointer<Value> pointer(reference.GetString(), reference.GetStringLength());
    schema = text.starts_with('#') && pointer.IsValid() ? pointer.Get(root) : nullptr;
    if (schema == nullptr || steps > 100) {
      wrong = "the reference '" + std::string(text) + "' leads to no schema in it";
      return false;
    }
  }
  for (const auto& member : at.GetObject()) {
    if (!check_references(member.value, root, wrong)) return false;
  }
  return true;
}

std::string text_of(const rapidjson::GenericPointer<Value>& pointer) {
  rapidjson::StringBuffer text;
  pointer.Stringify(text);
  return {text.GetString(), text.GetSize()};
}

}  // namespace

struct JsonSchema::Compiled {
  explicit Compiled(const rapidjson::Document& source) : schema(source) {}
  rapidjson::SchemaDocument schema;
};

JsonSchema::JsonSchema(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

Result<JsonSchema> JsonSchema::parse(std::string_view json) {
  rapidjson::Document document;
  if (!is_too_deep(json)) document.Parse(json.data(), json.size());
  if (is_too_deep(json) || document.HasParseError() || !document.IsObject()) {
    return fail(ErrorCode::kInvalidConfig, "the schema is no JSON object");
  }
  std::string wrong;
  if (!check_references(document, document, wrong) || !to_draft_4(document, document.GetAllocator(), wrong)) {
    return fail(ErrorCode::kInvalidConfig, wrong);
  }
  return JsonSchema(std::make_unique<const Compiled>(document));
}

std::optional<std::string> JsonSchema::problem(std::string_view json) const {
  ASSERT(compiled_ != nullptr);
  if (is_too_deep(json)) return "it is nested deeper than " + std::to_string(kDepthMax) + " levels";
  rapidjson::Document document;
  document.Parse<rapidjson::kParseFullPrecisionFlag | rapidjson::kParseValidateEncodingFlag>(json.data(),
                                                                                             json.size());
  if (document.HasParseError()) {
    return "it is no JSON: " + std::string(rapidjson::GetParseError_En(document.GetParseError())) + " At byte " +
           std::to_string(document.GetErrorOffset()) + ".";
  }
  rapidjson::SchemaValidator validator(compiled_->schema);
  if (document.Accept(validator)) return std::nullopt;
  const std::string at = text_of(validator.GetInvalidDocumentPointer());
  const char* const keyword = validator.GetInvalidSchemaKeyword();
  return (at.empty() ? "it" : "'" + at + "'") + " does not satisfy '" +
         (keyword == nullptr ? "the schema" : std::string(keyword)) + "' of the schema at '" +
         text_of(validator.GetInvalidSchemaPointer()) + "'";
}

}  // namespace colloquium::ai
