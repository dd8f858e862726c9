#include "app/json_report.h"

namespace colloquium::app {

JsonReport::JsonReport() : writer_(bytes_, nullptr) {
  writer_.begin_object();
}

void JsonReport::put(std::string_view name, std::string_view text) {
  writer_.key(name);
  writer_.string(text);
}

void JsonReport::put(std::string_view name, bool value) {
  writer_.key(name);
  writer_.boolean(value);
}

void JsonReport::put(std::string_view name, double number) {
  writer_.key(name);
  writer_.number(number);
}

void JsonReport::begin_array(std::string_view name) {
  writer_.key(name);
  writer_.begin_array();
}

void JsonReport::begin_object(std::string_view name) {
  writer_.key(name);
  writer_.begin_object();
}

std::string JsonReport::text() {
  writer_.end_object();
  std::string text(bytes_.begin(), bytes_.end());
  text += '\n';
  return text;
}

}  // namespace colloquium::app
