// EventTemplate: a value from YAML whose strings may hold {{placeholders}}, compiled to what makes events of it.
//
// A string that is one placeholder and nothing else becomes what that gives: {{n}} a number, {{bool}} a boolean.
// In the middle of text everything is text. Keys are taken as they stand.
//
// Thread safety: immutable once made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"

#include "components/generate/placeholder.h"

namespace colloquium::components {

class EventTemplate {
 public:
  // What is wrong is added to `problems`, each with its place.
  static EventTemplate compile(const ConfigNode& node, ConfigProblems& problems);

  // Appends event `event.number` as one line of JSON.
  void append(uint64_t seed, const EventMoment& event, std::string& out) const;

 private:
  struct Part {
    std::string before;  // as it stands
    Placeholder placeholder;
  };

  void add_value(const ConfigNode& node, ConfigProblems& problems);
  void add_string(const ConfigNode& node, ConfigProblems& problems);
  void add_placeholder(const ConfigNode& node, std::string_view text, bool quotes, ConfigProblems& problems);

  std::vector<Part> parts_;
  std::string rest_;  // behind the last placeholder
};

// What is generated where no template is given.
extern const char* const kSampleTemplate;

}  // namespace colloquium::components
