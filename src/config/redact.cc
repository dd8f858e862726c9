#include "config/redact.h"

#include <algorithm>

#include "config/scalar.h"

namespace colloquium::config {
namespace {

using Kind = ConfigNode::Kind;

// Replaces every scalar of a secret value, and keeps its shape.
void mask_all(ConfigNode& node) {
  for (ConfigNode& item : node.items) mask_all(item);
  for (ConfigNode::Member& member : node.members) mask_all(member.value);
  if (node.kind != Kind::kList && node.kind != Kind::kMap && node.kind != Kind::kNull) set_string(node, kMasked);
}

// By where the value came from: holds wherever a secret was put, also in fields that are not declared so.
void mask_marked(ConfigNode& node) {
  if (node.secret) set_string(node, kMasked);
  for (ConfigNode& item : node.items) mask_marked(item);
  for (ConfigNode::Member& member : node.members) mask_marked(member.value);
}

void mask_fields(ConfigNode& node, const std::vector<FieldSpec>& fields, const std::string& shorthand);

// By what the spec says. A node of another shape than declared is walked as far as it fits.
void mask_field(ConfigNode& node, const FieldSpec& field) {
  if (field.options.secret) {
    mask_all(node);
  } else if (field.type == FieldType::kObject) {
    mask_fields(node, field.fields, field.shorthand);
  } else if (field.item_type == FieldType::kObject) {
    for (ConfigNode& item : node.items) mask_fields(item, field.fields, field.shorthand);
    for (ConfigNode::Member& member : node.members) mask_fields(member.value, field.fields, field.shorthand);
  }
}

bool is_called(const FieldSpec& field, const std::string& key) {
  const auto& aliases = field.options.aliases;
  return field.name == key || std::find(aliases.begin(), aliases.end(), key) != aliases.end();
}

void mask_fields(ConfigNode& node, const std::vector<FieldSpec>& fields, const std::string& shorthand) {
  for (const FieldSpec& field : fields) {
    if (node.kind != Kind::kMap && field.name == shorthand) mask_field(node, field);
    for (ConfigNode::Member& member : node.members) {
      if (is_called(field, member.key)) mask_field(member.value, field);
    }
  }
}

// A number is written with the digits it came with; to_json keeps them.
std::string scalar_text(const ConfigNode& node) {
  return node.kind == Kind::kString ? yaml_string(node.text) : node.to_json();
}

bool is_nested(const ConfigNode& node) {
  return !node.items.empty() || !node.members.empty();
}

void write_block(std::string& out, const ConfigNode& node, const std::string& indent);

// What follows "key:" or "-". In a list a nested value begins on the line of its dash.
void write_value(std::string& out, const ConfigNode& node, const std::string& indent, bool in_list) {
  if (!is_nested(node)) {
    const char* empty = node.kind == Kind::kList ? "[]" : "{}";
    const bool scalar = node.kind != Kind::kList && node.kind != Kind::kMap;
    out += " " + (scalar ? scalar_text(node) : empty) + "\n";
  } else if (in_list) {
    std::string block;
    write_block(block, node, indent + "  ");
    out += " " + block.substr(indent.size() + 2);
  } else {
    out += "\n";
    write_block(out, node, indent + "  ");
  }
}

// REQUIRES: a list or map that is not empty. Recursion is as deep as the tree, which load_yaml bounds.
void write_block(std::string& out, const ConfigNode& node, const std::string& indent) {
  for (const ConfigNode& item : node.items) {
    out += indent + "-";
    write_value(out, item, indent, true);
  }
  for (const ConfigNode::Member& member : node.members) {
    out += indent + yaml_string(member.key) + ":";
    write_value(out, member.value, indent, false);
  }
}

}  // namespace

ConfigNode mask_secrets(const ConfigNode& node) {
  ConfigNode copy = node;
  mask_marked(copy);
  return copy;
}

ConfigNode mask_secrets(const ConfigNode& node, const ObjectSpec& spec) {
  ConfigNode copy = mask_secrets(node);
  mask_fields(copy, spec.fields, spec.shorthand);
  return copy;
}

std::string to_yaml(const ConfigNode& node) {
  std::string out;
  if (is_nested(node)) {
    write_block(out, node, "");
  } else {
    write_value(out, node, "", false);
    out.erase(0, 1);
  }
  return out;
}

}  // namespace colloquium::config
