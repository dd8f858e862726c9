#include "config/schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/ai_spec.h"
#include "config/pipeline_spec.h"
#include "config/scalar.h"
#include "config/settings.h"

namespace colloquium::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kDraft[] = "https://json-schema.org/draft/2020-12/schema";
constexpr char kSubstitution[] = "#/$defs/substitution";
constexpr char kDurationPattern[] = R"(^[0-9]+(ms|s|m|h|d)$)";
constexpr char kAmountPattern[] = R"(^[0-9]+(\.[0-9]+)? USD$)";
constexpr char kSizePattern[] = R"(^[0-9]+(B|[KMGT]i?B)?$)";

Json object_schema(const std::vector<FieldSpec>& fields, const std::string& shorthand);

// A value of another type may be written as ${…}, which is typed when it is replaced.
Json or_substitution(Json schema) {
  return Json{{"anyOf", Json::array({std::move(schema), Json{{"$ref", kSubstitution}}})}};
}

// JSON Schema has a word of its own for the bounds of each type.
void add_bounds(Json& schema, const FieldOptions& options, const char* minimum, const char* maximum) {
  if (options.minimum) schema[minimum] = *options.minimum;
  if (options.maximum) schema[maximum] = *options.maximum;
}

Json choices_schema(const std::vector<std::string>& choices) {
  return or_substitution(Json{{"enum", choices}});
}

// minLength counts characters where the reader counts bytes; only long texts in other scripts can tell.
Json string_schema(const FieldOptions& options) {
  if (!options.choices.empty()) return choices_schema(options.choices);
  Json schema{{"type", "string"}};
  add_bounds(schema, options, "minLength", "maxLength");
  return schema;
}

Json number_schema(const char* type, const FieldOptions& options) {
  Json schema{{"type", type}};
  add_bounds(schema, options, "minimum", "maximum");
  return or_substitution(std::move(schema));
}

// Bounds of texts with a unit are left to the reader; only 0, which needs no unit, can be told apart.
Json duration_schema(const FieldOptions& options) {
  Json with_unit{{"type", "string"}, {"pattern", kDurationPattern}};
  if (options.minimum.value_or(0) > 0) return or_substitution(std::move(with_unit));
  return Json{
      {"anyOf", Json::array({std::move(with_unit), Json{{"enum", {0, "0"}}}, Json{{"$ref", kSubstitution}}})}};
}

// A number without a unit counts bytes.
Json size_schema(const FieldOptions& options) {
  Json schema{{"type", {"string", "integer"}}, {"pattern", kSizePattern}};
  schema["minimum"] = std::max<int64_t>(0, options.minimum.value_or(0));
  if (options.maximum) schema["maximum"] = *options.maximum;
  return or_substitution(std::move(schema));
}

// Bounds are left to the reader. A word may stand for an amount where its default is one.
Json amount_schema(const FieldOptions& options) {
  Json schema{{"type", "string"}, {"pattern", kAmountPattern}};
  const std::string& word = options.default_text;
  if (word.empty() || word.ends_with(" USD")) return or_substitution(std::move(schema));
  return Json{{"anyOf", Json::array({std::move(schema), Json{{"const", word}}, Json{{"$ref", kSubstitution}}})}};
}

// A list's or map's items.
Json item_schema(const FieldSpec& field);

// Bounds of a collection are its count, as in read_list and read_map.
Json collection_schema(const FieldSpec& field) {
  const bool list = field.type == FieldType::kList;
  Json schema{{"type", list ? "array" : "object"}};
  schema[list ? "items" : "additionalProperties"] = item_schema(field);
  add_bounds(schema, field.options, list ? "minItems" : "minProperties", list ? "maxItems" : "maxProperties");
  return schema;
}

Json type_schema(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kBool:
      return or_substitution(Json{{"type", "boolean"}});
    case FieldType::kInteger:
      return number_schema("integer", field.options);
    case FieldType::kDouble:
      return number_schema("number", field.options);
    case FieldType::kString:
      return string_schema(field.options);
    case FieldType::kEnum:
      return choices_schema(field.options.choices);
    case FieldType::kSecret:
      return Json{{"type", "string"}, {"writeOnly", true}};
    case FieldType::kDuration:
      return duration_schema(field.options);
    case FieldType::kSize:
      return size_schema(field.options);
    case FieldType::kAmount:
      return amount_schema(field.options);
    case FieldType::kList:
    case FieldType::kMap:
      return collection_schema(field);
    case FieldType::kObject:
      return object_schema(field.fields, field.shorthand);
    case FieldType::kExpression:
      return Json{{"not", {{"type", "null"}}}};
    case FieldType::kAny:
      break;
  }
  return Json::object();
}

Json item_schema(const FieldSpec& field) {
  FieldSpec item{.type = field.item_type, .fields = field.fields, .shorthand = field.shorthand};
  item.options.choices = field.options.choices;
  return type_schema(item);
}

// The default as a JSON value, where its text is one of the field's own type.
void add_default(Json& schema, const FieldSpec& field) {
  ConfigNode node;
  set_plain(node, field.options.default_text);
  using Kind = ConfigNode::Kind;
  const bool text =
      field.type == FieldType::kEnum || field.type == FieldType::kDuration || field.type == FieldType::kSize ||
      field.type == FieldType::kAmount;
  if ((field.type == FieldType::kBool && node.kind == Kind::kBool) ||
      (field.type == FieldType::kInteger && node.kind == Kind::kInteger) ||
      (field.type == FieldType::kDouble && (node.kind == Kind::kInteger || node.kind == Kind::kDouble))) {
    schema["default"] = Json::parse(node.to_json());
  } else if (text && node.kind == Kind::kString) {
    schema["default"] = node.text;
  }
}

// The description goes first: it is what an editor shows.
Json field_schema(const FieldSpec& field) {
  Json schema{{"description", field.options.description}};
  Json type = type_schema(field);
  if (field.nullable) type = Json{{"anyOf", Json::array({std::move(type), Json{{"type", "null"}}})}};
  schema.update(type);
  add_default(schema, field);
  if (!field.options.deprecated.empty()) schema["deprecated"] = true;
  return schema;
}

// A key and its other spellings: not two of them, and one where the key is required.
void add_spellings(Json& rules, const FieldSpec& field) {
  Json spellings = Json::array({Json{{"required", {field.name}}}});
  for (const std::string& alias : field.options.aliases) {
    spellings.push_back(Json{{"required", {alias}}});
    rules.push_back(Json{{"not", {{"required", {field.name, alias}}}}});
  }
  if (field.options.required) rules.push_back(Json{{"anyOf", std::move(spellings)}});
}

Json object_schema(const std::vector<FieldSpec>& fields, const std::string& shorthand) {
  Json properties = Json::object();
  Json required = Json::array();
  Json rules = Json::array();
  bool nullable = true;
  for (const FieldSpec& field : fields) {
    properties[field.name] = field_schema(field);
    for (const std::string& alias : field.options.aliases) {
      properties[alias] = Json{{"description", "Another spelling of " + field.name + "."}, {"deprecated", true}};
      properties[alias].update(type_schema(field));
    }
    nullable = nullable && !field.options.required;
    if (!field.options.aliases.empty()) {
      add_spellings(rules, field);
    } else if (field.options.required) {
      required.push_back(field.name);
    }
  }
  Json schema{{"type", nullable ? Json({"object", "null"}) : Json("object")},
              {"properties", std::move(properties)},
              {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  if (!rules.empty()) schema["allOf"] = std::move(rules);
  for (const FieldSpec& field : fields) {
    if (field.name != shorthand) continue;
    // In the place of the map anything but a map stands for this field.
    Json bare{{"allOf", Json::array({Json{{"not", {{"type", "object"}}}}, type_schema(field)})}};
    return Json{{"anyOf", Json::array({std::move(schema), std::move(bare)})}};
  }
  return schema;
}

// ordered_json keeps the order in which keys are put, so the text is the same for the same spec.
Json with_header(Json schema, const std::string& title) {
  Json out{{"$schema", kDraft}, {"title", title}};
  out.update(schema);
  out["$defs"]["substitution"] = Json{{"type", "string"}, {"pattern", R"(^\$\{.+\}$)"}};
  return out;
}

std::string text(const Json& schema) {
  return schema.dump(2) + "\n";
}

// One entry of a section: its own keys, and exactly one kind.
Json entry_schema(const SectionSpec& section, const ComponentRegistry& registry) {
  Json properties = Json::object();
  for (const FieldSpec& field : section.entry.fields) properties[field.name] = field_schema(field);
  Json kinds = Json::array();
  for (const std::string& name : registry.names(section.kind)) {
    const Descriptor* descriptor = registry.find(section.kind, name);
    if (descriptor == nullptr) continue;
    Json schema{{"description", descriptor->summary}};
    schema.update(object_schema(descriptor->spec.fields, descriptor->spec.shorthand));
    properties[name] = std::move(schema);
    kinds.push_back(Json{{"required", {name}}});
  }
  Json entry{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!kinds.empty()) entry["oneOf"] = std::move(kinds);
  return entry;
}

Json section_schema(ComponentKind kind, const ComponentRegistry& registry) {
  Json schema{{"type", kind == ComponentKind::kStage ? Json({"array", "null"}) : Json("array")}};
  schema["items"] = entry_schema(section_spec(kind), registry);
  if (kind != ComponentKind::kStage) schema["minItems"] = 1;
  return schema;
}

}  // namespace

std::string object_schema_json(const ObjectSpec& spec, const std::string& title) {
  return text(with_header(object_schema(spec.fields, spec.shorthand), title));
}

std::string settings_schema_json() {
  return object_schema_json(settings_spec().object(), "Colloquium settings");
}

// The sections are nodes in the file's own spec (kAny); here they get the schemas that their readers stand for.
std::string pipeline_schema_json(const ComponentRegistry& registry) {
  Json schema = object_schema(pipeline_file_spec().object().fields, "");
  Json& properties = schema["properties"];
  properties["log"]["anyOf"] =
      Json::array({Json{{"const", "off"}}, object_schema(log_spec().object().fields, "")});
  for (ComponentKind kind : {ComponentKind::kSource, ComponentKind::kStage, ComponentKind::kSink}) {
    properties[std::string(section_spec(kind).key)].update(section_schema(kind, registry));
  }
  Json ai = object_schema(ai_object().fields, "");
  ai["properties"]["providers"].update(section_schema(ComponentKind::kProvider, registry));
  properties["ai"].update(ai);
  return text(with_header(std::move(schema), "Colloquium pipeline"));
}

}  // namespace colloquium::config
