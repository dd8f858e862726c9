#include "formats/line.h"

#include <cstring>

#include "formats/line_writer.h"

namespace colloquium::formats {
namespace {

bool has_byte(std::string_view text, char c) {
  return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
}

}  // namespace

void append_line(std::string& out, std::string_view value) {
  // A string holds no raw line break, so whichever is found stands between tokens.
  if (has_byte(value, '\n') || has_byte(value, '\r')) {
    append_compact(value, out);
  } else {
    out += value;
  }
  out += '\n';
}

}  // namespace colloquium::formats
