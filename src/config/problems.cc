#include "config/problems.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/names.h"

namespace colloquium::config {
namespace {

constexpr size_t kMaxShownBytes = 60;

// A message goes to a terminal: what came from a file must not move its cursor or change its colours.
void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else {
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

// Not in the middle of a UTF-8 sequence.
std::string_view cut(std::string_view text, size_t length) {
  if (text.size() <= length) return text;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return text.substr(0, length);
}

}  // namespace

void add_error(ConfigProblems& problems, const ConfigMark& mark, std::string message) {
  problems.push_back({mark, std::move(message), false});
}

void refuse(const ConfigNode& node, std::string_view key, std::string message, ConfigProblems& problems) {
  const ConfigNode* const member = node.kind == ConfigNode::Kind::kMap ? node.find(key) : nullptr;
  add_error(problems, member == nullptr ? node.mark : member->mark, std::move(message));
}

void add_warning(ConfigProblems& problems, const ConfigMark& mark, std::string message) {
  problems.push_back({mark, std::move(message), true});
}

bool has_errors(const ConfigProblems& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const ConfigProblem& p) { return !p.warning; });
}

// Stable, so that problems of one place stay in the order of their finding.
void sort_problems(ConfigProblems& problems) {
  std::vector<std::string> files;
  auto rank = [&files](const ConfigProblem& problem) {
    const std::string name = problem.mark.file ? *problem.mark.file : "";
    const auto it = std::find(files.begin(), files.end(), name);
    if (it == files.end()) files.push_back(name);
    return it - files.begin();
  };
  for (const ConfigProblem& problem : problems) rank(problem);
  std::stable_sort(problems.begin(), problems.end(), [&](const ConfigProblem& a, const ConfigProblem& b) {
    return std::tuple(rank(a), a.mark.line, a.mark.column) < std::tuple(rank(b), b.mark.line, b.mark.column);
  });
}

std::string describe(const ConfigProblems& problems) {
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
  return text;
}

std::string quoted(std::string_view text) {
  const std::string_view shown = cut(text, kMaxShownBytes);
  std::string out = "'";
  for (char c : shown) append_escaped(out, c);
  out += shown.size() < text.size() ? "…'" : "'";
  return out;
}

// Scalars are shown, so that a typing surprise (no, 010) can be seen; lists and maps are only named.
std::string found(const ConfigNode& node, bool secret) {
  using Kind = ConfigNode::Kind;
  const bool hidden = secret || node.secret;
  switch (node.kind) {
    case Kind::kString:
      return hidden ? "found a string" : "found the string " + quoted(node.text);
    case Kind::kInteger:
    case Kind::kDouble:
      return hidden ? "found a number" : "found the number " + (node.text.empty() ? node.to_json() : node.text);
    case Kind::kBool:
      return node.boolean ? "found true" : "found false";
    case Kind::kNull:
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return "found " + std::string(node.kind_name());
}

std::string suggestion(std::string_view name, std::span<const std::string> candidates) {
  const std::string closest = closest_name(name, candidates);
  return closest.empty() ? "" : "; did you mean '" + closest + "'?";
}

std::string alternatives(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string join_path(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

}  // namespace colloquium::config
