#include "computo/library/statistics.h"

#include <catch2/catch.hpp>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

TEST_CASE("sums and means keep integers exact", "[REQ-031]") {
  CHECK(outcome(R"(["sum",["$input"]])", "[]") == "0");
  CHECK(outcome(R"(["sum",["$input"]])", "[9007199254740993,1]") == "9007199254740994");
  CHECK(outcome(R"(["sum",["$input"]])", "[0.5,1]") == "1.5");
  CHECK(outcome(R"(["sum",["$input"]])", "[1e308,1e308]") == "number /");
  CHECK(outcome(R"(["sum",["$input"]])", R"([1,"2"])") == "type /sum/0");
  CHECK(outcome(R"(["avg",["$input"]])", "[]") == "null");
  CHECK(outcome(R"(["avg",["$input"]])", "[1,2]") == "1.5");
  CHECK(outcome(R"(["avg",["$input"]])", "[9007199254740993,9007199254740993]") == "9007199254740993");
  CHECK(outcome(R"(["avg",["$input"]])", "[null]") == "type /avg/0");
  CHECK(outcome(R"(["avg",{}])") == "type /avg/0");
}

TEST_CASE("medians and percentiles lie between neighbours") {
  CHECK(outcome(R"(["median",["$input"]])", "[]") == "null");
  CHECK(outcome(R"(["median",["$input"]])", "[5]") == "5");
  CHECK(outcome(R"(["median",["$input"]])", "[3,1,2]") == "2");
  CHECK(outcome(R"(["median",["$input"]])", "[4,1,3,2]") == "2.5");
  CHECK(outcome(R"(["percentile",["$input"],0])", "[3,1,2]") == "1");
  CHECK(outcome(R"(["percentile",["$input"],100])", "[3,1,2]") == "3");
  CHECK(outcome(R"(["percentile",["$input"],25])", "[1,2,3,4,5]") == "2");
  CHECK(outcome(R"(["percentile",["$input"],95])", "[12,15,11,90,14]") == "75");
  CHECK(outcome(R"(["percentile",["$input"],12.5])", "[0,1000]") == "125");
  CHECK(outcome(R"(["percentile",["$input"],50])", "[1e308,-1e308]") == "0");
  CHECK(outcome(R"(["percentile",["$input"],100.5])", "[1]") == "value /percentile/1");
  CHECK(outcome(R"(["percentile",["$input"],-1])", "[1]") == "value /percentile/1");
  CHECK(outcome(R"(["percentile",["$input"],"50"])", "[1]") == "type /percentile/1");
}

TEST_CASE("variance is that of the population unless a sample is meant") {
  CHECK(outcome(R"(["variance",["$input"]])", "[1,2,3,4]") == "1.25");
  CHECK(outcome(R"(["variance",["$input"],"sample"])", "[1,3]") == "2");
  CHECK(outcome(R"(["variance",["$input"],"sample"])", "[1]") == "null");
  CHECK(outcome(R"(["variance",["$input"]])", "[7]") == "0");
  CHECK(outcome(R"(["stddev",["$input"]])", "[]") == "null");
  CHECK(outcome(R"(["stddev",["$input"]])", "[1000000001,1000000003]") == "1");
  CHECK(outcome(R"(["variance",["$input"]])", "[1e308,-1e308]") == "number /");
  CHECK(outcome(R"(["stddev",["$input"],["$input","/0"]])", "[\"x\"]") == "value /stddev/1");
}

TEST_CASE("a constant kind of deviation is checked when a script is compiled strictly") {
  CompileOptions options;
  options.strict = true;
  CompileFailure failure;
  CHECK(compile_json(R"(["stddev",["$input"],"whole"])", options, failure) == nullptr);
  REQUIRE(failure.errors.size() == 1);
  CHECK(failure.errors[0].category == Category::kValue);
  CHECK(failure.errors[0].problem.find("population") != std::string::npos);
}

}  // namespace colloquium::computo
