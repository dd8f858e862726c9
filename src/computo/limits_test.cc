// Nothing a script or an input says may take the process down: every bound ends in an error `limit`.

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <pthread.h>
#include <string>
#include <string_view>

#include "computo/machine.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::compiled;
using testing::nested;
using testing::numbers;
using testing::outcome;

// Of a worker, at the least. Sanitizers multiply what a frame takes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStackBytes = 16 << 20;
#else
constexpr size_t kStackBytes = 1 << 20;
#endif

void on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, kStackBytes) == 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &work) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

// A function that calls itself as often as the input says.
constexpr std::string_view kRecursion = R"(["let", {"f": ["lambda", ["n"], ["if", ["<=", ["$", "/n"], 0], 0,
   ["+", 1, ["car", ["map", [["-", ["$", "/n"], 1]], ["$", "/f"]]]]]]}, ["car", ["map", [["$input"]], ["$", "/f"]]]])";

}  // namespace

TEST_CASE("2500 nested calls fit on a worker's stack, the next is an error", "[REQ-035]") {
  std::string fits;
  std::string too_deep;
  on_small_stack([&] {
    fits = outcome(kRecursion, "2499");
    too_deep = outcome(kRecursion, "1000000");
  });
  CHECK(fits == "2499");
  CHECK(too_deep.starts_with("limit /let/"));
}

TEST_CASE("the depth of calls is a limit the host sets") {
  Limits limits;
  limits.depth = 10;
  CHECK(outcome(kRecursion, "9", limits) == "9");
  CHECK(outcome(kRecursion, "10", limits).starts_with("limit "));
  limits.depth = 100'000;
  CHECK(outcome(kRecursion, "50000", limits) == "50000");
}

TEST_CASE("steps are bounded, also those spent inside one operator", "[REQ-042]") {
  Limits limits;
  limits.steps = 2000;
  CHECK(outcome(R"(["reduce", ["$input"], ["lambda", ["a", "x"], ["+", ["$", "/a"], 1]], 0])", numbers(100),
                limits) == "100");
  CHECK(
      outcome(R"(["reduce", ["$input"], ["lambda", ["a", "x"], ["+", ["$", "/a"], 1]], 0])", numbers(2000), limits)
          .starts_with("limit "));
  for (const char* script :
       {R"(["sort", ["$input"]])", R"(["unique", ["$input"]])", R"(["reverse", ["$input"]])",
        R"(["strConcat", ["$input"]])", R"(["uniqueSorted", ["$input"]])", R"(["append", ["$input"], ["$input"]])",
        R"(["join", ["$input"], ","])", R"(["==", ["$input"], ["append", ["$input"]]])",
        R"(["zip", ["$input"], ["$input"]])"}) {
    INFO(script);
    CHECK(outcome(script, numbers(2500), limits).starts_with("limit /"));
  }
}

TEST_CASE("looking for a member on a long tape takes steps too", "[REQ-042]") {
  std::string wide = "{\"a\":0";
  for (int i = 0; i < 20'000; ++i) wide += ",\"k" + std::to_string(i) + "\":1";
  Limits limits;
  limits.steps = 100'000;
  const std::string in_a_loop =
      R"(["count", ["map", )" + numbers(1000) + R"(, ["lambda", ["x"], ["$input", "/k19999"]]]])";
  CHECK(outcome(in_a_loop, wide + "}") == "1000");
  CHECK(outcome(in_a_loop, wide + "}", limits).starts_with("limit /count/0/map/lambda/body"));
  const std::string by_field =
      R"(["count", ["sort", ["map", )" + numbers(1000) + R"(, ["lambda", ["x"], ["$input"]]], "/k19999"]])";
  CHECK(outcome(by_field, wide + "}", limits).starts_with("limit "));
}

TEST_CASE("an infinite loop ends with the steps") {
  Limits limits;
  limits.depth = 1'000'000'000;
  limits.steps = 1'000'000;
  CHECK(outcome(R"(["let", {"f": ["lambda", ["n"], ["map", [1], ["$", "/f"]]]}, ["map", [1], ["$", "/f"]]])",
                "null", limits)
            .starts_with("limit "));
}

TEST_CASE("memory is bounded") {
  Limits limits;
  limits.memory_bytes = 1 << 20;
  const std::string doubling =
      R"(["reduce", ["$input"], ["lambda", ["a", "x"], ["append", ["$", "/a"], ["$", "/a"]]], [1, 2, 3, 4]])";
  CHECK(outcome("[\"count\", " + doubling + "]", numbers(8), limits) == "1024");
  CHECK(outcome(doubling, numbers(40), limits).starts_with("limit "));
  CHECK(
      outcome(R"(["reduce", ["$input"], ["lambda", ["a", "x"], ["strConcat", ["$", "/a"], ["$", "/a"]]], "xxxx"])",
              numbers(40), limits)
          .starts_with("limit "));
}

TEST_CASE("the stack of values counts as memory") {
  Limits limits;
  limits.memory_bytes = 1 << 20;
  limits.depth = 1'000'000;
  CHECK(outcome(kRecursion, "100000", limits).starts_with("limit "));
}

TEST_CASE("folding a long array with cons, append or strConcat takes memory in proportion") {
  Limits limits;
  limits.memory_bytes = 16 << 20;
  const std::string many = numbers(50'000);
  const auto fold = [&](const std::string& body, const std::string& initial) {
    return outcome(
        "[\"count\", [\"reduce\", [\"$input\"], [\"lambda\", [\"a\", \"x\"], " + body + "], " + initial + "]]",
        many, limits);
  };
  CHECK(fold(R"(["cons", ["$", "/x"], ["$", "/a"]])", "[]") == "50000");
  CHECK(fold(R"(["append", ["$", "/a"], [["$", "/x"]]])", "[]") == "50000");
  CHECK(outcome(R"(["reduce", ["$input"], ["lambda", ["a", "x"], ["strConcat", ["$", "/a"], "-"]], ""])", many,
                limits)
            .size() == 50'002);
}

TEST_CASE("output is bounded, also where few values stand for much text") {
  Limits limits;
  limits.output_bytes = 1000;
  CHECK(outcome(R"(["$input"])", numbers(100), limits).size() < 1000);
  CHECK(outcome(R"(["$input"])", numbers(1000), limits) == "limit /");
  // Sixty doublings of one pair: small in memory, endless in text.
  const std::string doubling =
      R"(["reduce", ["$input"], ["lambda", ["a", "x"], [["$", "/a"], ["$", "/a"]]], "x"])";
  CHECK(outcome(doubling, numbers(60), limits) == "limit /");
  CHECK(outcome("[\"strConcat\", " + doubling + "]", numbers(60), limits) == "limit /");
  CHECK(outcome("[\"==\", " + doubling + ", " + doubling + "]", numbers(60)).starts_with("limit "));
  CHECK(outcome("[\"count\", [\"unique\", [" + doubling + "]]]", numbers(60)).starts_with("limit "));
}

TEST_CASE("a write that fails leaves nothing and does not harm the next evaluation") {
  Limits limits;
  limits.output_bytes = 100;
  const testing::Text large(numbers(1000));
  const testing::Text small("[1]");
  Evaluator evaluator(compiled(R"(["$input"])"), limits);
  REQUIRE(evaluator.evaluate(std::vector{large.view()}));
  std::vector<char> bytes = {'x'};
  std::vector<TapeToken> tape;
  CHECK_FALSE(evaluator.write(bytes, &tape));
  CHECK(bytes.size() == 1);
  CHECK(tape.empty());
  CHECK(evaluator.error().category == Category::kLimit);
  CHECK(outcome(evaluator, {small.view()}) == "[1]");
}

TEST_CASE("values nested without end are refused by whatever walks over them", "[REQ-035]") {
  const std::string deep = R"(["reduce", ["$input"], ["lambda", ["a", "x"], [["$", "/a"]]], 0])";
  const std::string input = numbers(kMostNesting + 100);
  std::vector<std::string> outcomes;
  on_small_stack([&] {
    for (const std::string& script :
         {deep, "[\"strConcat\", " + deep + "]", "[\"==\", " + deep + ", " + deep + "]",
          "[\"sort\", [" + deep + ", " + deep + "]]", "[\"unique\", [" + deep + ", " + deep + "]]"}) {
      outcomes.push_back(outcome(script, input));
    }
  });
  for (const std::string& each : outcomes) CHECK(each.starts_with("limit /"));
  CHECK(outcome(deep, numbers(kMostNesting - 1)).size() == 2 * (kMostNesting - 1) + 1);
}

TEST_CASE("data as deep as the walk lets in can be compared, sorted and made text of") {
  const std::string input = nested(1024, "[", "", "]");
  std::vector<std::string> outcomes;
  on_small_stack([&] {
    for (const char* script :
         {R"(["==", ["$input"], ["append", ["$input"]]])", R"(["count", ["sort", [["$input"], ["$input"]]]])",
          R"(["count", ["unique", [["$input"], ["append", ["$input"]]]]])"}) {
      outcomes.push_back(outcome(script, input));
    }
    outcomes.push_back(std::to_string(outcome(R"(["strConcat", ["$input"]])", input).size()));
  });
  CHECK(outcomes == std::vector<std::string>{"true", "2", "1", "2050"});
}

TEST_CASE("scripts nested as deep as text may be compile and run on a worker's stack") {
  std::vector<std::string> outcomes;
  on_small_stack([&] {
    for (const std::string& script :
         {nested(1000, "[\"+\",1,", "0", "]"), nested(1000, "[\"if\",true,", "7", ",0]"),
          nested(1000, "[\"let\",{\"x\":1},", "8", "]"),
          nested(340, "[\"let\",[[\"x\",", "9", "]],[\"$\",\"/x\"]]"),
          nested(300, "[\"car\",[\"map\",[1],[\"lambda\",[\"x\"],", "5", "]]]"),
          nested(500, "[0,[\"if\",1,", "1", ",0]]")}) {
      outcomes.push_back(outcome(script).substr(0, 10));
    }
  });
  CHECK(outcomes == std::vector<std::string>{"1000", "7", "8", "9", "5", "[0,[0,[0,["});
}

TEST_CASE("a call in tail position takes no depth, however often it is made") {
  Limits limits;
  limits.steps = 100'000'000;
  limits.depth = 4;
  const auto gives = [&](std::string_view script, std::string_view input) {
    return outcome(script, input, limits);
  };
  constexpr std::string_view kCount = R"(["let", {"f": ["lambda", ["n", "sum"], ["if", ["<=", ["$", "/n"], 0],
    ["$", "/sum"], ["let", [["m", ["-", ["$", "/n"], 1]]], ["call", ["$", "/f"], ["$", "/m"], ["+", ["$", "/sum"], 2]]]]]},
    ["call", ["$", "/f"], ["$input"], 0]])";
  CHECK(gives(kCount, "1000000") == "2000000");
  constexpr std::string_view kMutual = R"(["let", {
    "even": ["lambda", ["n"], ["match", ["$", "/n"], 0, true, ["call", ["$", "/odd"], ["-", ["$", "/n"], 1]]]],
    "odd": ["lambda", ["n"], ["coalesce", null, ["if", ["$", "/n"], ["call", ["$", "/even"], ["-", ["$", "/n"], 1]], false]]]},
    ["map", [["$input"], 7], ["lambda", ["n"], ["call", ["$", "/even"], ["$", "/n"]]]]])";
  CHECK(gives(kMutual, "1000000") == "[true,false]");
  constexpr std::string_view kWider = R"(["let", {
    "a": ["lambda", ["n"], ["call", ["$", "/b"], ["$", "/n"], 1, 2, 3]],
    "b": ["lambda", ["n", "x", "y", "z"], ["if", ["$", "/n"], ["call", ["$", "/a"], ["-", ["$", "/n"], 1]],
      ["list", ["$", "/x"], ["$", "/y"], ["$", "/z"]]]]},
    ["call", ["$", "/a"], ["$input"]]])";
  CHECK(gives(kWider, "300000") == "[1,2,3]");
}

TEST_CASE("a call takes depth where something is left to do after it") {
  Limits limits;
  limits.depth = 10;
  const auto recursion = [&](std::string_view call, std::string_view input) {
    return outcome(R"(["let", {"f": ["lambda", ["n"], ["if", ["$", "/n"], )" + std::string(call) +
                       R"(, 0]]}, ["call", ["$", "/f"], ["$input"]]])",
                   input, limits);
  };
  constexpr std::string_view kSum = R"(["+", 1, ["call", ["$", "/f"], ["-", ["$", "/n"], 1]]])";
  CHECK(recursion(kSum, "9") == "9");
  CHECK(recursion(kSum, "10").starts_with("limit "));
  constexpr std::string_view kTruth = R"(["and", 1, ["call", ["$", "/f"], ["-", ["$", "/n"], 1]]])";
  CHECK(recursion(kTruth, "10").starts_with("limit "));
  constexpr std::string_view kTry = R"(["try", ["call", ["$", "/f"], ["-", ["$", "/n"], 1]], "caught"])";
  CHECK(recursion(kTry, "9") == "0");
  CHECK(recursion(kTry, "10").starts_with("limit "));
  constexpr std::string_view kHandler = R"(["try", ["/", 1, 0], ["call", ["$", "/f"], ["-", ["$", "/n"], 1]]])";
  CHECK(recursion(kHandler, "100000") == "0");
}

TEST_CASE("a failure behind many calls in tail position goes to the try around the first") {
  constexpr std::string_view kFails = R"(["let", {"f": ["lambda", ["n"], ["if", ["$", "/n"],
    ["call", ["$", "/f"], ["-", ["$", "/n"], 1]], ["car", []]]]},
    ["list", ["try", ["call", ["$", "/f"], ["$input"]], ["lambda", ["e"], ["$", "/e/category"]]], 5]])";
  CHECK(outcome(kFails, "5000") == R"(["empty_array",5])");
}

TEST_CASE("chains of if and let take no calls' depth") {
  Limits limits;
  limits.depth = 1;
  CHECK(outcome(nested(1000, "[\"if\",0,1,", "[\"map\",[1],[\"lambda\",[\"x\"],2]]", "]"), "null", limits) ==
        "[2]");
  CHECK(outcome(nested(1000, "[\"let\",{\"x\":1},", "[\"$\",\"/x\"]", "]"), "null", limits) == "1");
}

TEST_CASE("a million brackets are refused, not recursed into", "[REQ-035]") {
  CompileFailure failure;
  CHECK(compile_json(std::string(1'000'000, '['), {}, failure) == nullptr);
  REQUIRE(failure.errors.size() == 1);
  CHECK(failure.errors[0].category == Category::kLimit);
  CHECK(compile_json(nested(1'000'000, "{\"a\":", "1", "}"), {}, failure) == nullptr);
  CHECK(failure.errors[0].category == Category::kLimit);
}

TEST_CASE("a script of ten megabytes compiles in time that grows with its length alone") {
  const size_t count = 550'000;
  std::string calls = "[0";
  for (size_t i = 0; i < count; ++i) calls += ",[\"+\",1,[\"$input\"]]";
  CHECK(outcome("[\"count\", " + calls + "]]", "1") == std::to_string(count + 1));
  std::string bindings = "[\"let\",[";
  for (size_t i = 0; i < 100'000; ++i)
    bindings += (i > 0 ? ",[\"v" : "[\"v") + std::to_string(i) + "\"," + std::to_string(i) + "]";
  CHECK(outcome(bindings + "],[\"$\",\"/v99999\"]]") == "99999");
  std::string functions = "[\"let\",{";
  for (size_t i = 0; i < 100'000; ++i)
    functions += (i > 0 ? ",\"f" : "\"f") + std::to_string(i) + "\":[\"lambda\",[\"x\"],[\"$\",\"/f0\"]]";
  CHECK(outcome(functions + "},[\"count\",[\"map\",[1,2],[\"$\",\"/f99999\"]]]]") == "2");
}

TEST_CASE("a name bound again and again is found at once") {
  std::string script = "[\"let\",[[\"f\",[\"lambda\",[\"y\"],1]]";
  for (int i = 0; i < 100'000; ++i) script += ",[\"x\"," + (i > 0 ? std::string("[\"$\",\"/x\"]") : "1") + "]";
  CHECK(outcome(script + "],[\"$\",\"/x\"]]") == "1");
}

}  // namespace colloquium::computo
