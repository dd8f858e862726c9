#include "app/json_difference.h"

#include <nlohmann/json.hpp>

namespace colloquium::app {
namespace {

using nlohmann::json;

// A difference deep in a large event should fit a terminal line or two.
constexpr size_t kShownLength = 120;

// Bytes that are no UTF-8 cannot come from our writer, but a message must not throw over them.
std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kShownLength) text = text.substr(0, kShownLength) + "…";
  return text;
}

// As in a JSON Pointer (RFC 6901), so that the place can be pasted into a script.
std::string escaped(const std::string& key) {
  std::string out;
  for (char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string differ(const json& expected, const json& actual, const std::string& path);

// What is missing is told before what is too much: the first is usually the cause of the second.
std::string differ_objects(const json& expected, const json& actual, const std::string& path) {
  for (const auto& [key, value] : expected.items()) {
    const std::string place = path + "/" + escaped(key);
    if (!actual.contains(key)) return "at " + place + ": expected " + shown(value) + ", got nothing";
    if (std::string found = differ(value, actual[key], place); !found.empty()) return found;
  }
  for (const auto& [key, value] : actual.items()) {
    if (!expected.contains(key))
      return "at " + path + "/" + escaped(key) + ": expected nothing, got " + shown(value);
  }
  return {};
}

std::string differ_arrays(const json& expected, const json& actual, const std::string& path) {
  for (size_t i = 0; i < expected.size() && i < actual.size(); ++i) {
    if (std::string found = differ(expected[i], actual[i], path + "/" + std::to_string(i)); !found.empty()) {
      return found;
    }
  }
  if (expected.size() == actual.size()) return {};
  return (path.empty() ? "" : "at " + path + ": ") + "expected " + std::to_string(expected.size()) +
         " elements, got " + std::to_string(actual.size());
}

std::string differ(const json& expected, const json& actual, const std::string& path) {
  // nlohmann compares 1 and 1.0 as equal, and integers of 64 bits exactly, which is what a case means.
  if (expected == actual) return {};
  if (expected.is_object() && actual.is_object()) return differ_objects(expected, actual, path);
  if (expected.is_array() && actual.is_array()) return differ_arrays(expected, actual, path);
  return (path.empty() ? "" : "at " + path + ": ") + "expected " + shown(expected) + ", got " + shown(actual);
}

}  // namespace

std::string json_difference(std::string_view expected, std::string_view actual) {
  const json a = json::parse(expected, nullptr, false);
  const json b = json::parse(actual, nullptr, false);
  if (a.is_discarded() || b.is_discarded())
    return "not JSON: " + std::string(a.is_discarded() ? expected : actual);
  return differ(a, b, "");
}

}  // namespace colloquium::app
