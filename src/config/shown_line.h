// A line of a configuration file as it may be quoted beside a problem: a secret that stands in it as it is ends up in
// the logs of whoever runs `validate`.
//
// Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace colloquium::config {

struct ShownLine {
  std::string text;
  uint32_t column;  // where the column that was asked for is now; both count characters, from 1
};

// Goes by names alone (password, token, api_key …, misspelt ones as far as can be), since what has a problem may fit
// no spec; and by the form user:password@ of a URL. References (${…}) stay. A value that begins on the line above is
// not known for one.
ShownLine hide_secrets(std::string_view line, uint32_t column);

}  // namespace colloquium::config
