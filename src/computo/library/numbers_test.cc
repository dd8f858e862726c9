#include "computo/library/numbers.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "computo/library/decimal.h"
#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("round goes by the digits a number is written with, halves away from zero", "[REQ-031]") {
  CHECK(call("round", "[2.5]") == "3");
  CHECK(call("round", "[-2.5]") == "-3");
  CHECK(call("round", "[0.49999999999999994]") == "0");
  CHECK(call("round", "[-0.4]") == "0");
  CHECK(call("round", "[1.005,2]") == "1.01");
  CHECK(call("round", "[2.675,2]") == "2.68");
  CHECK(call("round", "[9.995,2]") == "10");
  CHECK(call("round", "[0.05,1]") == "0.1");
  CHECK(call("round", "[0.04,1]") == "0");
  CHECK(call("round", "[1250,-2]") == "1300");
  CHECK(call("round", "[-1249,-2]") == "-1200");
  CHECK(call("round", "[40,-2]") == "0");
  CHECK(call("round", "[50,-2]") == "100");
  CHECK(call("round", "[9007199254740993,0]") == "9007199254740993");
  CHECK(call("round", "[9007199254740993,-1]") == "9007199254740990");
  CHECK(call("round", "[9223372036854775807,-1]") == "9223372036854776000");
  CHECK(call("round", "[18446744073709551615]") == "18446744073709551615");
  CHECK(call("round", "[1e300]") == "1e+300");
  CHECK(call("round", "[1.5e-300,5]") == "0");
  CHECK(call("round", "[1.25,9223372036854775807]") == "1.25");
  CHECK(call("round", "[1.25,-9223372036854775808]") == "0");
  CHECK(call("round", "[5e-324,400]") == "5e-324");
  CHECK(call("round", "[1.7976931348623157e308,-308]") == "number /");
  CHECK(call("round", R"(["1"])") == "type /round/0");
  CHECK(call("round", "[1.5,0.5]") == "type /round/1");
}

TEST_CASE("rounding a double to as many digits as it has changes nothing") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    const Value back = ops::rounded(double_value(number), 400);
    CHECK((back.kind == Kind::kDouble ? back.number : static_cast<double>(back.integer)) == number);
    const Value whole = ops::rounded(double_value(std::fmod(number, 1e15)), 0);
    REQUIRE(whole.kind == Kind::kInt);
    CHECK(whole.integer == std::llround(std::fmod(number, 1e15)));
  }
}

TEST_CASE("floor, ceil and truncateNumber leave integers alone") {
  CHECK(call("floor", "[-1.5]") == "-2");
  CHECK(call("ceil", "[-1.5]") == "-1");
  CHECK(call("ceil", "[-0.5]") == "0");
  CHECK(call("truncateNumber", "[-1.5]") == "-1");
  CHECK(call("truncateNumber", "[1.9]") == "1");
  CHECK(call("floor", "[9223372036854775807]") == "9223372036854775807");
  CHECK(call("ceil", "[1e300]") == "1e+300");
  CHECK(call("floor", "[18446744073709551615]") == "18446744073709551615");
  CHECK(call("floor", "[null]") == "type /floor/0");
}

TEST_CASE("abs and sign know the ends of the integers") {
  CHECK(call("abs", "[-7]") == "7");
  CHECK(call("abs", "[1.50]") == "1.50");
  CHECK(call("abs", "[-0.0]") == "-0.0");
  CHECK(call("abs", "[-9223372036854775808]") == "9223372036854776000");
  CHECK(call("abs", "[-1.5e308]") == "1.5e+308");
  CHECK(call("sign", "[-0.0]") == "0");
  CHECK(call("sign", "[5e-324]") == "1");
  CHECK(call("sign", "[-9223372036854775808]") == "-1");
  CHECK(call("abs", "[true]") == "type /abs/0");
}

TEST_CASE("powers are exact integers while they fit") {
  CHECK(call("pow", "[3,39]") == "4052555153018976267");
  CHECK(call("pow", "[-2,63]") == "-9223372036854775808");
  CHECK(call("pow", "[2,63]") == "9223372036854776000");
  CHECK(call("pow", "[-1,9223372036854775807]") == "-1");
  CHECK(call("pow", "[0,0]") == "1");
  CHECK(call("pow", "[2,-1]") == "0.5");
  CHECK(call("pow", "[2,0.5]") == "1.4142135623730951");
  CHECK(call("pow", "[0,-1]") == "number /");
  CHECK(call("pow", "[-8,0.5]") == "number /");
  CHECK(call("pow", "[10,400]") == "number /");
  CHECK(call("pow", "[1,null]") == "type /pow/1");
}

TEST_CASE("roots and logarithms that are no numbers are errors of category number") {
  CHECK(call("sqrt", "[2.25]") == "1.5");
  CHECK(call("sqrt", "[0]") == "0");
  CHECK(call("sqrt", "[-1]") == "number /");
  CHECK(call("exp", "[0]") == "1");
  CHECK(call("exp", "[1000]") == "number /");
  CHECK(call("log", "[1]") == "0");
  CHECK(call("log", "[8,2]") == "3");
  CHECK(call("log", "[1000,10]") == "3");
  CHECK(call("log", "[0]") == "number /");
  CHECK(call("log", "[-1]") == "number /");
  CHECK(call("log", "[2,1]") == "number /");
  CHECK(call("log", "[2,0]") == "number /");
  CHECK(call("log", "[2,-2]") == "number /");
}

TEST_CASE("min and max take operands or one array and give the value as it is") {
  CHECK(call("min", "[3,1.50,2]") == "1.50");
  CHECK(call("max", "[[1,3.0,3,2]]") == "3.0");
  CHECK(call("max", "[9007199254740992.0,9007199254740993]") == "9007199254740993");
  CHECK(call("min", "[18446744073709551615,-9223372036854775808]") == "-9223372036854775808");
  CHECK(call("min", "[5]") == "5");
  CHECK(call("max", "[[]]") == "empty_array /max/0");
  CHECK(call("max", R"([1,"2"])") == "type /max/1");
  CHECK(call("max", R"([[1,null]])") == "type /max/0");
  CHECK(call("max", R"(["x"])") == "type /max/0");
  CHECK(outcome(R"(["max",["map",["$input"],["lambda",["x"],["*",["$","/x"],2]]]])", "[1,4,2]") == "8");
}

TEST_CASE("clamp keeps a number within bounds") {
  CHECK(call("clamp", "[5.0,0,10]") == "5.0");
  CHECK(call("clamp", "[-1,0,10]") == "0");
  CHECK(call("clamp", "[11,0,10]") == "10");
  CHECK(call("clamp", "[11,3,3]") == "3");
  CHECK(call("clamp", "[1,2,1]") == "value /clamp/2");
  CHECK(call("clamp", "[1,null,1]") == "type /clamp/1");
}

TEST_CASE("bits are those of 64-bit integers in two's complement") {
  CHECK(call("bitAnd", "[12,10,9]") == "8");
  CHECK(call("bitOr", "[1,2,4]") == "7");
  CHECK(call("bitXor", "[-1,1]") == "-2");
  CHECK(call("bitNot", "[9223372036854775807]") == "-9223372036854775808");
  CHECK(call("bitAnd", "[6.0,3]") == "2");
  CHECK(call("shiftLeft", "[1,63]") == "-9223372036854775808");
  CHECK(call("shiftLeft", "[3,63]") == "-9223372036854775808");
  CHECK(call("shiftRight", "[-1,63]") == "-1");
  CHECK(call("shiftLeft", "[1,64]") == "value /shiftLeft/1");
  CHECK(call("shiftRight", "[1,-1]") == "value /shiftRight/1");
  CHECK(call("bitOr", "[1,1.5]") == "type /bitOr/1");
  CHECK(call("bitOr", "[18446744073709551615,1]") == "type /bitOr/0");
}

TEST_CASE("integers are read and written in any base from 2 to 36") {
  CHECK(call("parseInt", R"(["ff",16])") == "255");
  CHECK(call("parseInt", R"([" -Zz ",36])") == "-1295");
  CHECK(call("parseInt", R"(["+017"])") == "17");
  CHECK(call("parseInt", R"(["-8000000000000000",16])") == "-9223372036854775808");
  for (const char* bad :
       {R"(["8000000000000000",16])", R"(["",10])", R"(["+-1"])", R"(["+"])", R"(["0x1f",16])", R"(["2",2])"}) {
    INFO(bad);
    CHECK(call("parseInt", bad) == "value /parseInt/0");
  }
  CHECK(call("parseInt", R"(["1",1])") == "value /parseInt/1");
  CHECK(call("parseInt", R"(["1",37])") == "value /parseInt/1");
  CHECK(call("parseInt", "[1]") == "type /parseInt/0");
  CHECK(call("formatInt", "[-9223372036854775808,2]") == "\"-1" + std::string(63, '0') + "\"");
  CHECK(call("formatInt", "[35,36]") == R"("z")");
  CHECK(call("formatInt", "[1,0]") == "value /formatInt/1");
  CHECK(strict_problem(R"(["formatInt",["$input"],40])") == "value expected a base from 2 to 36, got 40");
  CHECK(strict_problem(R"(["formatInt",["$input"],16])").empty());
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto number = std::to_string(static_cast<int64_t>(random()));
    const std::string base = std::to_string(2 + random() % 35);
    CHECK(outcome(R"(["parseInt",["formatInt",["$input","/0"],["$input","/1"]],["$input","/1"]])",
                  "[" + number + "," + base + "]") == number);
  }
}

TEST_CASE("formatted numbers have the digits and separators asked for") {
  CHECK(call("formatNumber", "[1234567.891,2]") == R"("1234567.89")");
  CHECK(call("formatNumber", R"([1234567.891,2,","])") == R"("1,234,567.89")");
  CHECK(call("formatNumber", R"([-123456.5,0," "])") == R"("-123 457")");
  CHECK(call("formatNumber", R"([999.995,2,","])") == R"("1,000.00")");
  CHECK(call("formatNumber", "[0.001,2]") == R"("0.00")");
  CHECK(call("formatNumber", "[-0.001,2]") == R"("0.00")");
  CHECK(call("formatNumber", "[1.005,2]") == R"("1.01")");
  CHECK(call("formatNumber", "[5,3]") == R"("5.000")");
  CHECK(call("formatNumber", "[0,0]") == R"("0")");
  CHECK(call("formatNumber", "[1e21,1]") == "\"1" + std::string(21, '0') + ".0\"");
  CHECK(call("formatNumber", "[18446744073709551615,0]") == R"("18446744073709551615")");
  CHECK(call("formatNumber", "[5e-324,100]") == "\"0." + std::string(100, '0') + "\"");
  CHECK(call("formatNumber", R"([1.5,1,"",","])") == R"("1,5")");
  CHECK(call("formatNumber", "[1,-1]") == "value /formatNumber/1");
  CHECK(call("formatNumber", "[1,101]") == "value /formatNumber/1");
  CHECK(call("formatNumber", "[1,1,\"" + std::string(17, 'x') + "\"]") == "value /formatNumber/2");
  CHECK(call("formatNumber", "[1,1,\"\",\"" + std::string(17, 'x') + "\"]") == "value /formatNumber/3");
  CHECK(call("formatNumber", R"(["1",1])") == "type /formatNumber/0");
}

}  // namespace colloquium::computo
