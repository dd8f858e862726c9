#include "computo/trace.h"

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::outcome;
using testing::Text;

ProgramPtr traced(std::string_view script, TraceInfo trace = TraceInfo::kNames, bool optimize = false) {
  CompileOptions options;
  options.trace = trace;
  options.optimize = optimize;
  return testing::compiled(script, options);
}

// Writes down what it is told, in short: "+", "+=3", "!", "~+" for an expression that has no value.
class Scribe : public Tracer {
 public:
  explicit Scribe(const ProgramPtr& program) : sites(program) {}

  bool enter(uint32_t site, const Moment& moment) override {
    log += name(site) + " ";
    if (sites[site].line == look_at_line || look_at_line == 0) seen = variables(moment, 0);
    return true;
  }
  bool leave(uint32_t site, const Moment& /*moment*/, const TraceValue& value) override {
    log += name(site) + "=" + value.json() + " ";
    return name(site) != stop_after;
  }
  bool failed(const ScriptError& error, const Moment& moment) override {
    log += "!" + std::string(to_string(error.category)) + " ";
    seen = variables(moment, 0);
    return go_on_after_failure;
  }
  bool call(uint32_t function, const Moment& moment) override {
    if (function != kNoSite) log += "( ";
    deepest = std::max(deepest, moment.calls());
    if (moment.calls() == 2) outer = variables(moment, 1);
    return true;
  }
  void end_call(uint32_t /*function*/, const Moment& /*moment*/) override { log += ") "; }
  void abandon(uint32_t site, const Moment& /*moment*/) override { log += "~" + name(site) + " "; }

  static std::string variables(const Moment& moment, size_t frame) {
    std::string text;
    for (const TraceVariable& variable : moment.variables(frame)) {
      text += std::string(variable.name) + "=" + variable.value.json() + " ";
    }
    return text;
  }
  std::string name(uint32_t site) const { return sites[site].op.empty() ? "." : sites[site].op; }

  TraceSites sites;
  std::string log;
  std::string seen;
  std::string outer;
  std::string stop_after = "nothing";
  uint32_t look_at_line = 0;
  size_t deepest = 0;
  bool go_on_after_failure = true;
};

std::string log_of(std::string_view script, TraceInfo trace = TraceInfo::kNames, bool optimize = false) {
  const ProgramPtr program = traced(script, trace, optimize);
  Scribe scribe(program);
  Evaluator evaluator(program);
  evaluator.evaluate_traced({}, {}, scribe);
  return scribe.log;
}

TEST_CASE("a tracer is told of expressions and calls in the order in which they happen [REQ-049]") {
  CHECK(log_of(R"(["+", 1, 2])") == "+ . .=1 . .=2 +=3 ");
  CHECK(log_of(R"(["map", {"array": [5, 6]}, ["lambda", ["x"], ["$", "/x"]]])") ==
        "map . .=[5,6] lambda lambda=[[\"x\"],[\"$\",\"/x\"]] ( $ $=5 ) ( $ $=6 ) map=[5,6] ");
  CHECK(log_of(R"(["if", true, 1, 2])") == "if . .=true . .=1 if=1 ");
}

TEST_CASE("what the compiler worked out is one expression, and what it cut off is none") {
  CHECK(log_of(R"(["+", 1, 2])", TraceInfo::kPlaces, true) == "+ +=3 ");
  CHECK(log_of(R"(["if", true, 1, ["+", 1, "x"]])", TraceInfo::kPlaces, true) == "if . .=1 if=1 ");
  CHECK(TraceSites(traced(R"(["if", true, 1, ["+", 1, "x"]])")).size() == 6);
}

TEST_CASE("a failure is told where it happened, and what it ends is abandoned from the inside out") {
  CHECK(log_of(R"(["+", 1, ["/", 1, 0]])") == "+ . .=1 / . .=1 . .=0 !division_by_zero ~/ ~+ ) ");
  CHECK(log_of(R"(["try", ["map", {"array": [1]}, ["lambda", ["x"], ["error", "e"]]], 7])") ==
        "try map . .=[1] lambda lambda=[[\"x\"],[\"error\",\"e\"]] ( error . .=\"e\" !user ~error ) ~map "
        ". .=7 try=7 ");
}

TEST_CASE("variables are those that the expression could name, the innermost of a name") {
  const std::string script = R"(["let", [["a", 1], ["b", ["+", ["$", "/a"], 1]], ["a", 5]],
    ["map", {"array": [8]}, ["lambda", ["x"],
      ["let", {"b": 9},
        ["+", 0, 1]]]]])";
  const ProgramPtr program = traced(script);
  Scribe scribe(program);
  scribe.look_at_line = 4;
  Evaluator evaluator(program);
  REQUIRE(evaluator.evaluate_traced({}, {}, scribe));
  CHECK(scribe.seen == "a=5 x=8 b=9 ");
  CHECK(scribe.outer == "b=2 a=5 ");
  CHECK(scribe.deepest == 2);
}

TEST_CASE("names of patterns and of functions that call themselves are variables too") {
  const ProgramPtr program = traced(R"(["let", [["f", ["lambda", ["n"], ["if", ["<", ["$", "/n"], 1], 0,
    ["car", ["map", ["list", ["-", ["$", "/n"], 1]], ["$", "/f"]]]]]]],
    ["match", ["list", 1, 2], ["list", ["$", "/p"], ["$", "/q"]],
      ["+", 1, ["$", "/q"]]]])");
  Scribe scribe(program);
  scribe.look_at_line = 4;
  Evaluator evaluator(program);
  INFO(scribe.log);
  REQUIRE(evaluator.evaluate_traced({}, {}, scribe));
  CHECK(scribe.seen.find("p=1 q=2 ") != std::string::npos);
  CHECK(scribe.seen.find("f=[[\"n\"],") != std::string::npos);
}

TEST_CASE("a tracer may end the evaluation, and no try catches that") {
  const ProgramPtr program = traced(R"(["try", ["+", ["*", 2, 3], ["error", "never"]], 0])");
  Scribe scribe(program);
  scribe.stop_after = "*";
  Evaluator evaluator(program);
  CHECK_FALSE(evaluator.evaluate_traced({}, {}, scribe));
  CHECK(evaluator.error().category == Category::kLimit);
  CHECK(scribe.log.find("error") == std::string::npos);
  CHECK(outcome(evaluator) == "0");

  Scribe unwilling(program);
  unwilling.go_on_after_failure = false;
  CHECK_FALSE(evaluator.evaluate_traced({}, {}, unwilling));
  CHECK(evaluator.error().category == Category::kLimit);
}

TEST_CASE("places of expressions are those that errors name") {
  const ProgramPtr program = traced("[\"let\", {\"né\": 1},\n  [\"+\", [\"$\", \"/né\"], 2]]");
  const TraceSites sites(program);
  REQUIRE(sites.size() == 5);
  CHECK(sites[0].op == "let");
  CHECK(sites[0].parent == kNoSite);
  CHECK(sites[1].name == "né");
  CHECK(sites[1].line == 1);
  CHECK(sites[1].column == 16);
  CHECK(sites.path(1) == "/let/bindings/né");
  CHECK(sites[3].op == "$");
  CHECK(sites[3].name == "né");
  CHECK(sites[3].line == 2);
  CHECK(sites[3].column == 9);
  CHECK(sites[3].parent == 2);
  CHECK(sites[3].leaf);
  CHECK_FALSE(sites[2].leaf);
  CHECK(sites.path(3) == "/let/body/+/0");
}

TEST_CASE("places in sugar and in imported files are those of their text") {
  CompileOptions options;
  options.trace = TraceInfo::kPlaces;
  options.origin = "main.computo";
  options.import = [](const std::string&, const std::string&, std::string& origin, std::string&) {
    origin = "lib.json";
    return std::optional<std::string>("\n [\"+\", 1, 2]");
  };
  CompileFailure failure;
  const ProgramPtr program = compile_sugar("let x = 1 in\n  x + import(\"lib\")", options, failure);
  REQUIRE(program != nullptr);
  const TraceSites sites(program);
  size_t imported = 0;
  for (size_t i = 0; i < sites.size(); ++i) {
    if (sites[i].op == "$") CHECK(sites[i].line == 2);
    if (sites[i].origin.empty()) continue;
    ++imported;
    CHECK(sites[i].origin == "lib.json");
    CHECK(sites[i].line == 2);
  }
  CHECK(imported > 0);
}

TEST_CASE("what the tracer renders costs the evaluation neither steps nor memory") {
  const ProgramPtr program =
      traced(R"(["map", ["$input"], ["lambda", ["x"], ["strConcat", "a\"b", ["$", "/x"]]]])");
  const Text input(testing::numbers(200));
  class Measure : public Tracer {
   public:
    explicit Measure(bool renders) : renders_(renders) {}
    bool leave(uint32_t /*site*/, const Moment& moment, const TraceValue& value) override {
      if (renders_) CHECK(!value.json().empty());
      steps = moment.steps();
      memory = moment.memory_bytes();
      return true;
    }
    uint64_t steps = 0;
    uint64_t memory = 0;

   private:
    bool renders_;
  };
  const json::ValueView view = input.view();
  Measure idle(false);
  Measure busy(true);
  Evaluator first(program);
  Evaluator second(program);
  REQUIRE(first.evaluate_traced({&view, 1}, {}, idle));
  REQUIRE(second.evaluate_traced({&view, 1}, {}, busy));
  CHECK(idle.steps == busy.steps);
  CHECK(idle.memory == busy.memory);
  CHECK(idle.steps > 600);
  CHECK(idle.memory > 3200);
}

TEST_CASE("that the steps ran out is told where they did") {
  const ProgramPtr program = traced(R"(["map", ["$input"], ["lambda", ["x"], ["+", ["$", "/x"], 1]]])");
  const Text input(testing::numbers(50));
  const json::ValueView view = input.view();
  Limits limits;
  limits.steps = 40;
  Scribe scribe(program);
  Evaluator evaluator(program, limits);
  CHECK_FALSE(evaluator.evaluate_traced({&view, 1}, {}, scribe));
  CHECK(scribe.log.find("!limit ") != std::string::npos);
  CHECK(scribe.seen.find("x=") == 0);
}

TEST_CASE("a call that fails half way leaves the names of its caller to look at") {
  const ProgramPtr program = traced(R"(["let", {"f": ["lambda", ["n"], ["+", 1, ["call", ["$", "/f"], ["$", "/n"]]]]},
    ["call", ["$", "/f"], 1]])");
  Limits limits;
  limits.depth = 20;
  Scribe scribe(program);
  Evaluator evaluator(program, limits);
  CHECK_FALSE(evaluator.evaluate_traced({}, {}, scribe));
  CHECK(evaluator.error().category == Category::kLimit);
  CHECK(scribe.seen.find("n=1") != std::string::npos);
}

}  // namespace
TEST_CASE("calls in tail position are all seen, and take no more depth than unseen") {
  const ProgramPtr program = traced(R"(["let", {"f": ["lambda", ["n"], ["if", ["$", "/n"],
    ["call", ["$", "/f"], ["-", ["$", "/n"], 1]], "done"]]}, ["call", ["$", "/f"], 50]])");
  Limits limits;
  limits.depth = 3;
  Evaluator evaluator(program, limits);
  Scribe scribe(program);
  std::vector<char> bytes;
  REQUIRE(evaluator.evaluate_traced({}, {}, scribe));
  REQUIRE(evaluator.write(bytes, nullptr));
  CHECK(std::string(bytes.begin(), bytes.end()) == "\"done\"");
  CHECK(scribe.deepest == 52);
}

}  // namespace colloquium::computo
