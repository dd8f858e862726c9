// read_object: a map of a configuration into a struct, by its spec (colloquium/config_spec.h).
#include <algorithm>

#include "colloquium/config_spec.h"

#include "base/assert.h"
#include "config/problems.h"

namespace colloquium {
namespace {

using config::add_error;
using config::add_warning;
using config::join_path;
using config::quoted;

std::string in(std::string_view what) {
  return what.empty() ? "" : " in " + std::string(what);
}

bool has_alias(const FieldSpec& field, std::string_view name) {
  const auto& aliases = field.options.aliases;
  return std::find(aliases.begin(), aliases.end(), name) != aliases.end();
}

// Specs have a dozen fields: looking through them is cheaper than an index.
const FieldSpec* find_field(const ObjectSpec& spec, std::string_view key) {
  for (const FieldSpec& field : spec.fields) {
    if (field.name == key || has_alias(field, key)) return &field;
  }
  return nullptr;
}

// "; did you mean 'x'?", or what there is where that is few enough to read.
std::string known_keys(const ObjectSpec& spec, std::string_view key) {
  constexpr size_t kMaxListed = 12;
  if (key == "<<") return "; merge keys are not part of YAML 1.2, write the keys out";
  std::vector<std::string> names;
  for (const FieldSpec& field : spec.fields) {
    if (field.options.deprecated.empty()) names.push_back(field.name);
  }
  std::string text = config::suggestion(key, names);
  if (text.empty() && names.empty()) text = "; it has no keys";
  if (text.empty() && names.size() <= kMaxListed) text = "; known: " + config::alternatives(names);
  return text;
}

// One warning for a key, the more useful: what replaces it, else how it is spelled now.
void warn_about(const FieldSpec& field, const ConfigNode::Member& member, std::string_view what,
                ConfigProblems& problems) {
  if (!field.options.deprecated.empty()) {
    add_warning(problems, member.mark,
                "key " + quoted(member.key) + in(what) + " is deprecated; use " + field.options.deprecated);
  } else if (member.key != field.name) {
    add_warning(problems, member.mark,
                "key " + quoted(member.key) + in(what) + " is another spelling of '" + field.name + "'; use that");
  }
}

// The map's own place is shown: there is no better one for what is not there.
void check_missing(const ConfigNode& node, const ObjectSpec& spec, const std::vector<const FieldSpec*>& given,
                   std::string_view what, ConfigProblems& problems) {
  for (const FieldSpec& field : spec.fields) {
    const bool missing = std::find(given.begin(), given.end(), &field) == given.end();
    if (field.options.required && missing) {
      add_error(problems, node.mark, "missing key '" + field.name + "'" + in(what));
    }
  }
}

void read_members(const ConfigNode& node, const ObjectSpec& spec, std::string_view what, void* target,
                  ConfigProblems& problems) {
  std::vector<const FieldSpec*> given;
  for (const ConfigNode::Member& member : node.members) {
    const FieldSpec* field = find_field(spec, member.key);
    if (field == nullptr) {
      add_error(problems, member.mark,
                "unknown key " + quoted(member.key) + in(what) + known_keys(spec, member.key));
    } else if (std::find(given.begin(), given.end(), field) != given.end()) {
      add_error(problems, member.mark,
                "key " + quoted(member.key) + in(what) + " says again what '" + field->name + "' says");
    } else {
      given.push_back(field);
      warn_about(*field, member, what, problems);
      field->read(member.value, join_path(what, field->name), target, problems);
    }
  }
  check_missing(node, spec, given, what, problems);
}

// "filter: EXPR": the value of one field stands where the map would.
void read_shorthand(const ConfigNode& node, const ObjectSpec& spec, std::string_view what, void* target,
                    ConfigProblems& problems) {
  const FieldSpec* field = find_field(spec, spec.shorthand);
  ASSERT_WHY(field != nullptr, "the shorthand of a spec names one of its fields");
  field->read(node, what, target, problems);
  check_missing(node, spec, {field}, what, problems);
}

}  // namespace

void read_object(const ConfigNode& node, const ObjectSpec& spec, std::string_view what, void* target,
                 ConfigProblems& problems) {
  using Kind = ConfigNode::Kind;
  if (node.unresolved) return;
  if (node.kind == Kind::kMap || node.kind == Kind::kNull) {
    read_members(node, spec, what, target, problems);
  } else if (!spec.shorthand.empty()) {
    read_shorthand(node, spec, what, target, problems);
  } else {
    add_error(
        problems, node.mark,
        (what.empty() ? std::string("the file") : std::string(what)) + " must be a map, " + config::found(node));
  }
}

}  // namespace colloquium
