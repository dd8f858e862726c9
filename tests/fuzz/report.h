// What a fuzz target says when something does not hold. Thread safety: functions.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace colloquium::fuzz {

// Ends the process unless `wrong` is empty; libFuzzer keeps the input then.
inline void require(const std::string& wrong, std::string_view about) {
  if (wrong.empty()) return;
  std::fprintf(stderr, "%s\n  of: %.*s\n", wrong.c_str(), static_cast<int>(about.size()), about.data());
  std::abort();
}

}  // namespace colloquium::fuzz
