// What colloquium/config_spec.h declares of nodes, marks and problems.
#include <algorithm>
#include <cmath>

#include "colloquium/config_spec.h"

#include "config/scalar.h"

namespace colloquium {
namespace {

// Escapes what JSON demands (RFC 8259, section 7) and DEL, which YAML refuses: the text serves as YAML too.
void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

// The number as it was written, so that no digit is lost on the way to a script.
void append_json_number(std::string& out, const ConfigNode& node) {
  if (config::is_json_number(node.text)) {
    out += node.text;
  } else if (node.kind == ConfigNode::Kind::kInteger) {
    out += std::to_string(node.integer);
  } else {
    out += std::isfinite(node.number) ? config::show_number(node.number) : "null";
  }
}

// Keys stay in the order written.
void append_json(std::string& out, const ConfigNode& node) {
  using Kind = ConfigNode::Kind;
  const char* separator = "";
  switch (node.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += node.boolean ? "true" : "false";
      return;
    case Kind::kInteger:
    case Kind::kDouble:
      append_json_number(out, node);
      return;
    case Kind::kString:
      append_json_string(out, node.text);
      return;
    case Kind::kList:
      out += '[';
      for (const ConfigNode& item : node.items) {
        out += std::exchange(separator, ",");
        append_json(out, item);
      }
      out += ']';
      return;
    case Kind::kMap:
      out += '{';
      for (const ConfigNode::Member& member : node.members) {
        out += std::exchange(separator, ",");
        append_json_string(out, member.key);
        out += ':';
        append_json(out, member.value);
      }
      out += '}';
      return;
  }
}

}  // namespace

std::string ConfigMark::describe() const {
  std::string text = file ? *file : "";
  if (line > 0) {
    if (!text.empty()) text += ':';
    text += std::to_string(line) + ":" + std::to_string(column);
  }
  return text;
}

std::string ConfigProblem::describe() const {
  const std::string where = mark.describe();
  return (where.empty() ? "" : where + ": ") + (warning ? "warning: " : "error: ") + message;
}

// Maps of a configuration are small, and their order matters for messages: no index.
const ConfigNode* ConfigNode::find(std::string_view key) const {
  const auto it =
      std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.key == key; });
  return it == members.end() ? nullptr : &it->value;
}

std::string ConfigNode::to_json() const {
  std::string out;
  append_json(out, *this);
  return out;
}

std::string_view ConfigNode::kind_name() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInteger:
      return "an integer";
    case Kind::kDouble:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

}  // namespace colloquium
