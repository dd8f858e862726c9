// One value as a line: its bytes may hold line breaks between tokens, a line may not. (Whole batches:
// line_writer.h.)
//
// Thread safety: pure function.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::formats {

// Appends `value` and a line feed. The bytes stay as they are unless there is a line break among them; then all
// white space between tokens goes (never what stands inside strings). REQUIRES: a JSON value that was walked.
void append_line(std::string& out, std::string_view value);

}  // namespace colloquium::formats
