#include "computo/library/strings.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("lengths count code points, bytes, elements or members", "[REQ-031]") {
  CHECK(call("length", R"([""])") == "0");
  CHECK(call("length", R"(["a\u00e9\ud83d\ude00"])") == "3");
  CHECK(call("byteLength", R"(["a\u00e9\ud83d\ude00"])") == "7");
  CHECK(call("length", "[[1,[2,3]]]") == "2");
  CHECK(call("length", R"([{"a":1,"a":2,"b":3}])") == "2");
  CHECK(call("length", "[{}]") == "0");
  CHECK(call("length", "[null]") == "type /length/0");
  CHECK(call("length", "[5]") == "type /length/0");
  CHECK(call("byteLength", "[[]]") == "type /byteLength/0");
}

TEST_CASE("strings and arrays are searched from the left") {
  CHECK(call("contains", R"(["abc","bc"])") == "true");
  CHECK(call("contains", R"(["abc",""])") == "true");
  CHECK(call("contains", R"(["","a"])") == "false");
  CHECK(call("contains", R"([[1,[2.0]],[2]])") == "true");
  CHECK(call("contains", R"([["1"],1])") == "false");
  CHECK(call("contains", R"(["1",1])") == "type /contains/1");
  CHECK(call("contains", R"([{"a":1},"a"])") == "type /contains/0");
  CHECK(call("indexOf", R"(["\ud83d\ude00\u00e9x","x"])") == "2");
  CHECK(call("indexOf", R"(["abab","b"])") == "1");
  CHECK(call("indexOf", R"(["a","b"])") == "-1");
  CHECK(call("indexOf", R"(["a",""])") == "0");
  CHECK(call("indexOf", R"([[{"a":1},{"b":2}],{"b":2}])") == "1");
  CHECK(call("indexOf", "[[],1]") == "-1");
  CHECK(call("indexOf", "[null,1]") == "type /indexOf/0");
  CHECK(call("startsWith", R"(["abc","ab"])") == "true");
  CHECK(call("startsWith", R"(["abc",""])") == "true");
  CHECK(call("startsWith", R"(["a","ab"])") == "false");
  CHECK(call("endsWith", R"(["\u00e9","é"])") == "true");
  CHECK(call("endsWith", R"(["abc","b"])") == "false");
  CHECK(call("endsWith", R"(["abc",null])") == "type /endsWith/1");
}

TEST_CASE("upper and lower know ASCII only") {
  CHECK(call("upper", R"(["aZ\u00e9z{"])") == R"("AZéZ{")");
  CHECK(call("lower", R"(["AzÉZ["])") == R"("azÉz[")");
  CHECK(call("upper", R"([""])") == R"("")");
  CHECK(call("upper", "[1]") == "type /upper/0");
}

TEST_CASE("padding reaches the length asked for and no further") {
  CHECK(call("padStart", R"(["7",3,"0"])") == R"("007")");
  CHECK(call("padStart", R"(["é",4,"äö"])") == R"("äöäé")");
  CHECK(call("padEnd", R"(["ab",4])") == R"("ab  ")");
  CHECK(call("padEnd", R"(["abc",3,"x"])") == R"("abc")");
  CHECK(call("padEnd", R"(["\u0061bc",-5])") == R"("\u0061bc")");
  CHECK(call("padEnd", R"(["",2,"xyz"])") == R"("xy")");
  CHECK(call("padStart", R"(["a",5,""])") == "value /padStart/2");
  CHECK(call("padStart", R"(["a",1.5])") == "type /padStart/1");
  CHECK(call("padStart", R"(["a",9223372036854775807])") == "limit /");
  CHECK(call("padEnd", R"(["a",4000000000,"\ud83d\ude00"])") == "limit /");
}

TEST_CASE("repeat is bounded by what a string may be") {
  CHECK(call("repeat", R"(["ab",3])") == R"("ababab")");
  CHECK(call("repeat", R"(["ab",0])") == R"("")");
  CHECK(call("repeat", R"(["",9223372036854775807])") == R"("")");
  CHECK(call("repeat", R"(["a",-1])") == "value /repeat/1");
  CHECK(call("repeat", R"(["ab",4611686018427387904])") == "limit /");
  CHECK(call("repeat", R"(["ab",4294967295])") == "limit /");
  Limits limits;
  limits.output_bytes = 10;
  CHECK(call("repeat", R"(["ab",4])", limits) == R"("abababab")");
  CHECK(call("repeat", R"(["ab",6])", limits) == "limit /");
}

TEST_CASE("replace goes from the left and does not look at what it has put") {
  CHECK(call("replace", R"(["aaa","aa","b"])") == R"("ba")");
  CHECK(call("replace", R"(["a-b-c","-",""])") == R"("abc")");
  CHECK(call("replace", R"(["ab","b","bb"])") == R"("abb")");
  CHECK(call("replace", R"(["a-b-c","-","+",1])") == R"("a+b-c")");
  CHECK(call("replace", R"(["a\u002db","-","+",0])") == R"("a\u002db")");
  CHECK(call("replace", R"(["a\u002db","x","+"])") == R"("a\u002db")");
  CHECK(call("replace", R"(["éaé","é","ü"])") == R"("üaü")");
  CHECK(call("replace", R"(["a","","b"])") == "value /replace/1");
  CHECK(call("replace", R"(["a","a","b",-1])") == "value /replace/3");
  CHECK(call("replace", R"(["a","a",null])") == "type /replace/2");
  Limits limits;
  limits.output_bytes = 100;
  CHECK(call("replace", R"(["aaaaaaaaaaaaaaaaaaaa","a","1234567890"])", limits) == "limit /");
}

TEST_CASE("substrings count from either end and never leave the string") {
  CHECK(call("substring", R"(["Zo\u00eb!",2])") == R"("ë!")");
  CHECK(call("substring", R"(["Zoë!",1,2])") == R"("oë")");
  CHECK(call("substring", R"(["Zoë!",-2])") == R"("ë!")");
  CHECK(call("substring", R"(["Zoë!",-3,1])") == R"("o")");
  CHECK(call("substring", R"(["abc",-10])") == R"("abc")");
  CHECK(call("substring", R"(["abc",-10,8])") == R"("a")");
  CHECK(call("substring", R"(["abc",-10,3])") == R"("")");
  CHECK(call("substring", R"(["abc",5])") == R"("")");
  CHECK(call("substring", R"(["abc",0,0])") == R"("")");
  CHECK(call("substring", R"(["\u0061bc",0,9])") == R"("\u0061bc")");
  CHECK(call("substring", R"(["abc",-9223372036854775808,9223372036854775807])") == R"("ab")");
  CHECK(call("substring", R"(["abc",-9223372036854775808])") == R"("abc")");
  CHECK(call("substring", R"(["abc",9223372036854775807,9223372036854775807])") == R"("")");
  CHECK(call("substring", R"(["",0])") == R"("")");
  CHECK(call("substring", R"(["abc",0,-1])") == "value /substring/2");
  CHECK(call("substring", R"(["abc","0"])") == "type /substring/1");
}

TEST_CASE("truncate keeps its ending within the length") {
  CHECK(call("truncate", R"(["abcdef",4])") == R"("abcd")");
  CHECK(call("truncate", R"(["abcdef",4,"..."])") == R"("a...")");
  CHECK(call("truncate", R"(["\u0061bcd",4,"..."])") == R"("\u0061bcd")");
  CHECK(call("truncate", R"(["äöüß",3,"…"])") == R"("äö…")");
  CHECK(call("truncate", R"(["abc",0])") == R"("")");
  CHECK(call("truncate", R"(["abc",2,"..."])") == "value /truncate/2");
  CHECK(call("truncate", R"(["abc",-1])") == "value /truncate/1");
}

TEST_CASE("split gives the pieces between separators", "[REQ-031]") {
  CHECK(call("split", R"(["a,b,,c,",","])") == R"(["a","b","","c",""])");
  CHECK(call("split", R"(["",","])") == R"([""])");
  CHECK(call("split", R"(["",""])") == "[]");
  CHECK(call("split", R"(["aé\ud83d\ude00",""])") == R"(["a","é","😀"])");
  CHECK(call("split", R"(["aaa","aa"])") == R"(["","a"])");
  CHECK(call("split", R"(["a--b","--"])") == R"(["a","b"])");
  CHECK(call("splitAtMost", R"(["a,b,c",",",2])") == R"(["a","b,c"])");
  CHECK(call("splitAtMost", R"(["a,b",",",1])") == R"(["a,b"])");
  CHECK(call("splitAtMost", R"(["a,b",",",9])") == R"(["a","b"])");
  CHECK(call("splitAtMost", R"(["abc","",2])") == R"(["a","bc"])");
  CHECK(call("splitAtMost", R"(["a",",",0])") == "value /splitAtMost/2");
  CHECK(call("split", R"([null,","])") == "type /split/0");
}

TEST_CASE("lines end with LF, CR LF or CR") {
  CHECK(call("lines", R"([""])") == "[]");
  CHECK(call("lines", R"(["a"])") == R"(["a"])");
  CHECK(call("lines", R"(["\n"])") == R"([""])");
  CHECK(call("lines", R"(["a\r\rb\r\n\r\nc\r"])") == R"(["a","","b","","c"])");
  CHECK(call("lines", R"(["a\u2028b"])") == "[\"a\u2028b\"]");
  CHECK(call("lines", "[1]") == "type /lines/0");
}

TEST_CASE("trim takes ASCII white space off both ends") {
  CHECK(call("trim", R"([" \t\n\u000b\f\r a b \n"])") == R"("a b")");
  CHECK(call("trim", R"(["  "])") == R"("")");
  CHECK(call("trim", R"(["\u0061"])") == R"("\u0061")");
  CHECK(call("trim", R"(["\u00a0a"])") == R"("\u00a0a")");
}

TEST_CASE("templates are filled in order, by place and by name") {
  CHECK(call("format", R"(["{} and {}",1,[2.0]])") == R"("1 and [2]")");
  CHECK(call("format", R"(["{1}{0}{1}","a","b"])") == R"("bab")");
  CHECK(call("format", R"(["{name} is {age}",{"name":"Zo\u00eb","age":5.0}])") == R"("Zoë is 5")");
  CHECK(call("format", R"(["{{}} {{{}}}","x"])") == R"("{} {x}")");
  CHECK(call("format", R"([""])") == R"("")");
  CHECK(call("format", R"(["{}"])") == "value /format/0");
  CHECK(call("format", R"(["{5}","a"])") == "value /format/0");
  CHECK(call("format", R"(["{99999999999999999999}","a"])") == "value /format/1");
  CHECK(call("format", R"(["{x}","a"])") == "value /format/1");
  CHECK(call("format", R"(["{x}",{"y":1}])") == "value /format/1");
  CHECK(call("format", R"(["{","a"])") == "value /format/0");
  CHECK(call("format", R"(["a}","a"])") == "value /format/0");
  CHECK(call("format", "[5]") == "type /format/0");
}

TEST_CASE("a strict compilation finds templates that cannot be filled") {
  CHECK(strict_problem(R"(["format","{} {}",1,2])").empty());
  CHECK(strict_problem(R"(["format",["$input"],1])").empty());
  CHECK(strict_problem(R"(["format","{",1])").starts_with("value expected a template"));
  CHECK(strict_problem(R"(["format","{}{}",1])").starts_with("value the template asks for more values"));
  CHECK(strict_problem(R"(["format","{name}"])").starts_with("value the template asks for more values"));
}

TEST_CASE("like matches whole strings by stars and question marks") {
  CHECK(call("like", R"(["","" ])") == "true");
  CHECK(call("like", R"(["","*"])") == "true");
  CHECK(call("like", R"(["a",""])") == "false");
  CHECK(call("like", R"(["orders-17.json","orders-*.json"])") == "true");
  CHECK(call("like", R"(["orders-17.json","*-1?.*"])") == "true");
  CHECK(call("like", R"(["xé","?é"])") == "true");
  CHECK(call("like", R"(["é","?"])") == "true");
  CHECK(call("like", R"(["é","??"])") == "false");
  CHECK(call("like", R"(["aXbXc","*X"])") == "false");
  CHECK(call("like", R"(["a*b","a\\*b"])") == "true");
  CHECK(call("like", R"(["axb","a\\*b"])") == "false");
  CHECK(call("like", R"(["a\\","a\\"])") == "true");
  CHECK(call("like", R"(["A","a"])") == "false");
  CHECK(call("like", R"(["mississippi","m*iss*p?"])") == "true");
  CHECK(call("like", R"([1,"a"])") == "type /like/0");
  const std::string text(20000, 'a');
  Limits limits;
  limits.steps = 10000;
  CHECK(call("like", "[\"" + text + "\",\"*" + text.substr(0, 8000) + "b\"]", limits) == "limit /");
}

namespace {
// The definition, by recursion.
bool matches(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return matches(text, pattern.substr(1)) || (!text.empty() && matches(text.substr(1), pattern));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches(text.substr(1), pattern.substr(1));
}
}  // namespace

TEST_CASE("like agrees with its definition on random patterns") {
  std::mt19937 random(3);
  const auto word = [&](std::string_view letters, size_t most) {
    std::string text;
    for (size_t i = random() % (most + 1); i > 0; --i) text += letters[random() % letters.size()];
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string text = word("ab", 8);
    const std::string pattern = word("ab*?", 6);
    INFO(text << " " << pattern);
    CHECK(call("like", "[\"" + text + "\",\"" + pattern + "\"]") == (matches(text, pattern) ? "true" : "false"));
  }
}

TEST_CASE("joining what split gives is the string again") {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (uint32_t n = random() % 12; n > 0; --n)
      text += std::string_view(",aé;").substr(random() % 2 == 0 ? 0 : 1, 1);
    const std::string input = "[\"" + text + "\",\"" + (random() % 2 == 0 ? "," : ",a") + "\"]";
    INFO(input);
    CHECK(outcome(R"(["==",["$input","/0"],["join",["split",["$input","/0"],["$input","/1"]],["$input","/1"]]])",
                  input) == "true");
  }
}

}  // namespace colloquium::computo
