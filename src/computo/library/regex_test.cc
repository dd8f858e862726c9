#include "computo/library/regex.h"

#include <catch2/catch.hpp>

#include "computo/library/pattern.h"
#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("regexTest matches anywhere, by characters rather than bytes", "[REQ-031]") {
  CHECK(call("regexTest", R"(["ord-17","\\d+"])") == "true");
  CHECK(call("regexTest", R"(["ord-17","^\\d+$"])") == "false");
  CHECK(call("regexTest", R"(["","^$"])") == "true");
  CHECK(call("regexTest", R"(["","a"])") == "false");
  CHECK(call("regexTest", R"(["\u00e9","^.$"])") == "true");
  CHECK(call("regexTest", R"(["É","(?i)é"])") == "true");
  CHECK(call("regexTest", R"(["日","^\\p{Han}$"])") == "true");
  CHECK(call("regexTest", R"(["a\nb","a.b"])") == "false");
  CHECK(call("regexTest", R"(["a\u0000b","a\\x00b"])") == "true");
  CHECK(call("regexTest", R"([null,"a"])") == "type /regexTest/0");
  CHECK(call("regexTest", R"(["a",null])") == "type /regexTest/1");
}

TEST_CASE("what is no regular expression is an error of category value, in time if it is a constant") {
  for (const char* bad : {"(", "[a", "a**b(", "\\\\", "(?=a)", "(a)\\\\1", "x{2000}", "(?<a-b>x)"}) {
    INFO(bad);
    CHECK(call("regexTest", "[\"a\",\"" + std::string(bad) + "\"]") == "value /regexTest/1");
    CHECK(strict_problem("[\"regexFind\",[\"$input\"],\"" + std::string(bad) + "\"]")
              .starts_with("value expected a regular"));
  }
  CHECK(strict_problem(R"(["regexFind",["$input"],"a+"])").empty());
  CHECK(strict_problem(R"(["regexFind",["$input"],["$input"]])").empty());
  CHECK(outcome(R"(["if",true,1,["regexTest","","("]])") == "1");
  const std::string groups = testing::nested(100, "(a)", "", "");
  CHECK(call("regexTest", "[\"a\",\"" + groups + "\"]") == "value /regexTest/1");
  CHECK(call("regexTest", "[\"a\",\"" + std::string(20000, 'a') + "\"]") == "value /regexTest/1");
  CHECK(call("regexTest", "[\"a\",\"((a{100}){100}){100}\"]") == "value /regexTest/1");
  CHECK(call("regexTest", "[\"a\",\"" + testing::nested(5000, "(?:", "a", ")") + "\"]") == "value /regexTest/1");
}

TEST_CASE("regexFind tells match, groups, names and where") {
  CHECK(call("regexFind", R"(["\u00e9t\u00e9 id=17","(?P<key>\\w+)=(\\d+)(x)?"])") ==
        R"({"groups":["id","17",null],"match":"id=17","named":{"key":"id"},"start":4})");
  CHECK(call("regexFind", R"x(["abc","(?<b>b)(?<a>)"])x") ==
        R"({"groups":["b",""],"match":"b","named":{"a":"","b":"b"},"start":1})");
  CHECK(call("regexFind", R"(["abc","x*"])") == R"({"groups":[],"match":"","named":{},"start":0})");
  CHECK(call("regexFind", R"(["abc","x"])") == "null");
  CHECK(call("regexFind", R"(["",""])") == R"({"groups":[],"match":"","named":{},"start":0})");
}

TEST_CASE("names of groups may be spelled with or without P, and only where a group begins") {
  const auto named = [](const std::string& pattern) {
    return outcome(R"(["let",{"f":["regexFind",["$input","/0"],["$input","/1"]]},["$","/f/match"]])",
                   R"(["a(?<x>b]c",")" + pattern + "\"]");
  };
  CHECK(named(R"((?<n>a))") == R"("a")");
  CHECK(named(R"((?P<n>a))") == R"("a")");
  CHECK(named(R"([(?<x>]+)") == R"("(?<x>")");
  CHECK(named(R"([]b(?<x>]+)") == R"("(?<x>b]")");
  CHECK(named(R"([^[:alpha:]]+)") == R"("(?<")");
  CHECK(named(R"(\\(\\?<x>b)") == R"("(?<x>b")");
  CHECK(named(R"(\\Q(?<x>\\Eb)") == R"("(?<x>b")");
  CHECK(named(R"(\\Q(?<x>b)") == R"("(?<x>b")");
  CHECK(named(R"(\\[(?<n>a)|(?<m>c))") == R"("c")");
}

TEST_CASE("all matches are found, none overlapping") {
  const auto texts = [](const char* arguments) {
    return outcome(R"(["map",["regexFindAll",["$input","/0"],["$input","/1"]],["lambda",["m"],["$","/m/match"]]])",
                   arguments);
  };
  CHECK(texts(R"(["a1b22","\\d+"])") == R"(["1","22"])");
  CHECK(texts(R"(["aaaa","aa"])") == R"(["aa","aa"])");
  CHECK(texts(R"(["baac","a*"])") == R"(["","aa",""])");
  CHECK(texts(R"(["\u00e9\u00e9",""])") == R"(["","",""])");
  CHECK(texts(R"(["","a"])") == "[]");
  CHECK(texts(R"(["foo bar","\\b\\w"])") == R"(["f","b"])");
  CHECK(texts(R"(["aaa","^a"])") == R"(["a"])");
  CHECK(outcome(R"(["map",["regexFindAll","äxöx","x"],["lambda",["m"],["$","/m/start"]]])") == "[1,3]");
  CHECK(call("regexFindAll", R"(["aaa","a",0])") == "[]");
  CHECK(outcome(R"(["count",["regexFindAll","aaa","a",2]])") == "2");
  CHECK(call("regexFindAll", R"(["aaa","a",-1])") == "value /regexFindAll/2");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "ab";
  CHECK(outcome(R"(["count",["regexFindAll",["$input"],"a"]])", "\"" + many + "\"") == "5000");
}

TEST_CASE("regexCapture gives the named groups as an object") {
  CHECK(call("regexCapture", R"(["17:45","(?P<h>\\d+):(?P<m>\\d+)(?P<s>x)?"])") ==
        R"({"h":"17","m":"45","s":null})");
  CHECK(call("regexCapture", R"x(["x","(?P<h>\\d+)"])x") == "null");
  CHECK(call("regexCapture", R"x(["x","(\\d+)"])x") == "value /regexCapture/1");
  CHECK(strict_problem(R"x(["regexCapture",["$input"],"(a)"])x")
            .starts_with("value expected a regular expression with named"));
  CHECK(strict_problem(R"x(["regexCapture",["$input"],"(?<n>a)"])x").empty());
}

TEST_CASE("regexReplace puts groups where the replacement refers to them") {
  CHECK(call("regexReplace", R"x(["John Smith","(\\w+) (\\w+)","$2, $1"])x") == R"("Smith, John")");
  CHECK(call("regexReplace", R"(["a1b2","\\d","<$0>"])") == R"("a<1>b<2>")");
  CHECK(call("regexReplace", R"(["a1b2","\\d","-",1])") == R"("a-b2")");
  CHECK(call("regexReplace", R"(["\u0061","x","-"])") == R"("\u0061")");
  CHECK(call("regexReplace", R"(["\u0061","a","-",0])") == R"("\u0061")");
  CHECK(call("regexReplace", R"(["a","(?<n>a)(b)?","[${n}${1}$2]"])") == R"("[aa]")");
  CHECK(call("regexReplace", R"(["5","5","$$5 $ ${ $x"])") == R"("$5 $ ${ $x")");
  CHECK(call("regexReplace", R"x(["a","(a)","$10"])x") == R"("a0")");
  CHECK(call("regexReplace", R"(["baac","a*","-"])") == R"("-b-c-")");
  CHECK(call("regexReplace", R"(["äö","","."])") == R"(".ä.ö.")");
  CHECK(call("regexReplace", R"(["","^$","x"])") == R"("x")");
  CHECK(call("regexReplace", R"(["a","a","$1"])") == "value /regexReplace/2");
  CHECK(call("regexReplace", R"(["a","a","${n}"])") == "value /regexReplace/2");
  CHECK(call("regexReplace", R"(["a","a","${99999999999}"])") == "value /regexReplace/2");
  CHECK(strict_problem(R"(["regexReplace",["$input"],"a","$1"])") == "value the pattern has no group \"1\"");
  CHECK(strict_problem(R"(["regexReplace",["$input"],["$input"],"$1"])").empty());
  Limits limits;
  limits.output_bytes = 50;
  CHECK(call("regexReplace", R"(["aaaaaaaaaa","a","1234567890"])", limits) == "limit /");
}

TEST_CASE("regexSplit cuts at matches of something") {
  CHECK(call("regexSplit", R"(["a1b22c","\\d+"])") == R"(["a","b","c"])");
  CHECK(call("regexSplit", R"([",a,",","])") == R"(["","a",""])");
  CHECK(call("regexSplit", R"(["abc","x*"])") == R"(["abc"])");
  CHECK(call("regexSplit", R"(["axxb","x*"])") == R"(["a","b"])");
  CHECK(call("regexSplit", R"(["",","])") == R"([""])");
  CHECK(call("regexSplit", R"(["a,b,c",",",2])") == R"(["a","b,c"])");
  CHECK(call("regexSplit", R"(["a",",",0])") == "value /regexSplit/2");
}

TEST_CASE("patterns that ruin a backtracking matcher take their time by length alone") {
  const std::string text(50000, 'a');
  CHECK(call("regexTest", "[\"" + text + "\",\"^(a+)+$\"]") == "true");
  CHECK(call("regexTest", "[\"" + text + "b\",\"^(a|aa)+$\"]") == "false");
  CHECK(call("regexTest", "[\"" + text + "\",\"(x+x+)+y\"]") == "false");
  Limits limits;
  limits.steps = 100000;
  CHECK(outcome(R"(["count",["regexFindAll",["$input"],"a.*b|a"]])", "\"" + text + "\"", limits) ==
        "limit /count/0");
}

TEST_CASE("a thousand patterns leave a machine with a bounded number of them") {
  std::string inputs = "[";
  for (int i = 0; i < 1000; ++i) inputs += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\"";
  CHECK(
      outcome(R"(["every",["$input"],["lambda",["t"],["regexTest",["$","/t"],["strConcat","^",["$","/t"],"$"]]]])",
              inputs + "]") == "true");
}

}  // namespace colloquium::computo
