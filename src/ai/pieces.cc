#include "ai/pieces.h"

#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr CharacterKinds kLetters = kUpper | kLower | kCaseless;
// The two halves of a word of o200k: [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and [\p{Ll}\p{Lm}\p{Lo}\p{M}].
constexpr CharacterKinds kHead = kUpper | kCaseless | kMark;
constexpr CharacterKinds kTail = kLower | kCaseless | kMark;
constexpr CharacterKinds kSymbols = kOther | kMark;  // [^\s\p{L}\p{N}]
constexpr CharacterKinds kWhite = kSpace | kBreak;   // \s
// What may stand before the letters of a word and belong to it: [^\r\n\p{L}\p{N}].
constexpr CharacterKinds kPrefix = kSpace | kOther | kMark;

constexpr size_t kDigitsPerPiece = 3;
constexpr std::string_view kLongS = "\xc5\xbf";  // U+017F, which ignoring case is an s

// An ASCII letter in lower case; what is none becomes something that is none.
char lowered(char c) {
  return static_cast<char>(c | 0x20);
}

}  // namespace

inline PieceScanner::Character PieceScanner::at(size_t place) const {
  if (place >= text_.size()) return {0, 0};
  const auto byte = static_cast<uint8_t>(text_[place]);
  return byte < 0x80 ? Character{table_[byte], 1} : at_wide(place);
}

// The text is valid, so the first byte says how many there are.
PieceScanner::Character PieceScanner::at_wide(size_t place) const {
  const auto byte = [this, place](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text_[place + i]));
  };
  const auto low = [&byte](size_t i) { return byte(i) & 0x3f; };
  if (byte(0) < 0xe0) return {table_[(byte(0) & 0x1f) << 6 | low(1)], 2};
  if (byte(0) < 0xf0) return {table_[(byte(0) & 0x0f) << 12 | low(1) << 6 | low(2)], 3};
  return {table_[(byte(0) & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3)], 4};
}

inline size_t PieceScanner::end_of_run(size_t place, CharacterKinds kinds) const {
  for (Character here = at(place); (here.kind & kinds) != 0; here = at(place)) place += here.bytes;
  return place;
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)
size_t PieceScanner::end_of_contraction(size_t place) const {
  if (!is_byte(place, '\'') || place + 1 == text_.size()) return place;
  const size_t letter = place + 1;
  switch (lowered(text_[letter])) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return letter + 1;
    case 'r':
    case 'v':
      return letter + 1 < text_.size() && lowered(text_[letter + 1]) == 'e' ? letter + 2 : place;
    case 'l':
      return letter + 1 < text_.size() && lowered(text_[letter + 1]) == 'l' ? letter + 2 : place;
    default:
      return text_.substr(letter).starts_with(kLongS) ? letter + kLongS.size() : place;
  }
}

// [^\r\n\p{L}\p{N}]?\p{L}+
size_t PieceScanner::end_of_cl100k_word(size_t place) const {
  const Character first = at(place);
  const size_t letters = (first.kind & kPrefix) != 0 ? place + first.bytes : place;
  const size_t end = end_of_run(letters, kLetters);
  return end > letters ? end : place;
}

// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|…)?, or else
// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|…)?
//
// Characters of both halves go to the first as long as there is something else for the second, which needs one:
// the first steps back to the last of them if no lower case follows. Only if there is none either is it all upper
// case. A mark may be the prefix and is of both halves, so by itself it is a word.
size_t PieceScanner::end_of_o200k_word(size_t place) const {
  const Character first = at(place);
  const bool prefixed = (first.kind & kPrefix) != 0;
  size_t end = prefixed ? place + first.bytes : place;
  const size_t head = end;
  size_t both_end = first.kind == kMark ? end : place;
  for (Character here = at(end); (here.kind & kHead) != 0; here = at(end)) {
    end += here.bytes;
    if (here.kind != kUpper) both_end = end;
  }
  if (at(end).kind == kLower) {
    end = end_of_run(end, kTail);
  } else if (both_end > place) {
    end = both_end;
  } else if (end == head) {
    return place;
  }
  return end_of_contraction(end);
}

// \p{N}{1,3}
size_t PieceScanner::end_of_number(size_t place) const {
  for (size_t i = 0; i < kDigitsPerPiece; ++i) {
    const Character here = at(place);
    if (here.kind != kNumber) break;
    place += here.bytes;
  }
  return place;
}

//  ?[^\s\p{L}\p{N}]+[\r\n]*, for o200k with a / among what may follow.
size_t PieceScanner::end_of_symbols(size_t place) const {
  const size_t symbols = is_byte(place, ' ') ? place + 1 : place;
  size_t end = end_of_run(symbols, kSymbols);
  if (end == symbols) return place;
  while (at(end).kind == kBreak || (pattern_ == Pattern::kO200k && is_byte(end, '/'))) ++end;
  return end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+: up to the last line break; or, without one, all of it at the end of the text; or all
// but the last character, which the piece behind it may begin with; or the only one.
size_t PieceScanner::end_of_space(size_t place) const {
  size_t end = place, last = place, break_end = place;
  for (Character here = at(end); (here.kind & kWhite) != 0; here = at(end)) {
    last = end;
    end += here.bytes;
    if (here.kind == kBreak) break_end = end;
  }
  if (break_end > place) return break_end;
  return end == text_.size() || last == place ? end : last;
}

bool PieceScanner::next(std::string_view& piece) {
  if (place_ == text_.size()) return false;
  const size_t begin = place_;
  size_t end = begin;
  if (pattern_ == Pattern::kO200k) {
    end = end_of_o200k_word(begin);
  } else {
    end = end_of_contraction(begin);
    if (end == begin) end = end_of_cl100k_word(begin);
  }
  if (end == begin) end = end_of_number(begin);
  if (end == begin) end = end_of_symbols(begin);
  if (end == begin) end = end_of_space(begin);
  ASSERT_WHY(end > begin, "every character is of a kind that some alternative takes");
  piece = text_.substr(begin, end - begin);
  place_ = end;
  return true;
}

}  // namespace colloquium::ai
