#include "config/scalar.h"

#include <charconv>
#include <limits>

namespace colloquium::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// How many digits `text` begins with.
size_t count_digits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  return n;
}

bool is_json_integer(std::string_view text) {
  return is_json_number(text) && text.find_first_of(".eE") == std::string_view::npos;
}

void set_number(ConfigNode& node) {
  const char* begin = node.text.data();
  const char* end = begin + node.text.size();
  if (is_json_integer(node.text)) {
    const auto [after, error] = std::from_chars(begin, end, node.integer);
    if (error == std::errc()) {
      node.kind = ConfigNode::Kind::kInteger;
      node.number = static_cast<double>(node.integer);
      return;
    }
  }
  node.kind = ConfigNode::Kind::kDouble;
  const auto [after, error] = std::from_chars(begin, end, node.number);
  // Out of range either way; who reads a double refuses what is not finite.
  if (error != std::errc()) node.number = std::numeric_limits<double>::infinity();
}

// Characters that mean nothing to YAML wherever they stand, the first place apart.
bool is_plain_safe(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || is_digit(c) ||
         (c != '\0' && std::string_view("_./-+=<>@$%^()").find(c) != std::string_view::npos);
}

// Conservative: what is not surely plain is quoted.
bool reads_back_plain(std::string_view text) {
  if (text.empty() || text == "null" || text == "true" || text == "false" || is_json_number(text)) return false;
  if (std::string_view("-=<>@%").find(text[0]) != std::string_view::npos) return false;
  if (text == "~" || text == "." || text.substr(0, 3) == "...") return false;
  for (char c : text) {
    if (!is_plain_safe(c)) return false;
  }
  return true;
}

}  // namespace

// number = [ "-" ] int [ frac ] [ exp ], int without leading zeros (RFC 8259, section 6).
bool is_json_number(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  const size_t whole = count_digits(text);
  if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
  text.remove_prefix(whole);
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    const size_t fraction = count_digits(text);
    if (fraction == 0) return false;
    text.remove_prefix(fraction);
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    const size_t exponent = count_digits(text);
    if (exponent == 0) return false;
    text.remove_prefix(exponent);
  }
  return text.empty();
}

// Exact spellings only: True, NULL and ~ are strings.
void set_plain(ConfigNode& node, std::string text) {
  node.text = std::move(text);
  if (node.text.empty() || node.text == "null") {
    node.kind = ConfigNode::Kind::kNull;
  } else if (node.text == "true" || node.text == "false") {
    node.kind = ConfigNode::Kind::kBool;
    node.boolean = node.text == "true";
  } else if (is_json_number(node.text)) {
    set_number(node);
  } else {
    node.kind = ConfigNode::Kind::kString;
  }
}

void set_string(ConfigNode& node, std::string text) {
  node.kind = ConfigNode::Kind::kString;
  node.text = std::move(text);
}

std::string show_number(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return error == std::errc() ? std::string(buffer, end) : "0";
}

std::string yaml_string(std::string_view text) {
  if (reads_back_plain(text)) return std::string(text);
  ConfigNode node;
  set_string(node, std::string(text));
  return node.to_json();  // a JSON string is a YAML double-quoted scalar
}

}  // namespace colloquium::config
