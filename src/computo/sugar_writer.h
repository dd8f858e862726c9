// Writing a JSON script as sugar, in the canonical layout of section 10.5 of the language.
//
// Reading the text again gives the script in normal form: bindings of `let` as pairs, in key order if they were
// an object; constant lists as array wrappers. A script that has no sugar form is refused with the expression
// that has none.
//
// Thread safety: functions. The recursion is as deep as the script's text, which the walk has bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/view.h"

namespace colloquium::computo {

// Why a script cannot be written, and the token of the expression to blame.
struct Unrepresentable {
  uint32_t token = 0;
  std::string problem;
};

// Appends to `out`. False: `error` says why, and what was appended means nothing. REQUIRES: `script` is the first
// token of its tape.
bool write_sugar(const json::ValueView& script, std::string_view array_key, std::string& out,
                 Unrepresentable& error);

}  // namespace colloquium::computo
