#include "computo/library/encoding.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("base64 is that of RFC 4648, in both alphabets", "[REQ-031]") {
  // Section 10 of the RFC.
  const char* const vectors[][2] = {{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, code] : vectors) {
    CHECK(call("base64Encode", "[\"" + std::string(text) + "\"]") == "\"" + std::string(code) + "\"");
    CHECK(call("base64Decode", "[\"" + std::string(code) + "\"]") == "\"" + std::string(text) + "\"");
  }
  CHECK(call("base64Encode", R"(["?>~é","url"])") == R"("Pz5-w6k")");
  CHECK(call("base64Encode", R"(["?>~é","standard"])") == R"("Pz5+w6k=")");
  CHECK(call("base64Decode", R"(["Pz5-w6k"])") == R"("?>~é")");
  CHECK(call("base64Decode", R"(["Pz5+w6k="])") == R"("?>~é")");
  for (const char* bad :
       {"A", "AAAAA", "Zg=", "Zg===", "Zm9v=", "=", "====", "Zh==", "Z g==", "Zm9*", "Zm9vé", "Zg==Zg=="}) {
    INFO(bad);
    CHECK(call("base64Decode", "[\"" + std::string(bad) + "\"]") == "value /base64Decode/0");
  }
  CHECK(call("base64Decode", R"(["/w=="])") == "value /base64Decode/0");
  CHECK(call("base64Decode", "[null]") == "type /base64Decode/0");
  CHECK(call("base64Encode", R"(["a","URL"])") == "value /base64Encode/1");
  CHECK(strict_problem(R"(["base64Encode",["$input"],"x"])") ==
        "value expected \"standard\" or \"url\", got \"x\"");
  CHECK(strict_problem(R"(["base64Encode",["$input"],"url"])").empty());
}

TEST_CASE("hexadecimal digits say bytes") {
  CHECK(call("hexEncode", R"(["Zo\u00eb"])") == R"("5a6fc3ab")");
  CHECK(call("hexDecode", R"(["5A6fC3ab"])") == R"("Zoë")");
  CHECK(call("hexEncode", R"([""])") == R"("")");
  CHECK(call("hexDecode", R"([""])") == R"("")");
  for (const char* bad : {"5", "5g", "zz", "ff", "c3", "eda080", "5a "}) {
    INFO(bad);
    CHECK(call("hexDecode", "[\"" + std::string(bad) + "\"]") == "value /hexDecode/0");
  }
  CHECK(call("hexEncode", "[1]") == "type /hexEncode/0");
}

TEST_CASE("percent-encoding keeps what URLs leave unreserved") {
  CHECK(call("urlEncode", R"(["aZ09-._~"])") == R"("aZ09-._~")");
  CHECK(call("urlEncode", R"(["a b/ë+&="])") == R"("a%20b%2F%C3%AB%2B%26%3D")");
  CHECK(call("urlDecode", R"(["a%20b%2f%C3%ab+"])") == R"("a b/ë+")");
  CHECK(call("urlDecode", R"(["\u0061"])") == R"("\u0061")");
  for (const char* bad : {"%", "%2", "a%2", "%zz", "%ff", "%C3"}) {
    INFO(bad);
    CHECK(call("urlDecode", "[\"" + std::string(bad) + "\"]") == "value /urlDecode/0");
  }
  CHECK(call("urlDecode", "[null]") == "type /urlDecode/0");
}

TEST_CASE("queries are read and written") {
  CHECK(call("parseQuery", R"(["?q=a+b%26&tag=x&tag=&flag&=v&&a=b=c"])") ==
        R"({"":"v","a":"b=c","flag":"","q":"a b&","tag":["x",""]})");
  CHECK(call("parseQuery", R"([""])") == "{}");
  CHECK(call("parseQuery", R"(["?"])") == "{}");
  CHECK(call("parseQuery", R"(["b=1&a=2&b=3&a=4&b=5"])") == R"({"a":["2","4"],"b":["1","3","5"]})");
  CHECK(call("parseQuery", R"(["a=%"])") == "value /parseQuery/0");
  CHECK(call("parseQuery", R"(["%ff=1"])") == "value /parseQuery/0");
  CHECK(call("formatQuery", R"([{"b":"x y","a":1.50,"c":[true,"é"],"d":null,"e":[]}])") ==
        R"("a=1.5&b=x%20y&c=true&c=%C3%A9")");
  CHECK(call("formatQuery", "[{}]") == R"("")");
  CHECK(call("formatQuery", R"([{"a":{"b":1}}])") == "type /formatQuery/0");
  CHECK(call("formatQuery", R"([{"a":[null]}])") == "type /formatQuery/0");
  CHECK(call("formatQuery", "[[]]") == "type /formatQuery/0");
  CHECK(outcome(R"(["parseQuery",["formatQuery",["$input"]]])", R"({"a&=":"+ %","ü":["1","2"]})") ==
        R"({"a&=":"+ %","ü":["1","2"]})");
}

TEST_CASE("URLs come apart as they are spelled") {
  CHECK(
      call("parseUrl", R"(["HTTPS://User:p%40:w@Example.ORG:443/a%20b;c?x=1?&y#f#g"])") ==
      R"({"fragment":"f#g","host":"example.org","password":"p%40:w","path":"/a%20b;c","port":443,"query":"x=1?&y",)"
      R"("scheme":"https","user":"User"})");
  CHECK(call("parseUrl", R"(["http://[2001:DB8::1]:8080"])") ==
        R"({"host":"2001:db8::1","port":8080,"scheme":"http"})");
  CHECK(call("parseUrl", R"(["file:///etc/hosts"])") == R"({"path":"/etc/hosts","scheme":"file"})");
  CHECK(call("parseUrl", R"(["mailto:a@b.c"])") == R"({"path":"a@b.c","scheme":"mailto"})");
  CHECK(call("parseUrl", R"(["http://h:?#"])") == R"({"fragment":"","host":"h","query":"","scheme":"http"})");
  CHECK(call("parseUrl", R"(["http://münchen.de/"])") == R"({"host":"münchen.de","path":"/","scheme":"http"})");
  for (const char* bad : {"", "/a/b", "a/b", "1http://x", "://x", "http://a b", "http://h:70000", "http://h:x",
                          "http://[::1", "http://[::1]x", "http://h:-1", "http://a\\\\b"}) {
    INFO(bad);
    CHECK(call("parseUrl", "[\"" + std::string(bad) + "\"]") == "value /parseUrl/0");
  }
  CHECK(call("parseUrl", "[null]") == "type /parseUrl/0");
}

TEST_CASE("HTML is escaped where it has to be") {
  CHECK(call("htmlEscape", R"(["<a href=\"x\">'&amp;é"])") == R"("&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;é")");
  CHECK(call("htmlEscape", R"(["\u0061"])") == R"("\u0061")");
  CHECK(call("htmlEscape", R"([""])") == R"("")");
  CHECK(call("htmlEscape", "[1]") == "type /htmlEscape/0");
}

TEST_CASE("lines of CSV are read by RFC 4180") {
  CHECK(call("parseCsvLine", R"([""])") == R"([""])");
  CHECK(call("parseCsvLine", R"(["a, b ,,"])") == R"(["a"," b ","",""])");
  CHECK(call("parseCsvLine", R"(["\"a,\"\"b\"\"\",\"\",\"x\ny\"\r\n"])") == R"x(["a,\"b\"","","x\ny"])x");
  CHECK(call("parseCsvLine", R"(["a;b,c",";"])") == R"(["a","b,c"])");
  CHECK(call("parseCsvLine", R"(["a\tb\n","\t"])") == R"(["a","b"])");
  for (const char* bad :
       {R"(["\"a"])", R"(["\"a\"b"])", R"(["a\"b"])", R"(["a\nb"])", R"(["a\n\n"])", R"(["\"a\" ,b"])"}) {
    INFO(bad);
    CHECK(call("parseCsvLine", bad) == "value /parseCsvLine/0");
  }
  for (const char* bad : {R"(["a",""])", R"(["a",",,"])", R"(["a","\""])", R"(["a","\n"])", R"(["a","é"])"}) {
    INFO(bad);
    CHECK(call("parseCsvLine", bad) == "value /parseCsvLine/1");
  }
  CHECK(strict_problem(R"(["parseCsvLine",["$input"],"--"])").starts_with("value expected a separator of one"));
  CHECK(call("formatCsvLine", R"([[1.50,"a,b",null,true,"say \"x\"","l\nm",[1,2],{"a":"b"}]])") ==
        R"x("1.5,\"a,b\",,true,\"say \"\"x\"\"\",\"l\nm\",\"[1,2]\",\"{\"\"a\"\":\"\"b\"\"}\"")x");
  CHECK(call("formatCsvLine", R"([["a,b","c;d"],";"])") == R"x("a,b;\"c;d\"")x");
  CHECK(call("formatCsvLine", "[[]]") == R"("")");
  CHECK(call("formatCsvLine", R"(["a"])") == "type /formatCsvLine/0");
  CHECK(call("formatCsvLine", R"([["a"],"ab"])") == "value /formatCsvLine/1");
}

TEST_CASE("pairs of keys and values are read from log lines") {
  CHECK(call("parseKeyValue", R"(["level=info  msg=\"all \\\"well\\\"\\n\\\\ \\x\" n=5 dry_run e= "])") ==
        R"x({"dry_run":true,"e":"","level":"info","msg":"all \"well\"\n\\ \\x","n":"5"})x");
  CHECK(call("parseKeyValue", R"([""])") == "{}");
  CHECK(call("parseKeyValue", R"(["a=1 a=2"])") == R"({"a":"2"})");
  CHECK(call("parseKeyValue", R"(["a=b=c"])") == R"({"a":"b=c"})");
  CHECK(call("parseKeyValue", R"(["a: 1; b: \"x;y\" ;; c :d",";",":"])") == R"({"a":"1","b":"x;y","c":"d"})");
  CHECK(call("parseKeyValue", R"(["a=1 | b | c=2"," | "])") == R"({"a":"1","b":true,"c":"2"})");
  CHECK(call("parseKeyValue", R"(["a:1\tb:2"," ",":"])") == R"({"a":"1","b":"2"})");
  for (const char* bad : {R"(["=1"])", R"(["a=\"x"])", R"(["a=\"x\"y"])", R"(["a= =b"])"}) {
    INFO(bad);
    CHECK(call("parseKeyValue", bad) == "value /parseKeyValue/0");
  }
  CHECK(call("parseKeyValue", R"(["a=1",""])") == "value /parseKeyValue/1");
  CHECK(call("parseKeyValue", R"(["a=1",";","\""])") == "value /parseKeyValue/2");
  CHECK(call("parseKeyValue", "[1]") == "type /parseKeyValue/0");
  CHECK(strict_problem(R"(["parseKeyValue",["$input"],""])").starts_with("value expected a separator"));
}

TEST_CASE("decoding what was encoded gives the text again") {
  std::mt19937 random(9);
  const char* const letters[] = {"a", "Z", "é", "日", "😀",   "\\u0000", "\\\"", "\\\\",
                                 " ", "%", "+", ",",  "\\n", "&",       "="};
  for (int i = 0; i < 300; ++i) {
    std::string text = "\"";
    for (uint32_t n = random() % 9; n > 0; --n) text += letters[random() % std::size(letters)];
    text += '"';
    INFO(text);
    for (const char* script :
         {R"(["base64Decode",["base64Encode",["$input"]]])",
          R"(["base64Decode",["base64Encode",["$input"],"url"]])", R"(["hexDecode",["hexEncode",["$input"]]])",
          R"(["urlDecode",["urlEncode",["$input"]]])",
          R"(["car",["parseCsvLine",["formatCsvLine",[["$input"],["$input"]]]]])",
          R"(["car",["values",["parseQuery",["formatQuery",["obj","k",["$input"]]]]]])"}) {
      CHECK(outcome("[\"==\",[\"$input\"]," + std::string(script) + "]", text) == "true");
    }
  }
}

}  // namespace colloquium::computo
