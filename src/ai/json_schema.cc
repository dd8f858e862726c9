#include "ai/json_schema.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "ai/json_text.h"
#include "base/assert.h"
#include "computo/json_schema.h"
#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::ai {
namespace {

// The value and the schema are inputs, so that a schema is what it says, whatever the language makes of its text.
constexpr std::string_view kScript = R"(["jsonSchema",["$inputs","/0"],["$inputs","/1"],{"maxErrors":5}])";
// Of the values of an enumeration, in a message.
constexpr size_t kShownBytesMax = 300;

const computo::ProgramPtr& script() {
  static const computo::ProgramPtr program = [] {
    computo::CompileFailure failure;
    computo::ProgramPtr compiled = computo::compile_json(kScript, {}, failure);
    ASSERT_WHY(compiled != nullptr, "the script is ours");
    return compiled;
  }();
  return program;
}

json::ValueView root_of(const json::Document& document) {
  return {document.text.data(), document.tape.data(), 0};
}

// A place of a JSON Pointer (RFC 6901); nothing where there is none.
std::optional<json::ValueView> at(json::ValueView value, std::string_view pointer) {
  while (!pointer.empty()) {
    ASSERT(pointer.starts_with('/'));
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string name;
    for (size_t i = 1; i < end; ++i) {
      const bool escaped = pointer[i] == '~' && i + 1 < end;
      name += !escaped ? pointer[i] : pointer[++i] == '1' ? '/' : '~';
    }
    pointer.remove_prefix(end);
    std::optional<json::ValueView> next = JsonReader::member(value, name);
    if (!next && value.type() == TokenType::kArray && name.size() < 10 && !name.empty() &&
        name.find_first_not_of("0123456789") == std::string::npos) {
      next = JsonReader::element(value, std::stoull(name));
    }
    if (!next) return std::nullopt;
    value = *next;
  }
  return value;
}

// What it names "the values of enum" or "the value of const", as the schema has it, if that is short.
std::string with_values(std::string message, const json::ValueView& schema, std::string_view place) {
  for (const std::string_view words : {"one of the values of enum", "the value of const"}) {
    const size_t found = message.find(words);
    const auto values = at(schema, place);
    if (found == std::string::npos || !values || values->raw().size() > kShownBytesMax) continue;
    return message.replace(found, words.size(),
                           (words.starts_with("one") ? "one of " : "") + std::string(values->raw()));
  }
  return message;
}

}  // namespace

struct JsonSchema::Compiled {
  json::Document document;
};

JsonSchema::JsonSchema(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

Result<JsonSchema> JsonSchema::parse(std::string_view json) {
  auto document = json::parse(json, "");
  if (!document || root_of(*document).type() != TokenType::kObject) {
    return fail(ErrorCode::kInvalidConfig, "the schema is no JSON object");
  }
  if (std::string wrong = computo::schema_problem(json); !wrong.empty()) {
    return fail(ErrorCode::kInvalidConfig, std::move(wrong));
  }
  JsonSchema schema(std::make_unique<const Compiled>(Compiled{std::move(*document)}));
  // What is too much work for the least of answers is for every one.
  const auto nothing = json::parse("null", "");
  const std::array<json::ValueView, 2> inputs = {root_of(*nothing), root_of(schema.compiled_->document)};
  computo::Evaluator evaluator(script());
  if (evaluator.evaluate(inputs)) return schema;
  return fail(ErrorCode::kInvalidConfig, "the schema is too large: " + evaluator.error().message());
}

std::optional<std::string> JsonSchema::problem(std::string_view json) const {
  ASSERT(compiled_ != nullptr);
  const auto document = json::parse(json, "");
  if (!document) return "it is no JSON: " + document.error().describe();
  const json::ValueView schema = root_of(compiled_->document);
  const std::array<json::ValueView, 2> inputs = {root_of(*document), schema};
  computo::Evaluator evaluator(script());
  std::vector<char> bytes;
  if (!evaluator.evaluate(inputs) || !evaluator.write(bytes, nullptr)) {
    return "it is too much to be checked: " + evaluator.error().message();
  }
  JsonReader reader;
  std::string told;
  JsonReader::for_each(reader.read({bytes.data(), bytes.size()}), [&](const json::ValueView& error) {
    const std::string instance = JsonReader::member_text(error, "instance");
    const std::string message = JsonReader::member_text(error, "message");
    told += (told.empty() ? "" : "; ") + (instance.empty() ? "" : "'" + instance + "': ") +
            with_values(message, schema, JsonReader::member_text(error, "schema"));
  });
  if (told.empty()) return std::nullopt;
  return told;
}

}  // namespace colloquium::ai
