#include "ai/pieces.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace colloquium::ai {
namespace {

using Pieces = std::vector<std::string>;

Pieces cut(Pattern pattern, std::string_view text) {
  PieceScanner scanner(pattern, text);
  Pieces pieces;
  std::string_view piece;
  while (scanner.next(piece)) pieces.emplace_back(piece);
  return pieces;
}

Pieces o200k(std::string_view text) {
  return cut(Pattern::kO200k, text);
}

Pieces cl100k(std::string_view text) {
  return cut(Pattern::kCl100k, text);
}

Pieces both(std::string_view text) {
  Pieces pieces = o200k(text);
  CHECK(pieces == cl100k(text));
  return pieces;
}

TEST_CASE("an empty text has no pieces") {
  CHECK(both("").empty());
}

TEST_CASE("a word takes the one character before it") {
  CHECK(both("hello world") == Pieces{"hello", " world"});
  CHECK(both("(a)") == Pieces{"(a", ")"});
  CHECK(both("\tx") == Pieces{"\tx"});
  CHECK(both("a  b") == Pieces{"a", " ", " b"});
  CHECK(both("\u3000全") == Pieces{"\u3000全"});
  CHECK(both("\na\r\nb") == Pieces{"\n", "a", "\r\n", "b"});
  CHECK(both("1a") == Pieces{"1", "a"});
}

TEST_CASE("the letters of a word of o200k go from upper to lower case") {
  CHECK(o200k("camelCaseText") == Pieces{"camel", "Case", "Text"});
  CHECK(o200k("HTTPServer") == Pieces{"HTTPServer"});
  CHECK(o200k("HTTP server") == Pieces{"HTTP", " server"});
  CHECK(o200k("aBC") == Pieces{"a", "BC"});
  CHECK(o200k("ǅabc") == Pieces{"ǅabc"});  // title case
  CHECK(cl100k("camelCaseText") == Pieces{"camelCaseText"});
}

TEST_CASE("letters without case are of both halves of a word, and upper case behind them begins another") {
  CHECK(o200k("你好world") == Pieces{"你好world"});
  CHECK(o200k("你好World") == Pieces{"你好World"});
  CHECK(o200k("你好ABC") == Pieces{"你好", "ABC"});
  CHECK(o200k("AB你C你DE") == Pieces{"AB你C你", "DE"});
  CHECK(o200k("a你B") == Pieces{"a你", "B"});
  CHECK(o200k(" 你ABC") == Pieces{" 你", "ABC"});
  CHECK(cl100k("你好ABC") == Pieces{"你好ABC"});
}

TEST_CASE("marks are letters to o200k and symbols to cl100k") {
  CHECK(o200k("e\u0301a") == Pieces{"e\u0301a"});
  CHECK(cl100k("e\u0301a") == Pieces{"e", "\u0301a"});
  CHECK(cl100k("e\u0301 a") == Pieces{"e", "\u0301", " a"});
  CHECK(o200k("E\u0301A") == Pieces{"E\u0301", "A"});
  // A mark may be what stands before the letters.
  CHECK(o200k("\u0301ABC") == Pieces{"\u0301", "ABC"});
  CHECK(o200k("\u0301ABc") == Pieces{"\u0301ABc"});
  CHECK(o200k("\u0301\u0301AB") == Pieces{"\u0301\u0301", "AB"});
  CHECK(o200k("\u0301 \u0301") == Pieces{"\u0301", " \u0301"});
  CHECK(o200k("\u03011") == Pieces{"\u0301", "1"});
  CHECK(o200k("!\u0301!") == Pieces{"!\u0301", "!"});
  CHECK(cl100k(" \u0301!\n") == Pieces{" \u0301!\n"});
}

TEST_CASE("contractions end a word of o200k, and are pieces of cl100k") {
  for (const std::string end :
       {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'Ve", "'lL", "'\u017f"}) {
    CAPTURE(end);
    CHECK(o200k("it" + end + "x") == Pieces{"it" + end, "x"});
    CHECK(o200k("IT" + end) == Pieces{"IT" + end});
    CHECK(cl100k("it" + end + "x") == Pieces{"it", end, "x"});
    CHECK(cl100k(end) == Pieces{end});
  }
  CHECK(both("it'r it'l it'") == Pieces{"it", "'r", " it", "'l", " it", "'"});
  CHECK(both("it'vx it'la") == Pieces{"it", "'vx", " it", "'la"});
  CHECK(o200k("'sound") == Pieces{"'sound"});
  CHECK(cl100k("'sound") == Pieces{"'s", "ound"});
  CHECK(both("1's") == Pieces{"1", "'s"});
}

TEST_CASE("digits come in groups of three, of any script") {
  CHECK(both("1234567") == Pieces{"123", "456", "7"});
  CHECK(both(" 12") == Pieces{" ", "12"});
  CHECK(both("٣٤٥٦") == Pieces{"٣٤٥", "٦"});
  CHECK(both("½ⅷ") == Pieces{"½ⅷ"});
}

TEST_CASE("symbols take a space before them and line breaks behind them") {
  CHECK(both("a += b;\r\n\r\nc") == Pieces{"a", " +=", " b", ";\r\n\r\n", "c"});
  CHECK(both("\t+") == Pieces{"\t", "+"});
  CHECK(both("🙂🙂 👍🏽") == Pieces{"🙂🙂", " 👍🏽"});
  CHECK(o200k("*\n/\n*") == Pieces{"*\n/\n", "*"});
  CHECK(cl100k("*\n/\n*") == Pieces{"*\n", "/\n", "*"});
  CHECK(both(" !a") == Pieces{" !", "a"});
  CHECK(both(std::string_view("\0\0", 2)) == Pieces{std::string(2, '\0')});
}

TEST_CASE("white space goes up to its last line break, or leaves one character for what follows") {
  CHECK(both("a  \n \n  b") == Pieces{"a", "  \n \n", " ", " b"});
  CHECK(both("   1") == Pieces{"  ", " ", "1"});
  CHECK(both("a   ") == Pieces{"a", "   "});
  CHECK(both("a \t\u00a0b") == Pieces{"a", " \t", "\u00a0b"});
  CHECK(both(" \n") == Pieces{" \n"});
  CHECK(both(" ") == Pieces{" "});
  CHECK(both("\u2028\u0085!") == Pieces{"\u2028", "\u0085", "!"});
}

TEST_CASE("kinds of characters are those of Unicode 16") {
  const CharacterTable& table = character_table();
  CHECK(table['A'] == kUpper);
  CHECK(table[0x1c5] == kUpper);       // title case
  CHECK(table[0x2b0] == kCaseless);    // a modifier letter
  CHECK(table[0xa7da] == kUpper);      // new in 16
  CHECK(table[0x323af] == kCaseless);  // the last ideograph of 15
  CHECK(table[0xe01ef] == kMark);
  CHECK(table[0x200b] == kOther);  // zero width space is not White_Space
  CHECK(table[0x10ffff] == kOther);
}

}  // namespace
}  // namespace colloquium::ai
