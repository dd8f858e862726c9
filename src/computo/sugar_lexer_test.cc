#include "computo/sugar_lexer.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace colloquium::computo {
namespace {

// The tokens' texts, a '~' before those that something separates from what stands before; at the end "byte:
// problem" if there is an error.
std::string tokens(std::string_view text, std::vector<SugarComment>* comments = nullptr) {
  SugarLexer lexer(text, comments);
  SugarLexeme token;
  SugarError error;
  std::string out;
  while (lexer.next(token, error)) {
    if (token.kind == SugarToken::kEnd) return out;
    if (!out.empty()) out += token.spaced ? "~" : "|";
    out += text.substr(token.begin, token.end - token.begin);
  }
  return out + (out.empty() ? "" : " ") + std::to_string(error.byte) + ": " + error.problem;
}

SugarToken only(std::string_view text) {
  SugarLexer lexer(text);
  SugarLexeme token;
  SugarError error;
  REQUIRE(lexer.next(token, error));
  CHECK(token.begin == 0);
  CHECK(token.end == text.size());
  return token.kind;
}

}  // namespace

TEST_CASE("words are names unless they are reserved") {
  CHECK(only("x_1") == SugarToken::kName);
  CHECK(only("_") == SugarToken::kName);
  CHECK(only("inn") == SugarToken::kName);
  CHECK(only("LET") == SugarToken::kName);
  for (const char* word : {"let", "in", "if", "then", "else", "and", "or", "not", "true", "false", "null"}) {
    CHECK(only(word) != SugarToken::kName);
    CHECK(spelling(only(word)) == word);
    CHECK_FALSE(is_free_name(word));
    CHECK(is_name_shaped(word));
  }
  CHECK(is_free_name("notx"));
  CHECK_FALSE(is_name_shaped("1x"));
  CHECK_FALSE(is_name_shaped(""));
  CHECK_FALSE(is_name_shaped("a-b"));
}

TEST_CASE("punctuation is read as long as it can be, and spelled as it is read") {
  CHECK(tokens("a<=b>=c==d!=e=>f=g<h>i") == "a|<=|b|>=|c|==|d|!=|e|=>|f|=|g|<|h|>|i");
  CHECK(tokens("( ) [ ] { } , : . + - * % $ $input $inputs") == "(~)~[~]~{~}~,~:~.~+~-~*~%~$~$input~$inputs");
  for (const char* mark : {"=>", "==", "/", "-", "$", "$input", "$inputs"}) {
    REQUIRE(token_spelled(mark));
    CHECK(spelling(*token_spelled(mark)) == mark);
  }
  CHECK_FALSE(token_spelled("x"));
  CHECK(spelling(SugarToken::kNumber).empty());
}

TEST_CASE("operators bind as section 10.3 says") {
  const auto level = [](const char* op) { return sugar_level(*token_spelled(op)); };
  CHECK(level("or") < level("and"));
  CHECK(level("and") < level("=="));
  CHECK(level("<") == level("!="));
  CHECK(level("==") < level("+"));
  CHECK(level("-") < level("*"));
  CHECK(level("*") == level("%"));
  CHECK(level("not") == 0);
  CHECK(level("=") == 0);
}

TEST_CASE("white space and comments separate tokens and are kept apart") {
  std::vector<SugarComment> comments;
  CHECK(tokens("#!first\na--b\n-- c\r\n\t- -d", &comments) == "a~-~-|d");
  REQUIRE(comments.size() == 3);
  CHECK(comments[0].begin == 0);
  CHECK(comments[0].end == 7);
  CHECK(comments[1].begin == 9);
  CHECK(comments[1].end == 12);
  CHECK(comments[2].end == 17);
  CHECK(tokens("") == "");
  CHECK(tokens(" \t\r\n") == "");
  CHECK(tokens("--") == "");
  CHECK(tokens("#!x") == "");
  CHECK(tokens(" #!x") == "1: unexpected character '#'");
}

TEST_CASE("numbers are JSON's without a sign") {
  for (const char* number : {"0", "10", "0.5", "1e3", "1E-3", "12.50e+1", "99999999999999999999", "1e308"}) {
    CHECK(only(number) == SugarToken::kNumber);
  }
  CHECK(tokens("1and 2") == "1|and~2");
  CHECK(tokens("1else") == "1|else");
  CHECK(tokens("5--3") == "5");
  CHECK(tokens("01") == "0: a number has no zeros in front of it");
  CHECK(tokens("x 1.") == "x 3: expected a digit behind the '.' of a number");
  CHECK(tokens("1.2.3") == "3: the number 1.2 has a second '.'");
  CHECK(tokens("1e") == "1: the number 1 runs into 'e'");
  CHECK(tokens("5x") == "1: the number 5 runs into 'x'");
  CHECK(tokens("0x1f") == "1: the number 0 runs into 'x1f'");
  CHECK(tokens("1e400") == "0: the number is too large for a double");
  CHECK(tokens(std::string(400, '9')) == "0: the number is too large for a double");
}

TEST_CASE("strings are JSON's") {
  CHECK(only(R"("")") == SugarToken::kString);
  CHECK(only(R"("a\"b\\\/\b\f\n\r\té")") == SugarToken::kString);
  CHECK(only(R"("\ud83d\ude00 é 😀")") == SugarToken::kString);
  CHECK(tokens("\"abc") == "0: the string that begins here is not closed on its line");
  CHECK(tokens("1 \"a\nb\"") == "1 2: the string that begins here is not closed on its line");
  CHECK(tokens("\"a\tb\"") == "2: a control character in a string must be written as an escape");
  CHECK(tokens(R"("a\q")") == "2: this is no escape of a string");
  CHECK(tokens("\"\\") == "1: this is no escape of a string");
  CHECK(tokens(R"("\u12")") == "1: expected four hexadecimal digits behind \\u");
  CHECK(tokens(R"("\u12g4")") == "1: expected four hexadecimal digits behind \\u");
  CHECK(tokens(R"("\ud800")") == "1: half of a surrogate pair");
  CHECK(tokens(R"("\ud800\u0041")") == "1: half of a surrogate pair");
  CHECK(tokens(R"("\udc00")") == "1: half of a surrogate pair");
}

TEST_CASE("a slash divides between white space and reaches into what it touches") {
  CHECK(tokens("a/b/0x/if") == "a|/b|/0x|/if");
  CHECK(tokens("a / b") == "a~/~b");
  CHECK(tokens("a--c\n/--c\nb") == "a~/~b");
  CHECK(tokens("a /") == "a~/");
  const std::string one_side =
      ": white space stands on one side of '/' only: on both sides it divides, on neither it reaches into a "
      "variable";
  CHECK(tokens("a /b") == "a 2" + one_side);
  CHECK(tokens("a/ b") == "a 1" + one_side);
  CHECK(tokens("a/") == "a 1" + one_side);
  CHECK(tokens("a//b") ==
        "a 1: expected letters, digits or '_' behind the '/' of a path; '/' divides between spaces");
}

TEST_CASE("what is no token is named, with what it may be meant for") {
  SugarLexeme token;
  SugarError error;
  const auto hint = [&](std::string_view text) {
    SugarLexer lexer(text);
    REQUIRE_FALSE(lexer.next(token, error));
    return error.hint;
  };
  CHECK(hint("&& b") == "and");
  CHECK(hint("|| b") == "or");
  CHECK(hint("!a") == "not");
  CHECK(hint("# c") == "--");
  CHECK(hint("'a'") == "\"");
  CHECK(error.problem == "strings stand in double quotes, found '");
  CHECK(hint("$x") == "x");
  CHECK(hint("@").empty());
  CHECK(tokens("h\xC3\xA9llo") == "h 1: unexpected character '\xC3\xA9'");
  CHECK(tokens(std::string_view("a\0b", 3)) == "a 1: unexpected control character");
  CHECK(
      tokens("$inputx") ==
      "0: expected '$input', '$inputs' or '$(\"/pointer\")', found '$inputx'; a variable is written without '$'");
}

TEST_CASE("a token's description is short and whole") {
  const std::string text = "\"" + std::string(28, 'x') + "\xC3\xA9\xC3\xA9\"";
  SugarLexer lexer(text);
  SugarLexeme token;
  SugarError error;
  REQUIRE(lexer.next(token, error));
  CHECK(describe(token, text) == "string \"" + std::string(28, 'x') + "…");
  REQUIRE(lexer.next(token, error));
  CHECK(describe(token, text) == "the end of the script");
}

}  // namespace colloquium::computo
