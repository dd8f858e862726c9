// Operators that cut a string: split, lines, trim.

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "computo/library/strings.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

uint64_t count_pieces(std::string_view text, std::string_view separator, uint64_t most) {
  if (separator.empty()) return std::min(count_points(text), most);
  uint64_t pieces = 1;
  size_t at = 0;
  while (pieces < most && (at = text.find(separator, at)) != std::string_view::npos) {
    at += separator.size();
    ++pieces;
  }
  ASSERT(pieces >= 1);
  return pieces;
}

// The line at the beginning of the text, which is taken off together with its end.
std::string_view take_line(std::string_view& text) {
  ASSERT(!text.empty());
  const size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  size_t next = std::min(end + 1, text.size());
  if (end + 1 < text.size() && text[end] == '\r' && text[end + 1] == '\n') ++next;
  text.remove_prefix(next);
  return line;
}

}  // namespace

// Pieces are parts of the text; counting them first makes the array as large as it has to be.
bool split(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  std::string_view text;
  std::string_view separator;
  int64_t most = std::numeric_limits<int64_t>::max();
  if (!text_argument(machine, arguments, 0, text) || !text_argument(machine, arguments, 1, separator))
    return false;
  if (count > 2 && !count_argument(machine, arguments, 2, 1, most)) return false;
  const uint64_t pieces = count_pieces(text, separator, static_cast<uint64_t>(most));
  Value* const items = result_array(machine, pieces);
  if (items == nullptr) return false;
  for (uint64_t i = 0; i + 1 < pieces; ++i) {
    const size_t end = separator.empty() ? point_size(text) : text.find(separator);
    items[i] = string_value(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  if (pieces > 0) items[pieces - 1] = string_value(text);
  out = array_value(items, static_cast<uint32_t>(pieces));
  return true;
}

bool lines(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  uint64_t size = 0;
  for (std::string_view rest = text; !rest.empty(); ++size) take_line(rest);
  Value* const items = result_array(machine, size);
  if (items == nullptr) return false;
  for (uint64_t i = 0; i < size; ++i) items[i] = string_value(take_line(text));
  ASSERT(text.empty());
  out = array_value(items, static_cast<uint32_t>(size));
  return true;
}

bool trim(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  out = part_of_text(arguments[0], text, trim_ascii(text));
  return true;
}

}  // namespace colloquium::computo::ops
