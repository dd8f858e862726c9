#include "computo/library/conversions.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;

TEST_CASE("type names each of the language's types", "[REQ-031]") {
  CHECK(call("type", "[null]") == R"("null")");
  CHECK(call("type", "[false]") == R"("boolean")");
  CHECK(call("type", "[1.50]") == R"("number")");
  CHECK(call("type", R"([""])") == R"("string")");
  CHECK(call("type", "[[]]") == R"("array")");
  CHECK(call("type", "[{}]") == R"("object")");
  CHECK(outcome(R"(["type",["lambda",["x"],1]])") == R"("function")");
}

TEST_CASE("toInt takes what is an integer of 64 bits and nothing else") {
  CHECK(call("toInt", "[17]") == "17");
  CHECK(call("toInt", "[-9223372036854775808]") == "-9223372036854775808");
  CHECK(call("toInt", "[18446744073709551615]") == "18446744073709551615");
  CHECK(call("toInt", "[1e3]") == "1000");
  CHECK(call("toInt", "[-0.0]") == "0");
  CHECK(call("toInt", R"([" +9007199254740993\t"])") == "9007199254740993");
  CHECK(call("toInt", R"(["18446744073709551615"])") == "18446744073709551615");
  CHECK(call("toInt", R"(["-007"])") == "-7");
  for (const char* bad : {"[1.5]", "[1e300]", "[36893488147419103232]", R"([""])", R"(["+"])", R"(["-"])",
                          R"(["+-1"])", R"(["1.0"])", R"(["1e3"])", R"(["0x10"])", R"(["1 2"])", R"(["١"])",
                          R"(["18446744073709551616"])", R"(["-9223372036854775809"])"}) {
    INFO(bad);
    CHECK(call("toInt", bad) == "value /toInt/0");
  }
  CHECK(call("toInt", "[true]") == "type /toInt/0");
  CHECK(call("toInt", "[null]") == "type /toInt/0");
  CHECK(call("toInt", "[[1]]") == "type /toInt/0");
  CHECK(call("toInt", R"(["x",-1.50])") == "-1.50");
  CHECK(call("toInt", R"([{},null])") == "null");
}

TEST_CASE("toNumber reads JSON's numbers, exactly if they are integers") {
  CHECK(call("toNumber", "[1.50]") == "1.50");
  CHECK(call("toNumber", R"(["1.50"])") == "1.5");
  CHECK(call("toNumber", R"([" +1E-2 "])") == "0.01");
  CHECK(call("toNumber", R"(["9007199254740993"])") == "9007199254740993");
  CHECK(call("toNumber", R"(["36893488147419103232"])") == "36893488147419103000");
  CHECK(call("toNumber", R"(["-0"])") == "0");
  CHECK(call("toNumber", R"(["1e-400"])") == "0");
  for (const char* bad :
       {"01", "1.", ".5", "1e", "1e+", "-", "", "+-1", "++1", "1e999", "NaN", "Infinity", "0x1", "1_0", "1,5"}) {
    INFO(bad);
    CHECK(call("toNumber", "[\"" + std::string(bad) + "\"]") == "value /toNumber/0");
  }
  CHECK(call("toNumber", "[false]") == "type /toNumber/0");
  CHECK(call("toNumber", R"(["x",0])") == "0");
}

TEST_CASE("toBool knows the words in use") {
  for (const char* word : {"true", "TRUE", "Yes", "on", "Y", "t", "1", "  true\\n"}) {
    INFO(word);
    CHECK(call("toBool", "[\"" + std::string(word) + "\"]") == "true");
  }
  for (const char* word : {"false", "NO", "off", "n", "F", "0"}) {
    INFO(word);
    CHECK(call("toBool", "[\"" + std::string(word) + "\"]") == "false");
  }
  CHECK(call("toBool", "[true]") == "true");
  CHECK(call("toBool", "[1.0]") == "true");
  CHECK(call("toBool", "[-0.0]") == "false");
  CHECK(call("toBool", "[2]") == "value /toBool/0");
  CHECK(call("toBool", "[18446744073709551615]") == "value /toBool/0");
  CHECK(call("toBool", R"(["ja"])") == "value /toBool/0");
  CHECK(call("toBool", R"([""])") == "value /toBool/0");
  CHECK(call("toBool", "[null]") == "type /toBool/0");
  CHECK(call("toBool", "[null,false]") == "false");
}

TEST_CASE("toString is what strConcat puts, and toJson is JSON") {
  CHECK(call("toString", R"(["a\u00e9"])") == R"("a\u00e9")");
  CHECK(call("toString", "[null]") == R"("null")");
  CHECK(call("toString", "[1.50]") == R"("1.5")");
  CHECK(call("toString", R"([{"b":[1],"a":"x"}])") == R"x("{\"a\":\"x\",\"b\":[1]}")x");
  CHECK(outcome(R"(["toString",["lambda",["x"],1]])") == "type /");
  CHECK(call("toJson", R"(["a\u00e9\n"])") == R"x("\"aé\\n\"")x");
  CHECK(call("toJson", "[[]]") == R"("[]")");
  CHECK(outcome(R"(["toJson",[["lambda",["x"],1]]])") == "type /");
  Limits limits;
  limits.output_bytes = 100;
  CHECK(call("toJson", "[[" + std::string(200, ' ') + "1,\"" + std::string(150, 'x') + "\"]]", limits) ==
        "limit /");
}

TEST_CASE("parseJson gives values as they are spelled, or the byte that is wrong") {
  CHECK(call("parseJson", R"([" {\"b\": 1.50, \"a\":[18446744073709551615]} "])") ==
        R"({"b": 1.50, "a":[18446744073709551615]})");
  CHECK(outcome(R"(["+",["car",["parseJson","[9007199254740993]"]],1])") == "9007199254740994");
  CHECK(call("parseJson", R"(["null"])") == "null");
  CHECK(call("parseJson", R"(["\"\\u00e9\""])") == R"("\u00e9")");
  for (const char* bad :
       {R"([""])", R"(["{"])", R"(["01"])", R"(["1 2"])", R"(["'a'"])", R"(["[1,]"])", R"(["1e999"])"}) {
    INFO(bad);
    CHECK(call("parseJson", bad) == "parse /parseJson/0");
  }
  CHECK(call("parseJson", R"(["{",null])") == "null");
  CHECK(call("parseJson", "[5]") == "type /parseJson/0");
  const std::string deep = testing::nested(2000, "[", "", "]");
  CHECK(call("parseJson", "[\"" + deep + "\"]") == "limit /parseJson/0");
  const testing::Text input(R"(["[1,x]"])");
  Evaluator evaluator(testing::compiled(R"(["parseJson",["$input","/0"]])"));
  CHECK_FALSE(evaluator.evaluate({{input.view()}}));
  CHECK(evaluator.error().problem.starts_with("no JSON at byte 3: "));
}

TEST_CASE("several texts parsed in one evaluation do not disturb each other") {
  CHECK(outcome(R"(["map",["$input"],["lambda",["t"],["parseJson",["$","/t"]]]])",
                R"(["[1]","{\"a\":2}","3","\"4\""])") == R"([[1],{"a":2},3,"4"])");
}

TEST_CASE("parseJson reads what toJson writes") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string value = "[" + std::to_string(static_cast<int64_t>(uint64_t{random()} << 32 | random()));
    for (uint32_t i = random() % 5; i > 0; --i) {
      value +=
          ",{\"k" + std::to_string(random() % 3) + "\":\"\\u" + std::to_string(1000 + random() % 9000) + "\\n\"}";
    }
    value += "]";
    CHECK(outcome(R"(["==",["$input"],["parseJson",["toJson",["$input"]]]])", value) == "true");
  }
}

}  // namespace colloquium::computo
