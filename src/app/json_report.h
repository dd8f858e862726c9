// JsonReport: one JSON document for programs, member by member, as verbs with `--format json` print it.
//
// Thread safety: one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.h"

namespace colloquium::app {

class JsonReport {
 public:
  // Begins with an object; text() ends it.
  JsonReport();

  void put(std::string_view name, std::string_view text);
  void put(std::string_view name, const char* text) { put(name, std::string_view(text)); }
  void put(std::string_view name, bool value);
  void put(std::string_view name, double number);
  template <std::integral T>
  void put(std::string_view name, T number) {
    writer_.key(name);
    if constexpr (std::signed_integral<T>) writer_.integer(number);
    if constexpr (std::unsigned_integral<T>) writer_.unsigned_integer(number);
  }
  // Null for what is not known.
  template <class T>
  void put(std::string_view name, const std::optional<T>& value) {
    if (value) return put(name, *value);
    writer_.key(name);
    writer_.null();
  }

  // A member that is an array or an object; elements of arrays have no name.
  void begin_array(std::string_view name);
  void end_array() { writer_.end_array(); }
  void begin_object(std::string_view name);
  void begin_object() { writer_.begin_object(); }
  void end_object() { writer_.end_object(); }
  void add(std::string_view text) { writer_.string(text); }

  // The document and a line break. Nothing can be put behind it.
  std::string text();

 private:
  std::vector<char> bytes_;
  json::Writer writer_;
};

}  // namespace colloquium::app
