// The formats, and the setting `format` of components.
#include <utility>

#include "base/assert.h"
#include "config/problems.h"
#include "formats/csv.h"
#include "formats/format.h"
#include "formats/logfmt.h"
#include "formats/syslog.h"
#include "formats/template.h"
#include "formats/text.h"

namespace colloquium::formats {

const std::vector<const FormatDescriptor*>& formats() {
  static const std::vector<const FormatDescriptor*> all = {&ndjson_format(), &json_format(),    &csv_format(),
                                                           &text_format(),   &raw_format(),     &logfmt_format(),
                                                           &syslog_format(), &template_format()};
  return all;
}

SourceFormatPtr default_source_format() {
  static const SourceFormatPtr format = [] {
    ConfigProblems none;
    return ndjson_format().source(ConfigNode(), "format", none);
  }();
  return format;
}

SinkFormatPtr default_sink_format() {
  static const SinkFormatPtr format = [] {
    ConfigProblems none;
    return ndjson_format().sink(ConfigNode(), "format", none);
  }();
  return format;
}

namespace {

// What differs between reading and writing.
struct SourceSide {
  using Setting = SourceFormatSetting;
  static const auto& make(const FormatDescriptor& format) { return format.source; }
  static const ObjectSpec& options(const FormatDescriptor& format) { return format.source_options; }
};
struct SinkSide {
  using Setting = SinkFormatSetting;
  static const auto& make(const FormatDescriptor& format) { return format.sink; }
  static const ObjectSpec& options(const FormatDescriptor& format) { return format.sink_options; }
};

constexpr char kNameKey[] = "name";

template <class Side>
std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const FormatDescriptor* format : formats()) {
    if (Side::make(*format)) out.push_back(format->name);
  }
  return out;
}

template <class Side>
void read_named(const std::string& name, const ConfigNode& options, const ConfigMark& mark, std::string_view path,
                typename Side::Setting& setting, ConfigProblems& problems) {
  for (const FormatDescriptor* format : formats()) {
    if (format->name != name || !Side::make(*format)) continue;
    setting.name = name;
    setting.format = Side::make(*format)(options, config::join_path(path, name), problems);
    return;
  }
  const std::vector<std::string> known = names<Side>();
  std::string hint = config::suggestion(name, known);
  if (hint.empty()) hint = "; known: " + config::alternatives(known);
  config::add_error(problems, mark, std::string(path) + ": unknown format " + config::quoted(name) + hint);
}

template <class Side>
void read_setting(const ConfigNode& node, std::string_view path, typename Side::Setting& setting,
                  ConfigProblems& problems) {
  if (node.unresolved) return;
  if (node.kind == ConfigNode::Kind::kString) {
    ConfigNode none;
    none.mark = node.mark;
    return read_named<Side>(node.text, none, node.mark, path, setting, problems);
  }
  if (node.kind != ConfigNode::Kind::kMap || node.members.size() != 1) {
    return config::add_error(problems, node.mark,
                             std::string(path) +
                                 " must be the name of a format, or a map of one name and its options, " +
                                 config::found(node));
  }
  const ConfigNode::Member& member = node.members.front();
  if (member.key == kNameKey) return read_setting<Side>(member.value, path, setting, problems);
  read_named<Side>(member.key, member.value, member.mark, path, setting, problems);
}

// As an object that has a key per format, or, short, a name.
template <class Side>
FieldSpec describe_setting(std::string name, FieldOptions options) {
  FieldSpec spec{.name = std::move(name), .type = FieldType::kObject, .options = std::move(options)};
  FieldSpec short_form{.name = kNameKey, .type = FieldType::kEnum};
  short_form.options.description = "A format with its defaults: `format: csv` is short for `format: {name: csv}`.";
  short_form.options.choices = names<Side>();
  spec.fields.push_back(std::move(short_form));
  for (const FormatDescriptor* format : formats()) {
    if (!Side::make(*format)) continue;
    FieldSpec field{.name = format->name, .type = FieldType::kObject, .nullable = true};
    field.options.description = format->summary;
    field.fields = Side::options(*format).fields;
    field.shorthand = Side::options(*format).shorthand;
    spec.fields.push_back(std::move(field));
  }
  spec.shorthand = kNameKey;
  spec.read = [](const ConfigNode& node, std::string_view path, void* target, ConfigProblems& problems) {
    read_setting<Side>(node, path, *static_cast<typename Side::Setting*>(target), problems);
  };
  return spec;
}

}  // namespace
}  // namespace colloquium::formats

namespace colloquium {

FieldSpec ConfigType<formats::SourceFormatSetting>::describe(std::string name, FieldOptions options) {
  return formats::describe_setting<formats::SourceSide>(std::move(name), std::move(options));
}

FieldSpec ConfigType<formats::SinkFormatSetting>::describe(std::string name, FieldOptions options) {
  return formats::describe_setting<formats::SinkSide>(std::move(name), std::move(options));
}

}  // namespace colloquium
