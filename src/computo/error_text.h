// Error texts for people: a script's error with the line it is in, a mark under the place, what the operator was
// given and what may help.
//
//   orders.computo:2:11: error[type]: at /+/1: expected number, got string "x"
//       total + $input/name
//               ^
//       arguments: 5, "x"
//       help: use toNumber to make a number of it
//
// On one line, for logs and dead letters, the same is ScriptError::describe. Thread safety: functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "computo/program.h"

namespace colloquium::computo {

// Gives a line of a file, from 1 and without its end; nothing if it is not known.
using SourceLine = std::function<std::optional<std::string>(std::string_view file, uint32_t line)>;

// Ends in a line break. `script` is what the script itself is called, `note` stands at the end of the first line.
// What `source` (which may be null) does not know is left out.
std::string error_text(const ScriptError& error, std::string_view script, const SourceLine& source,
                       std::string_view note = {});

// The line, and below it a '^' under the character `column`, from 1; of a long line the part around it. Both
// indented, ending in a line break. Empty if the column is far outside the line.
std::string source_excerpt(std::string_view line, uint32_t column);

}  // namespace colloquium::computo
