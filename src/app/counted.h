// counted: "1 event", "2 events", "3 batches": a number and what it counts, for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace colloquium::app {

inline std::string counted(uint64_t number, std::string_view what) {
  std::string text = std::to_string(number) + " " + std::string(what);
  if (number != 1) text += what.ends_with("ch") ? "es" : "s";
  return text;
}

}  // namespace colloquium::app
