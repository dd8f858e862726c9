// Laying scripts out for readers: what `colloquium computo fmt` writes.
//
// Formatting a formatted text changes nothing, and a script keeps its meaning to the token: numbers and strings
// stay as they are written, parentheses and comments stay. (The canonical text of sugar_writer.h is another
// matter: it has one layout for a script, whatever it was written like, and no comments.)
//
// Sugar. What fits on a line of 100 columns stands on one, with these exceptions: bindings of `let` stand on lines
// of their own (unless there is one, within brackets or a function, and all of it fits), and a comment ends its
// line. What does not fit is broken from the outside in, indented by two:
//
//   let                         if a > 1 then      f(                a          map(xs, (x) =>
//     x = 1                       b                  1,                + b        x / 2 + …
//     f = (y) => y + x          else if c then       [1, 2]            + c      )
//   in                            d                )
//     f(x)                      else
//                                 e
//
// A last operand that is a function, list or object may begin on the line of its call, as in the last example.
// Empty lines between bindings, elements and operands stay, one at a time. A comment that ends a line stays at
// the end of one; a comment on a line of its own stands above what follows it.
//
// JSON. A value that fits stands on one line; else its elements stand on lines of their own, an operator's name
// on the line of the opening bracket. Keys stay in their order.
//
// Thread safety: functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "computo/program.h"

namespace colloquium::computo {

inline constexpr size_t kFormatColumns = 100;

// Nothing if the text is no script: `error` says where and why. Of the options the places are heeded.
std::optional<std::string> format_sugar(std::string_view text, const CompileOptions& options, ScriptError& error);
std::optional<std::string> format_json(std::string_view text, const CompileOptions& options, ScriptError& error);

// In the notation that compile_source would find, by options.origin and the text.
std::optional<std::string> format_source(std::string_view text, const CompileOptions& options, ScriptError& error);

}  // namespace colloquium::computo
