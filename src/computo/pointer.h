// JSON Pointers, split once at compile time (section 6 of the language).
//
// Thread safety: functions over immutable data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::computo {

inline constexpr uint64_t kNoIndex = UINT64_MAX;

// One reference token.
struct Step {
  std::string key;            // unescaped
  uint64_t index = kNoIndex;  // its value if it reads as an array index
};

using Steps = std::vector<Step>;

// The value of a token that reads as an array index ("0", or digits without a leading zero), else kNoIndex.
uint64_t read_index(std::string_view token);

// Splits `text`. False if it is neither empty nor begins with '/', or has a '~' that is no escape.
bool split_pointer(std::string_view text, Steps& out);

// What is wrong with a text that split_pointer refuses. `shown`: the text as messages show it; `form`: what a
// pointer may look like here.
std::string pointer_problem(std::string_view text, std::string_view shown,
                            std::string_view form = ", empty or beginning with '/'");

// The inverse for one token: '~' and '/' escaped. For messages.
void append_token(std::string_view token, std::string& out);

}  // namespace colloquium::computo
