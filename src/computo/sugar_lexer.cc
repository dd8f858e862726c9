#include "computo/sugar_lexer.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/assert.h"
#include "json/number.h"
#include "json/scan.h"

namespace colloquium::computo {

namespace {

using Spelling = std::pair<std::string_view, SugarToken>;

constexpr std::array<Spelling, 11> kReserved = {{{"let", SugarToken::kLet},
                                                 {"in", SugarToken::kIn},
                                                 {"if", SugarToken::kIf},
                                                 {"then", SugarToken::kThen},
                                                 {"else", SugarToken::kElse},
                                                 {"and", SugarToken::kAnd},
                                                 {"or", SugarToken::kOr},
                                                 {"not", SugarToken::kNot},
                                                 {"true", SugarToken::kTrue},
                                                 {"false", SugarToken::kFalse},
                                                 {"null", SugarToken::kNull}}};

// Of two that begin alike the longer stands first.
constexpr std::array<Spelling, 22> kPunctuation = {{{"=>", SugarToken::kArrow},
                                                    {"==", SugarToken::kEqual},
                                                    {">=", SugarToken::kGreaterEqual},
                                                    {"<=", SugarToken::kLessEqual},
                                                    {"!=", SugarToken::kNotEqual},
                                                    {"=", SugarToken::kAssign},
                                                    {">", SugarToken::kGreater},
                                                    {"<", SugarToken::kLess},
                                                    {"(", SugarToken::kLeftParenthesis},
                                                    {")", SugarToken::kRightParenthesis},
                                                    {"[", SugarToken::kLeftBracket},
                                                    {"]", SugarToken::kRightBracket},
                                                    {"{", SugarToken::kLeftBrace},
                                                    {"}", SugarToken::kRightBrace},
                                                    {",", SugarToken::kComma},
                                                    {":", SugarToken::kColon},
                                                    {".", SugarToken::kDot},
                                                    {"+", SugarToken::kPlus},
                                                    {"-", SugarToken::kMinus},
                                                    {"*", SugarToken::kTimes},
                                                    {"/", SugarToken::kDivide},
                                                    {"%", SugarToken::kRemainder}}};

constexpr std::array<Spelling, 3> kDollarWords = {
    {{"$", SugarToken::kVariable}, {"$input", SugarToken::kInput}, {"$inputs", SugarToken::kInputs}}};

// What other languages write, and what it is here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kForeign = {
    {{"&", "and"}, {"|", "or"}, {"!", "not"}, {"#", "--"}}};

constexpr size_t kFoundMost = 30;  // of a found token's text, in messages

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool fail_at(SugarError& error, size_t byte, std::string problem, std::string hint = {}) {
  ASSERT(byte <= UINT32_MAX);
  error = {Category::kSyntax, static_cast<uint32_t>(byte), std::move(problem), std::move(hint)};
  return false;
}

// The whole character that begins with the first byte. REQUIRES: valid UTF-8.
std::string_view first_character(std::string_view text) {
  ASSERT(!text.empty());
  size_t size = 1;
  while (size < text.size() && (text[size] & 0xC0) == 0x80) ++size;
  return text.substr(0, size);
}

// The first of all spellings that the condition holds for, or null.
template <class Condition>
const Spelling* find_spelling(const Condition& condition) {
  for (const std::span<const Spelling> table :
       {std::span<const Spelling>(kReserved), std::span<const Spelling>(kPunctuation),
        std::span<const Spelling>(kDollarWords)}) {
    const auto found = std::find_if(table.begin(), table.end(), condition);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

bool is_name_shaped(std::string_view text) {
  return !text.empty() && is_name_start(text[0]) && std::all_of(text.begin(), text.end(), is_name_part);
}

bool is_free_name(std::string_view text) {
  return is_name_shaped(text) &&
         std::none_of(kReserved.begin(), kReserved.end(), [text](const Spelling& s) { return s.first == text; });
}

std::string_view spelling(SugarToken token) {
  const Spelling* found = find_spelling([token](const Spelling& s) { return s.second == token; });
  return found == nullptr ? std::string_view() : found->first;
}

std::optional<SugarToken> token_spelled(std::string_view text) {
  const Spelling* found = find_spelling([text](const Spelling& s) { return s.first == text; });
  if (found == nullptr) return std::nullopt;
  return found->second;
}

int sugar_level(SugarToken token) {
  switch (token) {
    case SugarToken::kOr:
      return kSugarOrLevel;
    case SugarToken::kAnd:
      return kSugarOrLevel + 1;
    case SugarToken::kGreater:
    case SugarToken::kLess:
    case SugarToken::kGreaterEqual:
    case SugarToken::kLessEqual:
    case SugarToken::kEqual:
    case SugarToken::kNotEqual:
      return kSugarCompareLevel;
    case SugarToken::kPlus:
    case SugarToken::kMinus:
      return kSugarProductLevel - 1;
    case SugarToken::kTimes:
    case SugarToken::kDivide:
    case SugarToken::kRemainder:
      return kSugarProductLevel;
    default:
      return 0;
  }
}

std::string describe(const SugarLexeme& lexeme, std::string_view text) {
  ASSERT(lexeme.begin <= lexeme.end && lexeme.end <= text.size());
  std::string shown(text.substr(lexeme.begin, lexeme.end - lexeme.begin));
  if (shown.size() > kFoundMost) {
    size_t size = kFoundMost;
    while (size > 0 && (shown[size] & 0xC0) == 0x80) --size;
    shown = shown.substr(0, size) + "…";
  }
  switch (lexeme.kind) {
    case SugarToken::kEnd:
      return "the end of the script";
    case SugarToken::kName:
      return "name '" + shown + "'";
    case SugarToken::kNumber:
      return "number " + shown;
    case SugarToken::kString:
      return "string " + shown;
    default:
      return "'" + shown + "'";
  }
}

SugarLexer::SugarLexer(std::string_view text, std::vector<SugarComment>* comments)
    : text_(text), comments_(comments) {
  ASSERT(text.size() < UINT32_MAX);
  if (text.starts_with("#!")) skip_comment();
}

void SugarLexer::skip_comment() {
  const size_t begin = here_;
  here_ = std::min(text_.find('\n', here_), text_.size());
  size_t end = here_;
  if (end > begin && text_[end - 1] == '\r') --end;
  if (comments_ != nullptr) comments_->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
}

bool SugarLexer::skip_blanks() {
  const size_t begin = here_;
  while (here_ < text_.size()) {
    if (is_blank(text_[here_])) {
      ++here_;
    } else if (text_[here_] == '-' && at(here_ + 1) == '-') {
      skip_comment();
    } else {
      break;
    }
  }
  return here_ > begin;
}

// The end counts as blank: what is missing there is an operand, not a space.
bool SugarLexer::blank_follows(size_t i) const {
  return i >= text_.size() || is_blank(text_[i]) || (text_[i] == '-' && at(i + 1) == '-');
}

bool SugarLexer::next(SugarLexeme& out, SugarError& error) {
  out.spaced = skip_blanks();
  out.begin = static_cast<uint32_t>(here_);
  out.kind = SugarToken::kEnd;
  bool good = true;
  const char c = at(here_);
  if (here_ >= text_.size()) {
    ASSERT(here_ == text_.size());
  } else if (is_name_start(c)) {
    word(out);
  } else if (json::is_digit(c)) {
    out.kind = SugarToken::kNumber;
    good = number(error);
  } else if (c == '"') {
    out.kind = SugarToken::kString;
    good = string(error);
  } else if (c == '$') {
    good = dollar(out, error);
  } else if (c == '/') {
    good = slash(out, error);
  } else {
    good = punctuation(out, error);
  }
  out.end = static_cast<uint32_t>(here_);
  return good;
}

void SugarLexer::word(SugarLexeme& out) {
  const size_t begin = here_;
  while (is_name_part(at(here_))) ++here_;
  const std::string_view name = text_.substr(begin, here_ - begin);
  ASSERT(is_name_shaped(name));
  out.kind = SugarToken::kName;
  for (const auto& [reserved, token] : kReserved) {
    if (name == reserved) out.kind = token;
  }
}

bool SugarLexer::dollar(SugarLexeme& out, SugarError& error) {
  const size_t begin = here_++;
  while (is_name_part(at(here_))) ++here_;
  const std::string_view word = text_.substr(begin, here_ - begin);
  for (const auto& [known, token] : kDollarWords) {
    if (word != known) continue;
    out.kind = token;
    return true;
  }
  ASSERT(word.size() > 1);
  return fail_at(error, begin,
                 "expected '$input', '$inputs' or '$(\"/pointer\")', found '" + std::string(word) +
                     "'; a variable is written without '$'",
                 std::string(word.substr(1)));
}

// The first byte behind the digits from i on.
size_t SugarLexer::digits(size_t i) const {
  while (json::is_digit(at(i))) ++i;
  return i;
}

bool SugarLexer::number(SugarError& error) {
  const size_t begin = here_;
  ASSERT(json::is_digit(at(begin)));
  here_ = at(begin) == '0' ? begin + 1 : digits(begin);
  if (json::is_digit(at(here_))) return fail_at(error, begin, "a number has no zeros in front of it");
  if (at(here_) == '.') {
    const size_t end = digits(here_ + 1);
    if (end == here_ + 1) return fail_at(error, here_, "expected a digit behind the '.' of a number");
    here_ = end;
  }
  if (at(here_) == 'e' || at(here_) == 'E') {
    const size_t sign = here_ + 1 + (at(here_ + 1) == '+' || at(here_ + 1) == '-' ? 1 : 0);
    const size_t end = digits(sign);
    // Without digits it is no exponent: the `else` of "then 1else 2", or a name that number_ends refuses.
    if (end > sign) here_ = end;
  }
  return number_ends(begin, error);
}

// A number may touch a reserved word, but neither a name nor another number.
bool SugarLexer::number_ends(size_t begin, SugarError& error) const {
  const std::string number(text_.substr(begin, here_ - begin));
  if (at(here_) == '.') return fail_at(error, here_, "the number " + number + " has a second '.'");
  if (!json::to_double(number)) return fail_at(error, begin, "the number is too large for a double");
  if (!is_name_start(at(here_))) return true;
  size_t end = here_;
  while (is_name_part(at(end))) ++end;
  const std::string_view word = text_.substr(here_, end - here_);
  if (!is_free_name(word)) return true;
  return fail_at(error, here_, "the number " + number + " runs into '" + std::string(word) + "'");
}

bool SugarLexer::string(SugarError& error) {
  const size_t begin = here_++;
  while (here_ < text_.size()) {
    const char c = text_[here_];
    if (c == '"') {
      ++here_;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      if (c == '\n') break;
      return fail_at(error, here_, "a control character in a string must be written as an escape");
    }
    if (c != '\\') {
      ++here_;
    } else if (!escape(error)) {
      return false;
    }
  }
  ASSERT(at(begin) == '"');
  return fail_at(error, begin, "the string that begins here is not closed on its line");
}

// The code unit of the escape \uXXXX at i, or nothing.
std::optional<unsigned> SugarLexer::unit(size_t i) const {
  if (i + 6 > text_.size() || text_[i] != '\\' || text_[i + 1] != 'u') return std::nullopt;
  const unsigned value = json::hex4_value(text_.data() + i + 2);
  ASSERT(value <= 0x10000);
  if (value > 0xffff) return std::nullopt;
  return value;
}

bool SugarLexer::escape(SugarError& error) {
  ASSERT(at(here_) == '\\');
  const char c = at(here_ + 1);
  if (c != 'u') {
    if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
      return fail_at(error, here_, "this is no escape of a string");
    }
    here_ += 2;
    return true;
  }
  const auto first = unit(here_);
  if (!first) return fail_at(error, here_, "expected four hexadecimal digits behind \\u");
  if (json::is_high_surrogate(*first)) {
    const auto second = unit(here_ + 6);
    if (!second || !json::is_low_surrogate(*second)) return fail_at(error, here_, "half of a surrogate pair");
    here_ += 12;
    return true;
  }
  if (json::is_low_surrogate(*first)) return fail_at(error, here_, "half of a surrogate pair");
  here_ += 6;
  return true;
}

// Section 10.2: what a slash means depends on the white space around it.
bool SugarLexer::slash(SugarLexeme& out, SugarError& error) {
  const size_t begin = here_++;
  const bool blank = blank_follows(here_);
  if (out.spaced && blank) {
    out.kind = SugarToken::kDivide;
    return true;
  }
  if (out.spaced || blank) {
    return fail_at(error, begin,
                   "white space stands on one side of '/' only: on both sides it divides, on neither it "
                   "reaches into a variable");
  }
  out.kind = SugarToken::kSegment;
  while (is_name_part(at(here_))) ++here_;
  if (here_ > begin + 1) return true;
  return fail_at(error, begin,
                 "expected letters, digits or '_' behind the '/' of a path; '/' divides between spaces");
}

bool SugarLexer::punctuation(SugarLexeme& out, SugarError& error) {
  const std::string_view rest = text_.substr(here_);
  for (const auto& [mark, token] : kPunctuation) {
    if (!rest.starts_with(mark)) continue;
    out.kind = token;
    here_ += mark.size();
    return true;
  }
  return unexpected(error);
}

bool SugarLexer::unexpected(SugarError& error) const {
  const std::string_view rest = text_.substr(here_);
  if (rest[0] == '\'' || rest[0] == '`') {
    return fail_at(error, here_, "strings stand in double quotes, found " + std::string(1, rest[0]), "\"");
  }
  for (const auto& [foreign, ours] : kForeign) {
    if (rest.starts_with(foreign)) {
      return fail_at(error, here_, "unexpected character '" + std::string(foreign) + "'", std::string(ours));
    }
  }
  if (static_cast<unsigned char>(rest[0]) < 0x20 || rest[0] == 0x7f) {
    return fail_at(error, here_, "unexpected control character");
  }
  return fail_at(error, here_, "unexpected character '" + std::string(first_character(rest)) + "'");
}

}  // namespace colloquium::computo
