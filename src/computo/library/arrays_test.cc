#include "computo/library/arrays.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

TEST_CASE("enumerate, chunk and window cut an array into smaller ones", "[REQ-031]") {
  CHECK(outcome(R"(["enumerate",["$input"]])", R"(["\u00e9",[1.50]])") == R"([[0,"\u00e9"],[1,[1.50]]])");
  CHECK(outcome(R"(["enumerate",[]])") == "[]");
  CHECK(outcome(R"(["chunk",["$input"],2])", "[1,2,3]") == "[[1,2],[3]]");
  CHECK(outcome(R"(["chunk",["$input"],9223372036854775807])", "[1,2]") == "[[1,2]]");
  CHECK(outcome(R"(["chunk",["$input"],1])", "[]") == "[]");
  CHECK(outcome(R"(["chunk",["$input"],0])", "[1]") == "value /chunk/1");
  CHECK(outcome(R"(["chunk",["$input"],1.5])", "[1]") == "type /chunk/1");
  CHECK(outcome(R"(["chunk",null,1])") == "type /chunk/0");
  CHECK(outcome(R"(["window",["$input"],3])", "[1,2,3,4]") == "[[1,2,3],[2,3,4]]");
  CHECK(outcome(R"(["window",["$input"],2,3])", "[1,2,3,4,5]") == "[[1,2],[4,5]]");
  CHECK(outcome(R"(["window",["$input"],2,9223372036854775807])", "[1,2,3]") == "[[1,2]]");
  CHECK(outcome(R"(["window",["$input"],5])", "[1,2]") == "[]");
  CHECK(outcome(R"(["window",["$input"],1,0])", "[1]") == "value /window/2");
}

TEST_CASE("slices count from either end and never leave the array") {
  const auto sliced = [](const std::string& arguments) {
    return outcome(R"(["slice",["$input"],)" + arguments + "]", "[1,2,3,4]");
  };
  CHECK(sliced("1,3") == "[2,3]");
  CHECK(sliced("-2") == "[3,4]");
  CHECK(sliced("-9,-1") == "[1,2,3]");
  CHECK(sliced("3,1") == "[]");
  CHECK(sliced("9") == "[]");
  CHECK(sliced("-9223372036854775808,9223372036854775807") == "[1,2,3,4]");
  CHECK(sliced("\"1\"") == "type /slice/1");
  CHECK(outcome(R"(["take",["$input"],2])", "[1,2,3]") == "[1,2]");
  CHECK(outcome(R"(["take",["$input"],-2])", "[1,2,3]") == "[2,3]");
  CHECK(outcome(R"(["take",["$input"],99])", "[1,2,3]") == "[1,2,3]");
  CHECK(outcome(R"(["drop",["$input"],1])", "[1,2,3]") == "[2,3]");
  CHECK(outcome(R"(["drop",["$input"],-1])", "[1,2,3]") == "[1,2]");
  CHECK(outcome(R"(["drop",["$input"],-9223372036854775808])", "[1,2,3]") == "[]");
  CHECK(outcome(R"(["first",["$input"]])", "[]") == "null");
  CHECK(outcome(R"(["last",["$input"]])", "[]") == "null");
  CHECK(outcome(R"(["last",["$input"]])", R"([[1],{"b":1,"a":2}])") == R"({"b":1,"a":2})");
  CHECK(outcome(R"(["last",["map",["$input"],["lambda",["x"],["$","/x"]]]])", "[1,2]") == "2");
  CHECK(outcome(R"(["first","x"])") == "type /first/0");
}

TEST_CASE("a slice of what an operator made shares it, and neither changes when the other grows") {
  CHECK(outcome(
            R"(["let",[["a",["append",["$input"],[3]]],["b",["append",["$","/a"],[4]]],["c",["take",["$","/b"],3]],
                    ["d",["append",["$","/c"],[9]]]],[["$","/b"],["$","/d"]]])",
            "[1,2]") == "[[1,2,3,4],[1,2,3,9]]");
}

TEST_CASE("ranges are bounded by the machine's limits and never overflow") {
  CHECK(outcome(R"(["range",3])") == "[0,1,2]");
  CHECK(outcome(R"(["range",0])") == "[]");
  CHECK(outcome(R"(["range",-3])") == "[]");
  CHECK(outcome(R"(["range",2,5])") == "[2,3,4]");
  CHECK(outcome(R"(["range",5,2,-2])") == "[5,3]");
  CHECK(outcome(R"(["range",0,1,0])") == "value /range/2");
  CHECK(outcome(R"(["range",-9223372036854775808,9223372036854775807,9223372036854775807])") ==
        "[-9223372036854775808,-1,9223372036854775806]");
  CHECK(outcome(R"(["range",9223372036854775807,-9223372036854775808,-9223372036854775808])") ==
        "[9223372036854775807,-1]");
  CHECK(outcome(R"(["range",1e18])") == "limit /");
  CHECK(outcome(R"(["range",4000000000])") == "limit /");
  CHECK(outcome(R"(["range",1.5])") == "type /range/0");
}

TEST_CASE("flatten goes as deep as it is told and keeps what is no array") {
  CHECK(outcome(R"(["flatten",["$input"]])", R"([1,[2,[3]],{"a":[4]}])") == R"([1,2,[3],{"a":[4]}])");
  CHECK(outcome(R"(["flatten",["$input"],0])", "[1,[2]]") == "[1,[2]]");
  CHECK(outcome(R"(["flatten",["$input"],1000])", testing::nested(500, "[", "1", "]")) == "[1]");
  CHECK(outcome(R"(["flatten",["$input"]])", "[]") == "[]");
  CHECK(outcome(R"(["flatten",["$input"],-1])", "[1]") == "value /flatten/1");
  CHECK(outcome(R"(["flatten",5])") == "type /flatten/0");
}

TEST_CASE("transpose makes columns rows, as far as all rows go") {
  CHECK(outcome(R"(["transpose",["$input"]])", "[[1,2,3],[4,5]]") == "[[1,4],[2,5]]");
  CHECK(outcome(R"(["transpose",["$input"]])", "[]") == "[]");
  CHECK(outcome(R"(["transpose",["$input"]])", "[[],[1]]") == "[]");
  CHECK(outcome(R"(["transpose",["$input"]])", "[[1],2]") == "type /transpose/0");
}

TEST_CASE("list evaluates its operands") {
  CHECK(outcome(R"(["list"])") == "[]");
  CHECK(outcome(R"(["list",["+",1,1],"a",["$input"]])", R"({"b":1.0})") == R"([2,"a",{"b":1.0}])");
}

TEST_CASE("arrays as sets compare elements as == does and keep the order of the first") {
  CHECK(outcome(R"(["union",["$input"],[1.0,"a",4]])", R"([1,"\u0061",1,null])") == R"([1,"\u0061",null,4])");
  CHECK(outcome(R"(["intersection",["$input"],[2.0,3,1],[1,2]])", "[3,2,2,1]") == "[2,1]");
  CHECK(outcome(R"(["intersection",["$input"]])", "[3,3]") == "[3]");
  CHECK(outcome(R"(["difference",["$input"],[2],[{"a":1}]])", R"([1,2,{"a":1.0},1,3])") == "[1,3]");
  CHECK(outcome(R"(["difference",[],[1]])") == "[]");
  CHECK(outcome(R"(["union",[],[]])") == "[]");
  CHECK(outcome(R"(["union",[1],null])") == "type /union/1");
}

TEST_CASE("sets agree with their definition on random arrays") {
  std::mt19937 random(7);
  const auto array = [&] {
    std::string text = "[";
    for (size_t i = 0, size = random() % 12; i < size; ++i)
      text += (i > 0 ? "," : "") + std::to_string(random() % 9);
    return text + "]";
  };
  for (int round = 0; round < 100; ++round) {
    const std::string input = "[" + array() + "," + array() + "]";
    const std::string unions = R"(["union",["$input","/0"],["$input","/1"]])";
    const std::string common = R"(["intersection",["$input","/0"],["$input","/1"]])";
    const std::string left = R"(["difference",["$input","/0"],["$input","/1"]])";
    INFO(input);
    CHECK(outcome(unions, input) == outcome(R"(["unique",["append",["$input","/0"],["$input","/1"]]])", input));
    CHECK(outcome(R"(["sort",["append",)" + common + "," + left + "]]", input) ==
          outcome(R"(["sort",["unique",["$input","/0"]]])", input));
    CHECK(outcome(R"(["intersection",)" + left + R"(,["$input","/1"]])", input) == "[]");
  }
}

TEST_CASE("work in proportion to an array takes steps") {
  Limits few;
  few.steps = 500;
  const std::string input = testing::numbers(2000);
  for (const char* script :
       {R"(["enumerate",["$input"]])", R"(["chunk",["$input"],1])", R"(["flatten",["$input"]])",
        R"(["union",["$input"]])", R"(["slice",["$input"],0,-1])", R"(["sum",["$input"]])", R"(["range",2000])",
        R"(["median",["$input"]])", R"(["paths",["$input"]])", R"(["diff",["$input"],[]])"}) {
    INFO(script);
    CHECK(outcome(script, input, few).starts_with("limit /"));
  }
}

}  // namespace colloquium::computo
