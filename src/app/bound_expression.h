// Evaluating an expression where names have values: what `print` of the debugger and the lines of `computo repl`
// do.
//
// An expression is JSON or sugar. Functions among the names are bound by a `let` around it, so a name that such a
// function uses means what it means at this place, which need not be what it meant where the function was made.
// Errors know nothing of that `let`: their places are those of what was given, and what lies within a function
// that was made before has none.
//
// Thread safety: one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"
#include "json/view.h"

namespace colloquium::app {

// What messages call an expression that was typed.
inline constexpr const char* kTyped = "line";

// A name and its value: JSON, or a function as [[parameters], body].
struct BoundName {
  std::string name;
  std::string json;
  bool is_function = false;
};

struct BoundResult {
  std::string json;  // empty: see error
  bool is_function = false;
  std::string type;  // "number", …
  computo::ScriptError error;
};

// A line with spaces in place of all before `part`, which is a part of it: for evaluating that part with the
// places of the line.
std::string only_part(std::string_view line, std::string_view part);

BoundResult evaluate_bound(std::string_view expression, const std::vector<BoundName>& names,
                           std::span<const json::ValueView> inputs, const computo::CompileOptions& options);

}  // namespace colloquium::app
