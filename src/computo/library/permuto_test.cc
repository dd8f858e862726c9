#include "computo/library/permuto.h"

#include <catch2/catch.hpp>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

namespace {
const std::string kContext = R"({"user":{"id":7,"name":"Zo\u00eb","tags":["a"]},"n":1.50,"t":"${/n}","a/b":null})";

// The template filled from kContext, under options.
std::string filled(const std::string& text, const std::string& options = "{}") {
  return outcome(R"(["permuto.apply",["$input","/0"],["$input","/1"],["$input","/2"]])",
                 "[" + text + "," + kContext + "," + options + "]");
}
}  // namespace

TEST_CASE("a template's placeholders become parts of the context", "[REQ-031]") {
  CHECK(filled(R"({"b":"${/n}","a":["${/user/tags}",1.0]})") == R"({"a":[["a"],1.0],"b":1.50})");
  CHECK(filled(R"({"b":1.0,"a":"plain ${/n}"})") == R"({"b":1.0,"a":"plain ${/n}"})");
  CHECK(filled(R"("${/t}")") == R"("${/n}")");
  CHECK(filled(R"("${/a~1b}")") == "null");
  CHECK(filled(R"({"${/n}":1})") == R"({"${/n}":1})");
  CHECK(filled(R"("${n}")") == R"("${n}")");
  CHECK(filled(R"("${/n")") == R"("${/n")");
}

TEST_CASE("interpolation puts text into text") {
  CHECK(filled(R"("Hi ${/user/name}: ${/user/tags}, ${/n}")", R"({"interpolation":true})") ==
        R"("Hi Zoë: [\"a\"], 1.5")");
  CHECK(filled(R"("${/n}${/t}")", R"({"interpolation":true})") == R"("1.5${/n}")");
  CHECK(filled(R"("${/n} ${/gone} ${x} ${")", R"({"interpolation":true})") == R"("1.5 ${/gone} ${x} ${")");
  CHECK(filled(R"("${/n}")", R"({"interpolation":true})") == "1.50");
  CHECK(filled(R"("<</n>> <</n>")", R"({"interpolation":true,"start":"<<","end":">>"})") == R"("1.5 <</n>")");
}

TEST_CASE("a missing pointer stays, fails or disappears") {
  CHECK(filled(R"(["${/gone}",1])") == R"(["${/gone}",1])");
  CHECK(filled(R"(["${/gone}",1])", R"({"missing_key":"remove"})") == "[1]");
  CHECK(filled(R"({"a":{"b":"${/gone}"}})", R"({"missing_key":"remove"})") == R"({"a":{}})");
  CHECK(filled(R"(["${/gone}",1])", R"({"missing_key":"error"})") == "pointer /permuto.apply/1");
  CHECK(filled(R"("${/n}")", R"({"missing_key":"remove"})") == "value /permuto.apply/0");
}

TEST_CASE("options are checked") {
  for (const char* wrong :
       {R"({"start":""})", R"({"end":"${"})", R"({"max_depth":0})", R"({"max_depth":-1})",
        R"({"missing_key":"drop"})", R"({"missing_key":"remove","interpolation":true})", R"({"depth":1})"}) {
    INFO(wrong);
    CHECK(filled("1", wrong) == "value /permuto.apply/2");
  }
  for (const char* wrong :
       {R"({"start":1})", R"({"interpolation":"yes"})", R"({"missing_key":null})", R"({"max_depth":1.5})"}) {
    INFO(wrong);
    CHECK(filled("1", wrong) == "type /permuto.apply/2");
  }
  CHECK(filled("[[1]]", R"({"max_depth":2})") == "limit /");
  CHECK(filled(testing::nested(900, "[", "1", "]"), R"({"max_depth":4000000000})").size() == 1801);
}

TEST_CASE("a program may come with options of its own, which a call's options override") {
  CompileOptions options;
  options.permuto.interpolation = true;
  CompileFailure failure;
  for (const auto& [script, expected] :
       {std::pair(R"(["permuto.apply","x ${/0}",["$input"]])", "\"x 5\""),
        std::pair(R"(["permuto.apply","x ${/0}",["$input"],{"interpolation":false}])", "\"x ${/0}\"")}) {
    Evaluator evaluator(compile_json(script, options, failure));
    const testing::Text input("[5]");
    CHECK(outcome(evaluator, {input.view()}) == expected);
  }
}

TEST_CASE("a result is read backwards into the context the template mentions") {
  const std::string fill = R"({"id":"${/user/id}","all":["${/user/tags/0}","text","${/a~1b}"]})";
  CHECK(outcome(R"(["permuto.reverseTemplate",["$input"]])", fill) ==
        R"({"/all/0":"/user/tags/0","/all/2":"/a~1b","/id":"/user/id"})");
  CHECK(outcome(R"(["permuto.reverse",["$input","/0"],["permuto.apply",["$input","/0"],["$input","/1"]]])",
                "[" + fill + "," + kContext + "]") == R"({"a/b":null,"user":{"id":7,"tags":{"0":"a"}}})");
  CHECK(outcome(R"(["permuto.reverse",["$input"],{"x":1}])", R"({"x":"${/a}","y":"${/b}"})") == R"({"a":1})");
  CHECK(outcome(R"(["permuto.reverse",["$input"],{"x":1,"y":2}])", R"({"x":"${/a}","y":"${/a/b}"})") ==
        "type /permuto.reverse/0");
  CHECK(outcome(R"(["permuto.reverse",["$input"],[],{"interpolation":true}])", "[]") ==
        "value /permuto.reverse/2");
}

}  // namespace colloquium::computo
