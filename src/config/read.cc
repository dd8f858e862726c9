// What colloquium/config_types.h declares: scalars, lists and maps out of nodes.
#include <algorithm>
#include <cmath>

#include "colloquium/config_types.h"

#include "base/units.h"
#include "config/amount.h"
#include "config/problems.h"
#include "config/scalar.h"

namespace colloquium::config {
namespace {

using Kind = ConfigNode::Kind;

// "log.partitions must be an integer, found the string 'four'".
void wrong(const ConfigNode& node, std::string_view path, const FieldOptions& options, const std::string& expected,
           ConfigProblems& problems, const std::string& hint = {}) {
  if (node.unresolved) return;
  add_error(problems, node.mark,
            std::string(path) + " must be " + expected + ", " + found(node, options.secret) + hint);
}

std::string show_integer(int64_t value) {
  return std::to_string(value);
}

// "at least 1", "at most 9" or "between 1 and 9".
// REQUIRES: at least one of the bounds is declared.
std::string range_text(const FieldOptions& options, std::string (*show)(int64_t)) {
  if (options.minimum && options.maximum) {
    return "between " + show(*options.minimum) + " and " + show(*options.maximum);
  }
  return options.minimum ? "at least " + show(*options.minimum) : "at most " + show(*options.maximum);
}

bool in_range(int64_t value, const FieldOptions& options) {
  return (!options.minimum || value >= *options.minimum) && (!options.maximum || value <= *options.maximum);
}

// The message shows the bounds in the units the value is written in: "between 100ms and 1h".
bool check_range(int64_t value, const ConfigNode& node, std::string_view path, const FieldOptions& options,
                 std::string (*show)(int64_t), ConfigProblems& problems) {
  if (in_range(value, options)) return true;
  wrong(node, path, options, range_text(options, show), problems);
  return false;
}

// Length of a text, count of a list: "must have at least 2 items, found 1".
bool check_count(size_t count, const ConfigNode& node, std::string_view path, const FieldOptions& options,
                 const std::string& units, ConfigProblems& problems) {
  if (in_range(static_cast<int64_t>(count), options)) return true;
  add_error(problems, node.mark,
            count == 0 ? std::string(path) + " must not be empty"
                       : std::string(path) + " must have " + range_text(options, show_integer) + " " + units +
                             ", found " + std::to_string(count));
  return false;
}

// Plain text, or a plain scalar that came from a variable and happens to look like a number.
bool is_text(const ConfigNode& node) {
  const bool scalar = node.kind == Kind::kBool || node.kind == Kind::kInteger || node.kind == Kind::kDouble;
  return !node.unresolved && (node.kind == Kind::kString || (node.substituted && scalar));
}

// "10 USD", in billionths of a dollar. There is no other currency, but its name says what the number is.
Result<int64_t> parse_amount(std::string_view text) {
  constexpr std::string_view kCurrency = " USD";
  if (!text.ends_with(kCurrency)) return fail(ErrorCode::kInvalidInput, "an amount ends with USD");
  TRY_ASSIGN(const NanoUsd amount, parse_usd(text.substr(0, text.size() - kCurrency.size())));
  return amount.value;
}

std::string format_amount(int64_t nano) {
  return usd_text({nano}) + " USD";
}

// Durations, sizes and amounts, which base/units.h and the above read.
// A plain integer goes through the same reader: 0 is a duration, and any count of bytes is a size.
std::optional<int64_t> read_units(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                  const std::string& expected, Result<int64_t> (*parse)(std::string_view),
                                  std::string (*show)(int64_t), ConfigProblems& problems) {
  if (is_text(node) || (node.kind == Kind::kInteger && !node.unresolved)) {
    const Result<int64_t> value = parse(node.text);
    if (value && check_range(*value, node, path, options, show, problems)) return *value;
    if (value) return std::nullopt;
  }
  wrong(node, path, options, expected, problems);
  return std::nullopt;
}

}  // namespace

// yes, no, on and off were booleans in YAML 1.1, and are the likeliest thing to be found here.
std::optional<bool> read_bool(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                              ConfigProblems& problems) {
  if (node.kind == Kind::kBool) return node.boolean;
  const bool other_spelling = node.kind == Kind::kString && !node.quoted &&
                              (node.text == "yes" || node.text == "no" || node.text == "on" || node.text == "off");
  wrong(node, path, options, "true or false", problems,
        other_spelling ? " (YAML 1.2 has only true and false)" : "");
  return std::nullopt;
}

std::optional<int64_t> read_integer(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                    ConfigProblems& problems) {
  if (node.kind != Kind::kInteger) {
    wrong(node, path, options, "an integer", problems);
    return std::nullopt;
  }
  if (!check_range(node.integer, node, path, options, show_integer, problems)) return std::nullopt;
  return node.integer;
}

// 1e999 is a JSON number, and no double.
std::optional<double> read_double(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                  ConfigProblems& problems) {
  if ((node.kind != Kind::kInteger && node.kind != Kind::kDouble) || !std::isfinite(node.number)) {
    wrong(node, path, options, "a number", problems);
    return std::nullopt;
  }
  const bool low = options.minimum && node.number < static_cast<double>(*options.minimum);
  const bool high = options.maximum && node.number > static_cast<double>(*options.maximum);
  if (low || high) {
    wrong(node, path, options, range_text(options, show_integer), problems);
    return std::nullopt;
  }
  return node.number;
}

// A number where a string is wanted is refused, not converted: 010 and 1.10 would come out changed.
std::optional<std::string> read_string(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                       ConfigProblems& problems) {
  const std::vector<std::string>& choices = options.choices;
  if (!is_text(node)) {
    const bool scalar = node.kind == Kind::kBool || node.kind == Kind::kInteger || node.kind == Kind::kDouble;
    wrong(node, path, options, choices.empty() ? "a string" : alternatives(choices), problems,
          scalar && choices.empty() ? "; put it in quotes" : "");
    return std::nullopt;
  }
  if (!choices.empty() && std::find(choices.begin(), choices.end(), node.text) == choices.end()) {
    wrong(node, path, options, alternatives(choices), problems, suggestion(node.text, choices));
    return std::nullopt;
  }
  if (!check_count(node.text.size(), node, path, options, "characters", problems)) return std::nullopt;
  return node.text;
}

std::optional<Duration> read_duration(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                      ConfigProblems& problems) {
  const auto ms = read_units(node, path, options, "a duration such as 500ms, 10s, 5m, 1h or 7d", parse_duration_ms,
                             format_duration, problems);
  return ms ? std::optional(Duration{*ms}) : std::nullopt;
}

std::optional<ByteSize> read_size(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                  ConfigProblems& problems) {
  const auto bytes = read_units(node, path, options, "a size such as 64KiB, 10MiB or 1GB", parse_size_bytes,
                                format_size, problems);
  return bytes ? std::optional(ByteSize{*bytes}) : std::nullopt;
}

std::optional<NanoUsd> read_amount(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                   ConfigProblems& problems) {
  const auto nano = read_units(node, path, options, "an amount such as 10 USD or 0.005 USD", parse_amount, format_amount,
                               problems);
  return nano ? std::optional(NanoUsd{*nano}) : std::nullopt;
}

// As a string; ConfigType<Secret> has marked the options, so no message shows the value.
std::optional<Secret> read_secret(const ConfigNode& node, std::string_view path, const FieldOptions& options,
                                  ConfigProblems& problems) {
  auto text = read_string(node, path, options, problems);
  return text ? std::optional(Secret{*std::move(text)}) : std::nullopt;
}

// Nothing at all is a slip of the pen: an unset expression would silently mean "everything".
std::optional<Expression> read_expression(const ConfigNode& node, std::string_view path,
                                          const FieldOptions& options, ConfigProblems& problems) {
  if (node.kind != Kind::kNull) return Expression{node};
  wrong(node, path, options, "an expression", problems);
  return std::nullopt;
}

std::optional<ConfigNode> read_any(const ConfigNode& node, std::string_view, const FieldOptions&,
                                   ConfigProblems&) {
  return node;
}

// The items are read even if there are too many or too few of them.
void read_list(const ConfigNode& node, std::string_view path, const FieldOptions& options,
               ConfigProblems& problems, const EachItem& each) {
  if (node.kind != Kind::kList) {
    wrong(node, path, options, "a list", problems);
    return;
  }
  check_count(node.items.size(), node, path, options, "items", problems);
  for (size_t i = 0; i < node.items.size(); ++i) {
    each(node.items[i], {}, std::string(path) + "[" + std::to_string(i) + "]");
  }
}

void read_map(const ConfigNode& node, std::string_view path, const FieldOptions& options, ConfigProblems& problems,
              const EachItem& each) {
  if (node.kind != Kind::kMap) {
    wrong(node, path, options, "a map", problems);
    return;
  }
  check_count(node.members.size(), node, path, options, "keys", problems);
  for (const ConfigNode::Member& member : node.members) {
    each(member.value, member.key, join_path(path, member.key));
  }
}

std::string show_bool(bool value) {
  return value ? "true" : "false";
}

std::string show_double(double value) {
  return show_number(value);
}

std::string show_string(std::string_view value) {
  return value.empty() ? "" : yaml_string(value);
}

std::string show_duration(Duration value) {
  return format_duration(value.ms);
}

std::string show_amount(NanoUsd value) {
  return format_amount(value.value);
}

std::string show_size(ByteSize value) {
  return format_size(value.bytes);
}

FieldSpec collection_field(std::string name, FieldType type, FieldOptions options, const FieldSpec& item) {
  options.choices = item.options.choices;
  options.secret = options.secret || item.options.secret;
  FieldSpec spec{.name = std::move(name), .type = type, .item_type = item.type, .options = std::move(options)};
  spec.fields = item.fields;
  spec.shorthand = item.shorthand;
  return spec;
}

FieldOptions item_options(const FieldOptions& collection) {
  FieldOptions options;
  options.choices = collection.choices;
  options.secret = collection.secret;
  return options;
}

}  // namespace colloquium::config
