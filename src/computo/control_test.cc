// Operators that call functions, catch failures, match patterns and change metrics.

#include <catch2/catch.hpp>
#include <string>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

TEST_CASE("try gives the second operand where the first fails, and only there") {
  CHECK(outcome(R"(["try",["+",1,1],["/",1,0]])") == "2");
  CHECK(outcome(R"(["try",["/",1,0]])") == "null");
  CHECK(outcome(R"(["try",["/",1,0],7])") == "7");
  CHECK(outcome(R"(["try",["/",1,0],["/",2,0]])") == "division_by_zero /try/1/~1/1");
  CHECK(outcome(R"([1,["try",["$input","/none"],"x"],3])", "{}") == R"([1,"x",3])");
}

TEST_CASE("a handler that is a lambda gets category, message and path of the error") {
  CHECK(outcome(R"(["try",["+",1,"a"],["lambda",["e"],["$","/e"]]])") ==
        R"({"category":"type","message":"expected number, got string \"a\"","path":"/try/0/+/1"})");
  CHECK(outcome(R"(["try",["error",{"a":1}],["lambda",["e"],[["$","/e/category"],["$","/e/message"]]]])") ==
        R"(["user","{\"a\":1}"])");
}

TEST_CASE("a failure inside functions is caught outside of them, and everything goes on as before") {
  CHECK(outcome(R"(["map",[1,0,2],["lambda",["x"],["try",["/",2,["$","/x"]],"inf"]]])") == R"([2,"inf",1])");
  CHECK(outcome(
            R"(["try",["map",[1,2],["lambda",["x"],["map",[1,0],["lambda",["y"],["/",1,["$","/y"]]]]]],"out"])") ==
        R"("out")");
  CHECK(outcome(R"(["let",[["k",5]],["map",[1,2],["lambda",["x"],["+",["$","/k"],["try",["reduce",[1,2],)"
                R"(["lambda",["a","b"],["error","no"]],0],["$","/x"]]]]]])") == "[6,7]");
  CHECK(outcome(R"(["try",["try",["error","inner"],["error","outer"]],["lambda",["e"],["$","/e/message"]]])") ==
        R"("outer")");
}

TEST_CASE("a limit that is exceeded is not caught") {
  Limits limits;
  limits.steps = 1000;
  CHECK(outcome(R"(["try",["reduce",["$input"],["lambda",["a","b"],["+",["$","/a"],1]],0],"caught"])",
                "[" + testing::nested(600, "1,", "1", "") + "]", limits) == "limit /try/0/reduce/lambda");
}

TEST_CASE("coalesce takes the first that is not null and leaves the rest unevaluated") {
  CHECK(outcome(R"(["coalesce",null,false,["/",1,0]])") == "false");
  CHECK(outcome(R"(["coalesce",null,["if",true,null,1]])") == "null");
  CHECK(outcome(R"(["coalesce",["$input","/a"],"x"])", R"({"a":null})") == R"("x")");
}

TEST_CASE("a function can be called, with as many arguments as it has parameters") {
  CHECK(outcome(R"(["call",["lambda",[],4]])") == "4");
  CHECK(outcome(R"(["let",[["f",["lambda",["n"],["if",["<",["$","/n"],2],1,["*",["$","/n"],)"
                R"(["call",["$","/f"],["-",["$","/n"],1]]]]]]],["call",["$","/f"],10]])") == "3628800");
  CHECK(outcome(R"(["call",["lambda",["a"],1],1,2])") == "lambda /call/0");
  CHECK(outcome(R"(["call",5])") == "lambda /call/0");
  CHECK(outcome(R"(["let",[["a",1],["f",["lambda",["x","y"],["-",["$","/x"],["+",["$","/y"],["$","/a"]]]]]],)"
                R"(["+",100,["call",["$","/f"],10,["call",["$","/f"],5,3]]]])") == "108");
}

TEST_CASE("calls that nest without end meet the limit of depth, not the end of the stack") {
  CHECK(outcome(R"(["let",[["f",["lambda",["n"],["+",1,["call",["$","/f"],["$","/n"]]]]]],["call",["$","/f"],1]])")
            .substr(0, 5) == "limit");
}

TEST_CASE("match takes the first pattern that matches, binds its names, and can ask for more") {
  const std::string script = R"(["match",["$input"],)"
                             R"({"kind":"a","n":1},"one",)"
                             R"(["obj","kind","a","n",["$","/n"]],["+",["$","/n"],1],)"
                             R"([["$","/x"],["type","string"]],["$","/x"],)"
                             R"(["when",["$","/v"],[">",["$","/v"],10]],["-",["$","/v"]],)"
                             R"(["or",1,2],"few",)"
                             R"(["$","/_"],"other"])";
  CHECK(outcome(script, R"({"kind":"a","n":1,"more":true})") == R"("one")");
  CHECK(outcome(script, R"({"kind":"a","n":41})") == "42");
  CHECK(outcome(script, R"([5,"s"])") == "5");
  CHECK(outcome(script, R"([5,6])") == "type /match/7/when/1/>/0");
  CHECK(outcome(script, "11") == "-11");
  CHECK(outcome(script, "2") == R"("few")");
  CHECK(outcome(script, "3") == R"("other")");
}

TEST_CASE("match without default is an error where nothing matches") {
  CHECK(outcome(R"(["match",5,4,"four"])") == "value /match/0");
  CHECK(outcome(R"(["match",5,4,"four","else"])") == R"("else")");
  CHECK(outcome(R"(["match",[1,2],[["$","/a"],["$","/b"]],["+",["$","/a"],["$","/b"]]])") == "3");
  CHECK(outcome(R"([["match",{"a":{"b":1}},{"a":{"b":1}},"deep"],2])") == R"(["deep",2])");
}

TEST_CASE("what is no pattern is told as such") {
  CHECK(outcome(R"(["match",5,["+",1,2],1,2])").substr(0, 5) == "value");
  CHECK(outcome(R"(["match",[1,1],[["$","/a"],["$","/a"]],1,2])").substr(0, 5) == "value");
  CHECK(outcome(R"(["match",1,["or",["$","/a"],1],1,2])").substr(0, 5) == "value");
  CHECK(outcome(R"(["match",1,["type","text"],1,2])").substr(0, 5) == "value");
}

TEST_CASE("changes of metrics are given to the host, and none if the evaluation fails") {
  CompileOptions options;
  options.metrics = {{"orders", MetricKind::kCounter}, {"total", MetricKind::kHistogram}};
  const testing::Text input(R"({"total":19.5,"country":"no"})");
  Evaluator evaluator(testing::compiled(
      R"(["metricAdd","orders",1,["obj","c",["$input","/country"]],["metricObserve","total",["$input","/total"],true]])",
      options));
  CHECK(outcome(evaluator, {input.view()}) == "true");
  REQUIRE(evaluator.effects().size() == 2);
  CHECK(evaluator.effects()[0].metric == "orders");
  CHECK(evaluator.effects()[0].labels == R"({"c":"no"})");
  CHECK(evaluator.effects()[1].number == 19.5);
  CHECK(outcome(R"(["metricAdd","orders",1,2])") == "value /metricAdd/0");
  Evaluator wrong(testing::compiled(R"(["metricAdd","total",1,2])", options));
  CHECK(outcome(wrong) == "value /metricAdd/0");
}

TEST_CASE("a caught failure takes its changes of metrics back") {
  CompileOptions options;
  options.any_metric = true;
  Evaluator evaluator(testing::compiled(
      R"(["metricAdd","a",1,["try",["metricAdd","b",1,["error","x"]],["metricAdd","c",1,0]]])", options));
  CHECK(outcome(evaluator) == "0");
  REQUIRE(evaluator.effects().size() == 2);
  CHECK(evaluator.effects()[1].metric == "c");
}

TEST_CASE("update gives the part to the function, null where there is none, and shares the rest") {
  CHECK(outcome(R"(["update",["$input"],"/a/n",["lambda",["x"],["+",["$","/x"],1]]])",
                R"({"a":{"n":1},"b": [1.0]})") == R"({"a":{"n":2},"b":[1.0]})");
  CHECK(outcome(R"(["update",["$input"],"/x/y",["lambda",["x"],["==",["$","/x"],null]]])", "{}") ==
        R"({"x":{"y":true}})");
  CHECK(outcome(R"(["update",["$input"],"/a",["lambda",["x"],["error","no"]]])", "{}") ==
        "user /update/2/lambda/body");
  CHECK(outcome(R"(["update",["$input"],"/a",5])", "{}") == "lambda /update/2");
}

TEST_CASE("loops by the table keep order, take untouched elements and blame the right place") {
  const std::string rows = R"([{"k":"b","v":2},{"k":"a","v":1},{"k":"b","v":1.50}])";
  const std::string by = R"(["lambda",["x"],["$","/x/k"]])";
  CHECK(outcome(R"(["groupBy",["$input"],)" + by + "]", rows) ==
        R"({"a":[{"k":"a","v":1}],"b":[{"k":"b","v":2},{"k":"b","v":1.50}]})");
  CHECK(outcome(R"(["sortBy",["$input"],["lambda",["x"],["$","/x/v"]]])", rows) ==
        R"([{"k":"a","v":1},{"k":"b","v":1.50},{"k":"b","v":2}])");
  CHECK(outcome(R"(["uniqueBy",["$input"],)" + by + "]", rows) == R"([{"k":"b","v":2},{"k":"a","v":1}])");
  CHECK(outcome(R"(["maxBy",[],["lambda",["x"],1]])") == "null");
  CHECK(outcome(R"(["sumBy",[1,2],["lambda",["x"],"a"]])") == "type /sumBy/lambda");
  CHECK(outcome(R"(["mapValues",["$input"],["lambda",["v","k"],["strConcat",["$","/k"],["$","/v"]]]])",
                R"({"b":1,"a":2})") == R"({"a":"a2","b":"b1"})");
  CHECK(outcome(R"(["mapValues",[1],["lambda",["v","k"],1]])") == "type /mapValues/0");
  CHECK(outcome(R"(["groupBy",[1],["lambda",["x"],[]]])") == "type /groupBy/lambda");
  CHECK(outcome(R"(["zipWith",[1,2,3],[4,5],["lambda",["a","b"],[["$","/a"],["$","/b"]]]])") == "[[1,4],[2,5]]");
  CHECK(outcome(R"(["zipWith",[1],5,["lambda",["a","b"],1]])") == "type /zipWith/1");
  CHECK(outcome(R"(["flatMap",[],["lambda",["x"],1]])") == "[]");
  CHECK(outcome(R"(["flatMap",[1],["lambda",["x","y"],1]])") == "lambda /flatMap/lambda");
}

}  // namespace colloquium::computo
