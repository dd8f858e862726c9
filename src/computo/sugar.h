// Sugar: Computo's second notation, read and translated to the JSON script it stands for (section 10 of the
// language). It adds no semantics.
//
// Text goes through sugar_lexer.h and sugar_parser.h to a tree, and from there to JSON text in which every
// expression's place in the sugar is known, so that errors found later are told where the author looks.
// Lists and objects of constants are literals; those with any other element are evaluated (`list`, `obj`).
//
// Thread safety: functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"
#include "computo/sugar_lexer.h"
#include "computo/sugar_tree.h"

namespace colloquium::computo {

// A script translated. The positions ascend by byte, and there is one for every expression.
struct SugarScript {
  std::string json;
  std::vector<TextPosition> positions;
};

// The places of bytes of a text, asked for in rising order, as CompileOptions says: if it has positions, each
// begins a line of the text or a part of one, and what follows on that line counts on from there; else the text
// begins at first_line and first_column.
class SugarPlaces {
 public:
  // Both must outlive this.
  SugarPlaces(std::string_view text, const CompileOptions& options);
  TextPosition at(uint32_t byte);

 private:
  std::string_view text_;
  const std::vector<TextPosition>& given_;
  size_t next_given_ = 0;
  TextPosition here_;
};

// Nothing on failure; `error` is filled then. Of the options array_key and the places are heeded.
std::optional<SugarScript> read_sugar(std::string_view text, const CompileOptions& options, ScriptError& error);

// The error as the author sees it.
ScriptError script_error(const SugarError& error, std::string_view text, const CompileOptions& options);

}  // namespace colloquium::computo
