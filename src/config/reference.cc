#include "config/reference.h"

#include <vector>

#include "config/ai_spec.h"
#include "config/pipeline_spec.h"
#include "config/problems.h"
#include "config/settings.h"

namespace colloquium::config {
namespace {

constexpr char kGenerated[] = "<!-- Generated from the specs in the source; do not edit. -->\n";

// One word each, as the guides use them. An enum is shown by its choices, so its type name hardly appears.
std::string_view type_name(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "boolean";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kDouble:
      return "number";
    case FieldType::kString:
    case FieldType::kEnum:
      return "string";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kSize:
      return "size";
    case FieldType::kAmount:
      return "amount";
    case FieldType::kSecret:
      return "secret";
    case FieldType::kExpression:
      return "expression";
    case FieldType::kList:
      return "list";
    case FieldType::kMap:
      return "map";
    case FieldType::kObject:
      return "map";
    case FieldType::kAny:
      return "any";
  }
  return "";
}

// A cell of a table: bars and line breaks would end it.
std::string cell(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(const std::string& text) {
  return text.empty() ? "" : "`" + cell(text) + "`";
}

std::string type_text(const FieldSpec& field) {
  const bool collection = field.type == FieldType::kList || field.type == FieldType::kMap;
  std::string text(type_name(field.type));
  if (collection && field.item_type != FieldType::kAny)
    text += " of " + std::string(type_name(field.item_type)) + "s";
  if (field.options.choices.empty()) return text;
  std::string choices;
  for (const std::string& choice : field.options.choices) choices += (choices.empty() ? "" : ", ") + code(choice);
  return collection ? text + ": " + choices : choices;
}

// A required key has no default; that is what a reader looks for in this column.
std::string default_text(const FieldSpec& field) {
  if (field.options.required) return "**required**";
  return code(field.options.default_text);
}

std::string bound_text(int64_t value, FieldType type) {
  if (type == FieldType::kDuration) return show_duration({value});
  if (type == FieldType::kSize) return show_size({value});
  return std::to_string(value);
}

// "At least 1, at most 9." where that tells something; lengths and counts of 1 go without saying.
std::string bounds(const FieldSpec& field) {
  const FieldOptions& options = field.options;
  const bool number = field.type == FieldType::kInteger || field.type == FieldType::kDouble ||
                      field.type == FieldType::kDuration || field.type == FieldType::kSize;
  if (!number) return "";
  // Bounds of the C++ type, and that something is not negative or not nothing, tell a reader little.
  const bool natural_maximum = options.maximum && *options.maximum >= INT32_MAX;
  const bool with_unit = field.type == FieldType::kDuration || field.type == FieldType::kSize;
  const bool natural_minimum = options.minimum && (*options.minimum <= INT32_MIN || *options.minimum == 0 ||
                                                   (with_unit && *options.minimum == 1));
  std::string text;
  if (options.minimum && !natural_minimum) text = "At least " + bound_text(*options.minimum, field.type);
  if (options.maximum && !natural_maximum) {
    text += (text.empty() ? "At most " : ", at most ") + bound_text(*options.maximum, field.type);
  }
  return text.empty() ? "" : " " + text + ".";
}

std::string description(const FieldSpec& field) {
  const FieldOptions& options = field.options;
  std::string text = options.description + bounds(field);
  if (!options.example.empty()) text += " Example: " + code(options.example) + ".";
  if (!options.aliases.empty()) text += " Also read as " + code(alternatives(options.aliases)) + ".";
  if (!options.since.empty()) text += " Since " + options.since + ".";
  if (!options.deprecated.empty()) text += " **Deprecated**: use " + options.deprecated + ".";
  if (options.advanced) text += " (Advanced.)";
  return cell(text);
}

// A nested object gets a row of its own and then one for each of its keys, with the path as in messages.
void add_rows(std::string& out, const std::vector<FieldSpec>& fields, const std::string& prefix) {
  for (const FieldSpec& field : fields) {
    out += "| `" + prefix + field.name + "` | " + type_text(field) + " | " + default_text(field) + " | " +
           description(field) + " |\n";
    const bool list = field.type == FieldType::kList;
    const bool map = field.type == FieldType::kMap;
    add_rows(out, field.fields, prefix + field.name + (list ? "[]." : map ? ".*." : "."));
  }
}

// The example as it stands in its section.
std::string example_text(const ComponentExample& example, ComponentKind kind) {
  const bool nested = kind == ComponentKind::kProvider;
  const std::string indent = nested ? "  " : "";
  std::string text = nested ? "ai:\n  providers:\n" : std::string(section_spec(kind).key) + ":\n";
  bool first = true;
  for (size_t begin = 0; begin < example.yaml.size();) {
    const size_t end = std::min(example.yaml.find('\n', begin), example.yaml.size());
    const std::string line = example.yaml.substr(begin, end - begin);
    if (!line.empty()) text += indent + (first ? "  - " : "    ") + line;
    text += "\n";
    first = false;
    begin = end + 1;
  }
  return text;
}

std::string_view status_text(ComponentStatus status) {
  switch (status) {
    case ComponentStatus::kStable:
      return "stable";
    case ComponentStatus::kBeta:
      return "beta";
    case ComponentStatus::kExperimental:
      return "experimental";
  }
  return "";
}

std::string shorthand_text(const ObjectSpec& spec, const std::string& name) {
  if (spec.shorthand.empty()) return "";
  return "\n`" + name + ": VALUE` is short for `" + name + ": {" + spec.shorthand + ": VALUE}`.\n";
}

// In the order of the registry, which is fixed by the build.
std::string component_list(ComponentKind kind, const ComponentRegistry& registry) {
  std::string text;
  for (const std::string& name : registry.names(kind)) {
    const Descriptor* descriptor = registry.find(kind, name);
    if (descriptor == nullptr) continue;
    const std::string page = std::string(to_string(kind)) + "-" + name + ".md";
    text += "- [`" + name + "`](" + page + "): " + descriptor->summary + "\n";
  }
  return text;
}

// The sections are kept as nodes until they are read; what they have to be is told here.
ObjectSpec documented_file() {
  ObjectSpec spec = pipeline_file_spec().object();
  for (FieldSpec& field : spec.fields) {
    if (field.name == "log" || field.name == "ai") field.type = FieldType::kObject;
    for (ComponentKind kind : kSections) {
      if (field.name != section_spec(kind).key) continue;
      field.type = FieldType::kList;
      field.item_type = FieldType::kMap;
    }
  }
  return spec;
}

ObjectSpec documented_ai() {
  ObjectSpec spec = ai_object();
  for (FieldSpec& field : spec.fields) {
    if (field.name != "providers") continue;
    field.type = FieldType::kList;
    field.item_type = FieldType::kMap;
  }
  return spec;
}

std::string section_text(ComponentKind kind, const ComponentRegistry& registry) {
  const SectionSpec section = section_spec(kind);
  std::string text = "\n## " + std::string(section.key) +
                     "\n\nA list. Each entry is a map with exactly one kind of " + std::string(to_string(kind)) +
                     " and, beside it:\n\n" + fields_markdown(section.entry);
  if (kind == ComponentKind::kSource) text += shorthand_text(dedupe_spec().object(), "dedupe");
  const std::string kinds = component_list(kind, registry);
  return kinds.empty() ? text : text + "\nKinds:\n\n" + kinds;
}

}  // namespace

std::string fields_markdown(const ObjectSpec& spec) {
  if (spec.fields.empty()) return "It has no settings.\n";
  std::string out = "| key | type | default | |\n| --- | --- | --- | --- |\n";
  add_rows(out, spec.fields, "");
  return out;
}

std::string component_reference_markdown(const Descriptor& descriptor) {
  const std::string kind(to_string(descriptor.kind));
  std::string out = kGenerated;
  out += "# " + descriptor.name + " " + kind + "\n\n" + descriptor.summary + "\n\n| | |\n| --- | --- |\n";
  out += "| status | " + std::string(status_text(descriptor.status)) + " |\n";
  if (!descriptor.guarantee.empty()) out += "| guarantee | " + cell(descriptor.guarantee) + " |\n";
  if (!descriptor.input_trust.empty()) out += "| input trust | " + cell(descriptor.input_trust) + " |\n";
  if (!descriptor.description.empty()) out += "\n" + descriptor.description + "\n";
  out += "\n## Settings\n\n" + fields_markdown(descriptor.spec) + shorthand_text(descriptor.spec, descriptor.name);
  if (!descriptor.examples.empty()) out += "\n## Examples\n";
  for (const ComponentExample& example : descriptor.examples) {
    out += "\n" + example.title + ":\n\n```yaml\n" + example_text(example, descriptor.kind) + "```\n";
  }
  return out;
}

std::string pipeline_reference_markdown(const ComponentRegistry& registry) {
  std::string out = kGenerated;
  out += "# Pipeline file\n\nOne YAML file describes one pipeline: sources → log → stages → sinks.\n\n";
  out += fields_markdown(documented_file());
  out += "\n## log\n\n`log: off`, or a map:\n\n" + fields_markdown(log_spec().object());
  for (ComponentKind kind : kSections) {
    if (kind == ComponentKind::kProvider) out += "\n## ai\n\nA map:\n\n" + fields_markdown(documented_ai());
    out += section_text(kind, registry);
  }
  return out;
}

std::string settings_reference_markdown() {
  std::string out = kGenerated;
  out +=
      "# Settings\n\nEach setting can stand in `colloquium.yaml`, in an overlay `colloquium.<env>.yaml`, in a "
      "variable, or in a flag; the later of these wins. `colloquium config` shows where each value came from.\n\n"
      "| key | variable | flag | type | default | |\n| --- | --- | --- | --- | --- | --- |\n";
  const ObjectSpec spec = settings_spec().object();
  for (const FieldSpec& field : spec.fields) {
    out += "| `" + field.name + "` | `" + variable_name(field.name) + "` | `--" + flag_name(field.name) + "` | " +
           type_text(field) + " | " + default_text(field) + " | " + description(field) + " |\n";
  }
  return out;
}

}  // namespace colloquium::config
