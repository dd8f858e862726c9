#include "formats/cut.h"

#include <cstring>

#include "base/assert.h"
#include "json/rebase.h"
#include "json/view.h"

namespace colloquium::formats {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Piece trimmed(std::string_view body, size_t begin, size_t end) {
  while (begin < end && is_space(body[begin])) ++begin;
  while (begin < end && is_space(body[end - 1])) --end;
  return {begin, end - begin};
}

void cut_lines(std::string_view body, std::vector<Piece>& pieces) {
  for (size_t begin = 0; begin < body.size();) {
    const void* feed = std::memchr(body.data() + begin, '\n', body.size() - begin);
    const size_t end =
        feed != nullptr ? static_cast<size_t>(static_cast<const char*>(feed) - body.data()) : body.size();
    const Piece piece = trimmed(body, begin, end);
    if (piece.length != 0) pieces.push_back(piece);
    begin = end + 1;
  }
}

}  // namespace

void cut(std::string_view body, BodyFormat format, std::vector<Piece>& pieces) {
  ASSERT_WHY(format != BodyFormat::kJsonArray, "an array is cut with its tape, by cut_array");
  if (format == BodyFormat::kNdjson) return cut_lines(body, pieces);
  pieces.push_back(trimmed(body, 0, body.size()));
}

bool cut_array(std::string_view body, json::Walker& walker, std::vector<TapeToken>& tape,
               std::vector<ArrayElement>& elements, json::WalkError& error) {
  tape.clear();
  if (!walker.walk(body, tape, error)) return false;
  const json::ValueView array(body.data(), tape.data(), 0);
  if (array.type() != TokenType::kArray) {
    error = {array.token().offset, "expected an array"};
    return false;
  }
  elements.reserve(elements.size() + array.count());
  for (json::ValueView element = array.first_child(); !element.at_end_of(array); element = element.next()) {
    const TapeToken& token = element.token();
    elements.push_back({{token.offset, token.length}, element.index(), token.next - element.index()});
  }
  return true;
}

void append_element_tape(const ArrayElement& element, std::span<const TapeToken> tape,
                         std::vector<TapeToken>& out) {
  json::append_rebased(tape.subspan(element.token_begin, element.token_count), element.token_begin, 0, 0, out);
}

}  // namespace colloquium::formats
