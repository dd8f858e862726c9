#include "computo/notation.h"

#include <vector>

#include "colloquium/batch.h"

#include "base/assert.h"
#include "computo/sugar_tree.h"
#include "computo/text.h"
#include "json/walk.h"

namespace colloquium::computo {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kSpaces = " \t\r\n";

bool begins_like_json(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  return first != std::string_view::npos && std::string_view("[{\"").find(text[first]) != std::string_view::npos;
}

// Of a text without a name or a mark. What only nests too deep for JSON is JSON.
Notation found_notation(std::string_view text) {
  // Longer is no script; its reader says so, before any place in it is counted in 32 bits.
  if (text.size() >= UINT32_MAX / 8) return Notation::kJson;
  std::string padded;
  padded.reserve(text.size() + kBatchPadding);
  padded.append(text).append(kBatchPadding, '\0');
  std::vector<TapeToken> tape;
  json::WalkError no_json;
  const std::string_view json(padded.data(), text.size());
  if (json::Walker().walk(json, tape, no_json) || nests_too_deep(json, no_json.byte)) return Notation::kJson;
  ASSERT(no_json.byte <= text.size());
  SugarError no_sugar;
  if (parse_sugar(text, no_sugar) || no_sugar.byte > no_json.byte) return Notation::kSugar;
  return no_json.byte > no_sugar.byte || begins_like_json(text) ? Notation::kJson : Notation::kSugar;
}

}  // namespace

std::optional<Notation> notation_by_name(std::string_view path) {
  if (path.ends_with(".computo")) return Notation::kSugar;
  if (path.ends_with(".json")) return Notation::kJson;
  return std::nullopt;
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

std::optional<std::string> marked_sugar(std::string_view text) {
  const size_t mark = text.find_first_not_of(kSpaces);
  if (mark == std::string_view::npos || text[mark] != '=') return std::nullopt;
  std::string unmarked(text);
  unmarked[mark] = ' ';
  return unmarked;
}

ScriptText script_text(std::string_view path, std::string_view text) {
  text = without_byte_order_mark(text);
  const auto named = notation_by_name(path);
  if (named) return {*named, false, std::string(text)};
  if (auto unmarked = marked_sugar(text)) return {Notation::kSugar, true, std::move(*unmarked)};
  return {found_notation(text), false, std::string(text)};
}

}  // namespace colloquium::computo
