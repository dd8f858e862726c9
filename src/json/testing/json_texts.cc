#include "json/testing/json_texts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "colloquium/batch.h"

namespace colloquium::json::testing {
namespace {

using Tree = nlohmann::json;

constexpr std::string_view kHostile = "1234\",\"a\":[{}]}]0e9\\\"falsetruenull   ";

Tree tree_of(const ValueView& value) {
  std::string scratch;
  switch (value.type()) {
    case TokenType::kNull:
      return nullptr;
    case TokenType::kFalse:
      return false;
    case TokenType::kTrue:
      return true;
    case TokenType::kInteger:
      if ((value.token().flags & kTokenBigInteger) == 0) return value.integer();
      if (const auto exact = value.unsigned_integer()) return *exact;
      return value.number();
    case TokenType::kDouble:
      return value.number();
    case TokenType::kString:
    case TokenType::kKey:
      return std::string(value.string(scratch));
    case TokenType::kArray: {
      Tree array = Tree::array();
      for (ValueView v = value.first_child(); !v.at_end_of(value); v = v.next()) array.push_back(tree_of(v));
      return array;
    }
    case TokenType::kObject: {
      Tree object = Tree::object();
      for (ValueView key = value.first_child(); !key.at_end_of(value); key = key.next().next()) {
        object[std::string(key.string(scratch))] = tree_of(key.next());
      }
      return object;
    }
  }
  return {};
}

}  // namespace

PaddedText::PaddedText(std::string_view text)
    : bytes_(std::make_unique<char[]>(text.size() + kBatchPadding)), size_(text.size()) {
  // Exactly the promised bytes: a sanitizer finds whoever reads one more.
  std::copy(text.begin(), text.end(), bytes_.get());
  for (size_t i = 0; i < kBatchPadding; ++i) bytes_[size_ + i] = kHostile[i % kHostile.size()];
}

Walked::Walked(std::string_view source, WalkLimits limits)
    : text(source), good(Walker(limits).walk(text.view(), tape, error)) {}

bool nlohmann_accepts(std::string_view text) {
  return Tree::accept(text);
}

bool simdjson_accepts(std::string_view text) {
  static simdjson::dom::parser parser;
  return parser.parse(simdjson::padded_string(text)).error() == simdjson::SUCCESS;
}

std::string nlohmann_text(std::string_view text) {
  return Tree::parse(text).dump();
}
std::string nlohmann_text(const ValueView& value) {
  return tree_of(value).dump();
}

bool beyond_nlohmann(std::string_view text) {
  return text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf");
}

bool beyond_simdjson(const Walked& walked) {
  return std::any_of(walked.tape.begin(), walked.tape.end(),
                     [](const TapeToken& token) { return (token.flags & kTokenBigInteger) != 0; });
}

void RandomText::space(std::string& out) {
  constexpr std::string_view kSpaces = " \n\t\r";
  if (below(8) != 0) return;
  const uint64_t longest = below(6) == 0 ? 90 : 3;
  for (uint64_t i = below(longest); i > 0; --i) out.push_back(kSpaces[below(kSpaces.size())]);
}

void RandomText::number(std::string& out) {
  if (below(3) == 0) out.push_back('-');
  switch (below(4)) {
    case 0:
      out += std::to_string(below(100));
      break;
    case 1:
      out += std::to_string(random_() >> below(64));
      break;
    default:
      out += std::to_string(random_() >> below(64));
      out += '.';
      out += std::to_string(random_() >> below(64));
      if (below(3) == 0) out += (below(2) == 0 ? "e" : "E-") + std::to_string(below(280));
  }
}

void RandomText::string(std::string& out) {
  constexpr std::array<std::string_view, 22> kPieces = {"a",
                                                        "xyz",
                                                        "id",
                                                        " ",
                                                        "é",
                                                        "€",
                                                        "😀",
                                                        "横浜市",
                                                        R"(\n)",
                                                        R"(\")",
                                                        R"(\\)",
                                                        R"(\/)",
                                                        R"(\u0041)",
                                                        R"(\u0000)",
                                                        R"(\ud83d\ude00)",
                                                        R"(\t)",
                                                        "{",
                                                        "]",
                                                        "plain ASCII of some length",
                                                        ",:",
                                                        "\x7f",
                                                        "0"};
  out.push_back('"');
  const uint64_t pieces = below(10) == 0 ? below(40) : below(4);
  for (uint64_t i = 0; i < pieces; ++i) out += kPieces[below(kPieces.size())];
  out.push_back('"');
}

void RandomText::value(std::string& out, int depth) {
  constexpr std::array<std::string_view, 3> kWords = {"null", "true", "false"};
  space(out);
  const uint64_t kind = depth > 0 ? below(8) : below(5);
  const uint64_t count = kind >= 5 ? below(below(20) == 0 ? 70 : 6) : 0;
  if (kind == 0) out += kWords[below(kWords.size())];
  if (kind == 1 || kind == 2) number(out);
  if (kind == 3 || kind == 4) string(out);
  if (kind >= 5) out.push_back(kind == 5 ? '[' : '{');
  for (uint64_t i = 0; i < count; ++i) {
    if (i != 0) out.push_back(',');
    if (kind != 5) {
      space(out);
      string(out);
      space(out);
      out.push_back(':');
    }
    value(out, count > 10 ? 0 : depth - 1);
  }
  if (kind >= 5) {
    space(out);
    out.push_back(kind == 5 ? ']' : '}');
  }
  space(out);
}

std::string RandomText::document(int depth) {
  std::string out;
  value(out, depth);
  return out;
}

std::string RandomText::mutated(std::string text) {
  constexpr std::array<std::string_view, 16> kPieces = {"\"", "\\", ",", ":", "{",    "}",    "[",       "]",
                                                        "0",  "e5", ".", "-", "\xc3", "\xa9", "\\ud800", "\n"};
  for (uint64_t changes = 1 + below(3); changes > 0; --changes) {
    const size_t at = text.empty() ? 0 : below(text.size());
    const uint64_t how = text.empty() ? 0 : below(6);
    if (how == 0) text.insert(at, kPieces[below(kPieces.size())]);
    if (how == 1) text[at] = static_cast<char>(below(256));
    if (how == 2) text.erase(at, 1 + below(3));
    if (how == 3) text.insert(at, text.substr(at, 1 + below(8)));
    if (how == 4) std::swap(text[at], text[below(text.size())]);
    if (how == 5) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
  }
  return text;
}

}  // namespace colloquium::json::testing
