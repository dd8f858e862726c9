// PieceScanner: cuts a text into the pieces that byte pairs are merged within, as the regular expressions of
// o200k_base and cl100k_base do (tiktoken, MIT; `pat_str` of its encodings), without a library for those.
//
// Each alternative of the expressions is a function here, and where an expression would step back, the function
// remembers on its way where it would have to step back to: a character is looked at twice at most, however long
// the text. Every byte belongs to one piece.
//
// Ownership: views the text, which has to outlive it and the pieces. Thread safety: one thread. Errors: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ai/character_kind.h"

namespace colloquium::ai {

enum class Pattern : uint8_t { kO200k, kCl100k };

class PieceScanner {
 public:
  // REQUIRES: valid UTF-8.
  PieceScanner(Pattern pattern, std::string_view text)
      : pattern_(pattern), text_(text), table_(character_table()) {}

  // False at the end of the text. A piece is not empty.
  bool next(std::string_view& piece);

 private:
  struct Character {
    CharacterKinds kind;  // 0: the end of the text, which is in no set
    uint8_t bytes;
  };

  Character at(size_t place) const;
  Character at_wide(size_t place) const;
  size_t end_of_run(size_t place, CharacterKinds kinds) const;
  bool is_byte(size_t place, char byte) const { return place < text_.size() && text_[place] == byte; }

  // Where what begins at `place` ends; `place` itself if it is not there.
  size_t end_of_contraction(size_t place) const;
  size_t end_of_cl100k_word(size_t place) const;
  size_t end_of_o200k_word(size_t place) const;
  size_t end_of_number(size_t place) const;
  size_t end_of_symbols(size_t place) const;
  size_t end_of_space(size_t place) const;

  Pattern pattern_;
  std::string_view text_;
  const CharacterTable& table_;
  size_t place_ = 0;
};

}  // namespace colloquium::ai
