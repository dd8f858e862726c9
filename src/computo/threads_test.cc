// One Program, many threads, no locks (the thread sanitizer watches).

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "computo/testing.h"

namespace colloquium::computo {

TEST_CASE("a program is evaluated on several threads at once, errors included", "[REQ-044]") {
  const ProgramPtr program = testing::compiled(
      R"(["let", [["k", {"array": [{"b": 1, "a": [1, 2]}]}], ["f", ["lambda", ["n"], ["if", [">", ["$", "/n"], 0],
          ["car", ["map", [["-", ["$", "/n"], 1]], ["$", "/f"]]], ["$", "/k"]]]]],
          ["obj", "z", ["map", ["$input"], ["$", "/f"]], "s", ["strConcat", ["$", "/k"], 1.50],
           "o", ["sort", ["$input"], ["", "desc"]], "l", ["lambda", ["q"], ["$", "/q"]]]])");
  const testing::Text good("[3, 1, 2]");
  const testing::Text bad(R"([1, "x"])");
  std::string wanted;
  std::string failure;
  {
    Evaluator evaluator(program);
    wanted = testing::outcome(evaluator, {good.view()});
    failure = testing::outcome(evaluator, {bad.view()});
  }
  REQUIRE(wanted.starts_with("{\"l\":"));
  REQUIRE(failure.starts_with("type /let/bindings/f/lambda/body/"));
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Evaluator evaluator(program);
      for (int i = 0; i < 200; ++i) {
        right += testing::outcome(evaluator, {good.view()}) == wanted;
        right += testing::outcome(evaluator, {bad.view()}) == failure;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 4 * 200 * 2);
}

}  // namespace colloquium::computo
