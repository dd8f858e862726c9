// SugarLexer: the tokens of Computo's sugar notation (sections 10.1 and 10.2 of the language).
//
// Tokens are made one by one, on demand, so a long script costs no list of them; a copy of the lexer is a place
// to look ahead from. Numbers and strings have JSON's spelling and are checked here, the text's UTF-8 by whoever
// makes the lexer.
//
// Thread safety: belongs to one thread. The text must outlive the lexer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"

namespace colloquium::computo {

enum class SugarToken : uint8_t {
  kEnd,
  kName,
  kNumber,
  kString,
  kSegment,  // "/name", nothing between it and what it reaches into
  // The reserved words.
  kLet,
  kIn,
  kIf,
  kThen,
  kElse,
  kAnd,
  kOr,
  kNot,
  kTrue,
  kFalse,
  kNull,
  // "$", "$input", "$inputs"
  kVariable,
  kInput,
  kInputs,
  // Punctuation.
  kLeftParenthesis,
  kRightParenthesis,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kComma,
  kColon,
  kDot,
  kAssign,
  kArrow,
  kPlus,
  kMinus,
  kTimes,
  kDivide,
  kRemainder,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kEqual,
  kNotEqual,
};

struct SugarLexeme {
  SugarToken kind = SugarToken::kEnd;
  bool spaced = false;  // white space or a comment stands before it
  uint32_t begin = 0;   // bytes
  uint32_t end = 0;
};

// What is wrong with a text, at a byte of it.
struct SugarError {
  Category category = Category::kSyntax;
  uint32_t byte = 0;
  std::string problem;
  std::string hint;
  std::optional<uint32_t> opened = {};  // where what is not closed here was opened
};

// A comment's bytes, without its line's end; the `#!` line is one as well.
struct SugarComment {
  uint32_t begin;
  uint32_t end;
};

inline bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
inline bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}
// Shaped like a name, be it reserved.
bool is_name_shaped(std::string_view text);
// A name that may be given to a variable, a parameter or a part of an operator's name.
bool is_free_name(std::string_view text);

class SugarLexer {
 public:
  // REQUIRES: valid UTF-8, less than 4 GiB. Comments are appended to `comments` unless that is null.
  explicit SugarLexer(std::string_view text, std::vector<SugarComment>* comments = nullptr);

  // The next token, kEnd at the end and ever after. False: `error` says what cannot be one.
  bool next(SugarLexeme& out, SugarError& error);

  // For looking ahead with a copy.
  void forget_comments() { comments_ = nullptr; }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool skip_blanks();
  void skip_comment();
  bool blank_follows(size_t i) const;
  void word(SugarLexeme& out);
  bool dollar(SugarLexeme& out, SugarError& error);
  bool number(SugarError& error);
  bool number_ends(size_t begin, SugarError& error) const;
  size_t digits(size_t i) const;
  bool string(SugarError& error);
  bool escape(SugarError& error);
  std::optional<unsigned> unit(size_t i) const;
  bool slash(SugarLexeme& out, SugarError& error);
  bool punctuation(SugarLexeme& out, SugarError& error);
  bool unexpected(SugarError& error) const;

  std::string_view text_;
  size_t here_ = 0;
  std::vector<SugarComment>* comments_;
};

// "name 'x'", "'and'", "the end of the script", for "expected …, found …".
std::string describe(const SugarLexeme& lexeme, std::string_view text);

// What a word or a punctuation looks like; empty for the others. And back.
std::string_view spelling(SugarToken token);
std::optional<SugarToken> token_spelled(std::string_view text);

// How tightly a binary operator binds, section 10.3: from `or` to `*`; 0 for what is none.
inline constexpr int kSugarLooseLevel = 1;  // let, if, a function: as far to the right as possible
inline constexpr int kSugarOrLevel = 2;
inline constexpr int kSugarNotLevel = 4;
inline constexpr int kSugarCompareLevel = 5;
inline constexpr int kSugarProductLevel = 7;
inline constexpr int kSugarMinusLevel = 8;
inline constexpr int kSugarPrimaryLevel = 9;
int sugar_level(SugarToken token);

}  // namespace colloquium::computo
