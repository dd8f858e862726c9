#include "computo/library/unicode.h"

#include <catch2/catch.hpp>

#include "computo/library/code_points.h"
#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("letter case follows Unicode's full mapping", "[REQ-031]") {
  CHECK(call("upperCase", R"(["straße ŉ ﬃ ΐ ᾳ ǆ"])") == "\"STRASSE ʼN FFI \u0399\u0308\u0301 ΑΙ Ǆ\"");
  CHECK(call("upperCase", R"(["İıẞ"])") == R"("İIẞ")");
  CHECK(call("lowerCase", R"(["ÀÉẞİ"])") == R"("àéßi̇")");
  CHECK(call("lowerCase", R"(["ΟΔΥΣΣΕΥΣ ΣΑΣ, Σ"])") == R"("οδυσσευς σας, σ")");
  CHECK(call("lowerCase", R"(["ΑΣ\u0301 ΑΣ\u0301Α"])") == R"("ας́ ασ́α")");
  CHECK(call("caseFold", R"(["Straße ΣΑΣ ﬁ İ"])") == R"("strasse σασ fi i̇")");
  CHECK(outcome(R"(["==",["caseFold","MASSE"],["caseFold","Maße"]])") == "true");
  CHECK(call("capitalize", R"(["élan VITAL"])") == R"("Élan VITAL")");
  CHECK(call("capitalize", R"(["ßa"])") == R"("Ssa")");
  CHECK(call("capitalize", R"(["ǆa"])") == R"("ǅa")");
  CHECK(call("capitalize", R"(["\ufb01x"])") == R"("Fix")");
  for (const char* name : {"upperCase", "lowerCase", "caseFold", "capitalize"}) {
    INFO(name);
    CHECK(call(name, R"([""])") == R"("")");
    CHECK(call(name, R"(["日本 😀 1"])") == R"("日本 😀 1")");
    CHECK(call(name, "[null]") == "type /" + std::string(name) + "/0");
  }
}

TEST_CASE("case mapping of any code point is valid text within its bound") {
  for (int32_t point = 1; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    for (const auto map : {ops::upper_point, ops::lower_point, ops::fold_point}) {
      const ops::Folded folded = map(point);
      char text[4 * ops::kMostFolded];
      char plain[4];
      const auto size = ops::write_points(folded, text) - text;
      if (folded.count < 1 || folded.count > ops::kMostFolded ||
          size > 3 * (ops::write_point(point, plain) - plain)) {
        FAIL("code point " << point);
      }
    }
  }
  SUCCEED("all code points");
}

TEST_CASE("long texts are mapped in pieces that end anywhere") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += i % 7 == 0 ? "a" : "ß";
  CHECK(outcome(R"(["length",["upperCase",["$input"]]])", "\"" + text + "\"") == std::to_string(429 + 2 * 2571));
}

TEST_CASE("normal forms compose and decompose") {
  CHECK(call("normalize", R"(["e\u0301"])") == R"("é")");
  CHECK(outcome(R"(["length",["normalize","é","NFD"]])") == "2");
  CHECK(call("normalize", R"(["ﬁ²","NFKC"])") == R"("fi2")");
  CHECK(call("normalize", R"(["ﬁ","NFC"])") == R"("ﬁ")");
  CHECK(outcome(R"(["length",["normalize","한","NFKD"]])") == "3");
  CHECK(call("normalize", R"(["q\u0307\u0323"])") == R"("q̣̇")");
  CHECK(call("normalize", R"(["\u0061"])") == R"("\u0061")");
  CHECK(call("normalize", R"(["\u00e9"])") == R"("\u00e9")");
  CHECK(call("normalize", R"([""])") == R"("")");
  CHECK(call("normalize", R"(["é","nfc"])") == "value /normalize/1");
  CHECK(call("normalize", R"(["é",1])") == "type /normalize/1");
  CHECK(strict_problem(R"(["normalize",["$input"],"NFX"])").starts_with("value expected \"NFC\""));
  CHECK(strict_problem(R"(["normalize",["$input"],"NFD"])").empty());
}

TEST_CASE("a text of marks alone ends by its steps, not by the square of its length") {
  std::string marks = "a";
  for (int i = 0; i < 100000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";
  CHECK(outcome(R"(["normalize",["$input"]])", "\"" + marks + "\"") == "limit /");
}

TEST_CASE("strings are reversed by what a reader takes for a character") {
  CHECK(call("reverseString", R"(["abc"])") == R"("cba")");
  CHECK(call("reverseString", R"([""])") == R"("")");
  CHECK(call("reverseString", R"(["e\u0301x"])") == "\"xe\u0301\"");
  CHECK(call("reverseString", R"(["🇩🇪👨‍👩‍👧a"])") == R"("a👨‍👩‍👧🇩🇪")");
  CHECK(call("reverseString", R"(["a\r\nb"])") == R"("b\r\na")");
  CHECK(call("reverseString", "[1]") == "type /reverseString/0");
}

TEST_CASE("white space of Unicode, or a set of characters, is trimmed at one end") {
  CHECK(call("trimStart", R"(["\u00a0\u3000\t a "])") == R"("a ")");
  CHECK(call("trimEnd", R"([" a\u2028\u0085\n"])") == R"(" a")");
  CHECK(call("trimStart", R"(["éüxé","üé"])") == R"("xé")");
  CHECK(call("trimEnd", R"(["x€😀€","€😀"])") == R"("x")");
  CHECK(call("trimEnd", R"(["aaa","a"])") == R"("")");
  CHECK(call("trimEnd", R"(["\u0061 ",""])") == R"("\u0061 ")");
  CHECK(call("trimStart", R"([""])") == R"("")");
  CHECK(call("trimStart", "[null]") == "type /trimStart/0");
  CHECK(call("trimStart", R"(["a",1])") == "type /trimStart/1");
}

TEST_CASE("words consist of letters, marks, numbers and inner apostrophes") {
  CHECK(call("words", R"([""])") == "[]");
  CHECK(call("words", R"([" -- "])") == "[]");
  CHECK(call("words", R"(["Zoë's e\u0301t\u00e9, 3.5 'x' l’été_a"])") ==
        "[\"Zoë's\",\"e\u0301té\",\"3\",\"5\",\"x\",\"l’été\",\"a\"]");
  CHECK(call("words", R"(["日本語"])") == R"(["日本語"])");
  CHECK(call("words", "[1]") == "type /words/0");
}

TEST_CASE("names change between camel, snake and kebab case") {
  for (const char* name :
       {"http server name", "HTTPServerName", "http_server_name", "http-server-name", "HttpServer Name"}) {
    INFO(name);
    const std::string input = "[\"" + std::string(name) + "\"]";
    CHECK(call("camelCase", input) == R"("httpServerName")");
    CHECK(call("snakeCase", input) == R"("http_server_name")");
    CHECK(call("kebabCase", input) == R"("http-server-name")");
  }
  CHECK(call("camelCase", R"(["order_id2_x"])") == R"("orderId2X")");
  CHECK(call("snakeCase", R"(["v2Beta"])") == R"("v2_beta")");
  CHECK(call("snakeCase", R"(["ÜberGröße"])") == R"("über_größe")");
  CHECK(call("camelCase", R"(["ein ßa"])") == R"("einSsa")");
  CHECK(call("kebabCase", R"(["--"])") == R"("")");
  CHECK(call("snakeCase", "[null]") == "type /snakeCase/0");
}

}  // namespace colloquium::computo
