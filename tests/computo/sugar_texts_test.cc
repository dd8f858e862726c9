// Sugar of every kind, whole, cut off, commented and damaged: it is read and written as it should be, or refused
// with a place. The texts are those of the conformance files.

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "computo/convert.h"
#include "computo/program.h"
#include "tests/computo/sugar_checks.h"
#include "tests/computo/vector_files.h"
#include "tests/sanitized.h"

namespace colloquium::computo {
namespace {

using testing::check_json_script;
using testing::check_sugar;

struct Texts {
  std::vector<std::string> sugar;
  std::vector<std::string> json;
};

void take(const json::ValueView& vector, const char* member, bool text, std::vector<std::string>& out) {
  std::string scratch;
  const auto value = vector.member(member);
  if (!value || (text && value->type() != TokenType::kString)) return;
  out.emplace_back(text ? value->string(scratch) : value->raw());
}

void read_vector(const json::ValueView& vector, Texts& texts) {
  std::string scratch;
  const std::string syntax(vector.member("syntax")->string(scratch));
  if (syntax == "sugar") take(vector, "script", true, texts.sugar);
  if (syntax == "json") take(vector, "script", false, texts.json);
  if (syntax != "convert") return;
  const bool to_json = vector.member("to")->string(scratch) == "json";
  take(vector, "in", to_json, to_json ? texts.sugar : texts.json);
  take(vector, "out", !to_json, to_json ? texts.json : texts.sugar);
}

const Texts& all_texts() {
  static const Texts texts = [] {
    Texts read;
    each_vector([&](const json::ValueView& vector) { read_vector(vector, read); });
    return read;
  }();
  return texts;
}

void require_good(const std::string& text) {
  const std::string wrong = check_sugar(text);
  if (wrong.empty()) return;
  INFO(text);
  FAIL(wrong);
}

// All sugar that there is: that of the files, and what their scripts are written as.
const std::vector<std::string>& all_sugar() {
  static const std::vector<std::string> sugar = [] {
    std::vector<std::string> all = all_texts().sugar;
    for (const std::string& script : all_texts().json) {
      ScriptError error;
      const auto written = to_sugar(script, {}, error);
      if (written) all.push_back(*written);
    }
    return all;
  }();
  return sugar;
}

bool is_script(const std::string& text) {
  ScriptError error;
  return to_json(text, {}, error).has_value();
}

}  // namespace

TEST_CASE("every sugar text is read, laid out and written again, or refused with a place", "[REQ-031]") {
  REQUIRE(all_sugar().size() > 3000);
  for (const std::string& text : all_sugar()) require_good(text);
}

TEST_CASE("every JSON script is laid out and written as sugar, or has no sugar form") {
  REQUIRE(all_texts().json.size() > 3000);
  for (const std::string& script : all_texts().json) {
    const std::string wrong = check_json_script(script);
    if (wrong.empty()) continue;
    INFO(script);
    FAIL(wrong);
  }
}

TEST_CASE("every beginning of a sugar text is a script or refused") {
  for (const std::string& text : all_texts().sugar) {
    for (size_t size = 0; size < text.size(); ++size) require_good(text.substr(0, size));
  }
}

namespace {

// Comments before some of the places where one may stand; what is in a string stays.
std::string commented(const std::string& text, std::mt19937& random, unsigned rarity) {
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    const bool place = std::string_view(" ),]}").find(c) != std::string_view::npos;
    if (!quoted && place && random() % rarity == 0) {
      out += random() % 2 == 0 ? " -- note\n" : "\n\n-- note of its own\n";
    }
    out += c;
  }
  return out;
}

// A script made of others, which must be scripts, of about `size` bytes.
std::string composed(const std::vector<std::string>& parts, std::mt19937& random, size_t size) {
  const auto part = [&] { return size < 60 ? parts[random() % parts.size()] : composed(parts, random, size / 3); };
  switch (random() % 8) {
    case 0:
      return "let a = " + part() + "\n\n  b = " + part() + "\nin " + part();
    case 1:
      return "if " + part() + " then " + part() + " else " + part();
    case 2:
      return "map(" + part() + ", (u, v) => " + part() + ")";
    case 3:
      return "[" + part() + ",\n " + part() + ", " + part() + "]";
    case 4:
      return "{a: " + part() + ", \"b c\": " + part() + ", c: (" + part() + ")}";
    case 5:
      return "(" + part() + ") + not " + part() + " * " + part();
    case 6:
      return "a.b(" + part() + ", " + part() + ", -(" + part() + "))";
    default:
      return part() + " and " + part() + " == " + part();
  }
}

}  // namespace

TEST_CASE("comments between any two tokens stay, wherever they stand") {
  std::mt19937 random(7);
  size_t tried = 0;
  for (const std::string& text : all_sugar()) {
    if (text.size() > 400 || !is_script(text)) continue;
    const std::string noted = commented(text, random, 1 + random() % 6);
    // One that took a space from beside a slash made something else of the text.
    if (!is_script(noted)) continue;
    require_good(noted);
    ++tried;
  }
  CHECK(tried > 1000);
}

TEST_CASE("long scripts are laid out stably, with comments and without") {
  std::mt19937 random(17);
  std::vector<std::string> parts;
  for (const std::string& text : all_texts().sugar) {
    const bool comment = text.find("--") != std::string::npos || text.find('#') != std::string::npos;
    if (text.size() < 80 && !comment && is_script(text)) parts.push_back(text);
  }
  REQUIRE(parts.size() > 300);
  size_t with_comments = 0;
  for (int round = 0; round < 1'500 / kSlower; ++round) {
    const std::string text = composed(parts, random, 60u << random() % 6);
    if (!is_script(text)) continue;
    require_good(text);
    const std::string noted = commented(text, random, 2 + random() % 30);
    if (!is_script(noted)) continue;
    require_good(noted);
    ++with_comments;
  }
  CHECK(with_comments > 200 / kSlower);
}

TEST_CASE("what damage makes of a text is a script or refused") {
  static constexpr std::string_view kBits[] = {"(",
                                               ")",
                                               "[",
                                               "]",
                                               "{",
                                               "}",
                                               ",",
                                               ":",
                                               "=",
                                               "=>",
                                               "+",
                                               "- ",
                                               "/",
                                               " / ",
                                               "let ",
                                               " in ",
                                               "if ",
                                               " then ",
                                               " else ",
                                               " not ",
                                               "\"",
                                               "\\",
                                               "$",
                                               "$input",
                                               "x",
                                               "0",
                                               ".",
                                               "\n",
                                               "-- c\n",
                                               "\xC3",
                                               "\xF0\x9F\x98\x80"};
  std::mt19937 random(11);
  const std::vector<std::string>& texts = all_sugar();
  size_t scripts = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text = texts[random() % texts.size()].substr(0, 300);
    for (unsigned hits = 1 + random() % 3; hits > 0; --hits) {
      const size_t at = random() % (text.size() + 1);
      const std::string_view bit = kBits[random() % std::size(kBits)];
      text.replace(at, random() % 3, bit);
    }
    require_good(text);
    scripts += is_script(text) ? 1 : 0;
  }
  CHECK(scripts > 1000);
}

TEST_CASE("random bytes and random tokens are scripts or refused") {
  static constexpr std::string_view kTokens[] = {
      "(",      ")",           "[",  "]",   "{",    "}",     ",",     ":",      "=",     "=>",
      "+",      "-",           "*",  " / ", "%",    "<",     "==",    "!=",     "and",   "or",
      "not",    "let",         "in", "if",  "then", "else",  "true",  "null",   "x",     "y/a",
      "$input", "$(\"/a b\")", "f(", "1",   "2.5",  "\"s\"", "--c\n", "(x) =>", "(x)/a", "\n\n"};
  std::mt19937 random(13);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    std::string tokens;
    for (unsigned i = random() % 12; i > 0; --i) {
      bytes += static_cast<char>(random());
      tokens += kTokens[random() % std::size(kTokens)];
      if (random() % 4 != 0) tokens += ' ';
    }
    require_good(bytes);
    require_good(tokens);
  }
}

}  // namespace colloquium::computo
