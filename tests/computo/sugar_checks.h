// What must hold of any text that is given as sugar or as a JSON script.
//
// Tests only. Thread safety: functions.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::computo::testing {

// Reads, lays out, translates and writes the text. Empty if all went as it should, else what did not. A text that
// is no script must be refused with a place in it.
std::string check_sugar(std::string_view text);

// The same for a text that may be a JSON script.
std::string check_json_script(std::string_view text);

}  // namespace colloquium::computo::testing
