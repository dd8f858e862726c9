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

class Differ {
 public:
  explicit Differ(const DifferenceWords& words)
      : first_(std::string(words.first) + " "), second_(std::string(", ") + words.second + " ") {}

  std::string differ(const json& a, const json& b, const std::string& path) const {
    // nlohmann compares 1 and 1.0 as equal, and integers of 64 bits exactly, which is what a case means.
    if (a == b) return {};
    if (a.is_object() && b.is_object()) return differ_objects(a, b, path);
    if (a.is_array() && b.is_array()) return differ_arrays(a, b, path);
    return told(path, shown(a), shown(b));
  }

 private:
  std::string told(const std::string& path, const std::string& a, const std::string& b) const {
    return (path.empty() ? "" : "at " + path + ": ") + first_ + a + second_ + b;
  }

  // What is missing is told before what is too much: the first is usually the cause of the second.
  std::string differ_objects(const json& a, const json& b, const std::string& path) const {
    for (const auto& [key, value] : a.items()) {
      const std::string place = path + "/" + escaped(key);
      if (!b.contains(key)) return told(place, shown(value), "nothing");
      if (std::string found = differ(value, b[key], place); !found.empty()) return found;
    }
    for (const auto& [key, value] : b.items()) {
      if (!a.contains(key)) return told(path + "/" + escaped(key), "nothing", shown(value));
    }
    return {};
  }

  std::string differ_arrays(const json& a, const json& b, const std::string& path) const {
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
      if (std::string found = differ(a[i], b[i], path + "/" + std::to_string(i)); !found.empty()) return found;
    }
    if (a.size() == b.size()) return {};
    return told(path, std::to_string(a.size()) + " elements", std::to_string(b.size()));
  }

  const std::string first_, second_;
};

}  // namespace

std::string json_difference(std::string_view expected, std::string_view actual, const DifferenceWords& words) {
  const json a = json::parse(expected, nullptr, false);
  const json b = json::parse(actual, nullptr, false);
  if (a.is_discarded() || b.is_discarded())
    return "not JSON: " + std::string(a.is_discarded() ? expected : actual);
  return Differ(words).differ(a, b, "");
}

}  // namespace colloquium::app
