// The canonical text of a value: two values that are equal have the same text.
//
// Compact; keys ascend by the UTF-8 bytes of the decoded key, of duplicates the last counts; strings escape only
// \" \\ \b \f \n \r \t and \u00xx for other controls; integers are digits where 64 bits hold them, every other
// number is the shortest text of its double (writer.h). It is the text form of strConcat, join and toJson, and
// what dedupe and partition keys are made of.
// Thread safety: pure functions. No recursion: depth costs no stack.
#pragma once

#include <string>

#include "json/view.h"

namespace colloquium::json {

// Appends to `out`.
void write_canonical(const ValueView& value, std::string& out);

// The same for one number. REQUIRES: kInteger or kDouble.
void write_canonical_number(const ValueView& value, std::string& out);

}  // namespace colloquium::json
