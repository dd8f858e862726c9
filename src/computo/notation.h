// Which of the two notations a script's text is in (section 10.6 of the language): the one place that decides it.
//
// By the ending of its file's name; else '=' in front of everything marks sugar, what is JSON is JSON, and
// anything else is sugar. A text that is neither counts as the one in which more of it can be read, so that the
// error told is about what its author meant.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace colloquium::computo {

enum class Notation : uint8_t { kJson, kSugar };

// A text as its notation's reader wants it: without a byte-order mark, and with a space in the place of the mark
// of sugar, so that all places stay.
struct ScriptText {
  Notation notation = Notation::kJson;
  bool marked = false;  // as sugar, by '='
  std::string text;
};

ScriptText script_text(std::string_view path, std::string_view text);

// What a file's name says: nothing unless it ends in `.json` or `.computo`.
std::optional<Notation> notation_by_name(std::string_view path);

// Where sugar may stand beside JSON, '=' in front of everything marks it. The text with a space in the mark's
// place, so that all places stay; nothing if there is no mark.
std::optional<std::string> marked_sugar(std::string_view text);

// Text without the byte-order mark that some programs put at a file's beginning. RFC 8259 lets parsers ignore it.
std::string_view without_byte_order_mark(std::string_view text);

}  // namespace colloquium::computo
