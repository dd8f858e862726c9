#include "app/script_profile.h"

#include <catch2/catch.hpp>

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

// Every look at it takes a microsecond.
class SlowClock final : public Clock {
 public:
  int64_t wall_ms() const override { return 0; }
  int64_t monotonic_ns() const override { return now_ns_ += 1000; }

 private:
  mutable int64_t now_ns_ = 0;
};

computo::ProgramPtr compiled(const std::string& script) {
  computo::CompileOptions options;
  options.trace = computo::TraceInfo::kPlaces;
  computo::CompileFailure failure;
  const auto program = computo::compile_json(script, options, failure);
  REQUIRE(program != nullptr);
  return program;
}

const ScriptProfile::Row& row_of(const ScriptProfile& profile, const std::vector<ScriptProfile::Row>& rows,
                                 const std::string& op) {
  for (const ScriptProfile::Row& row : rows) {
    if (profile.sites()[row.site].op == op) return row;
  }
  FAIL("no row of " + op);
  return rows.front();
}

TEST_CASE("a profile counts expressions and adds up their own time to that of the whole [REQ-213]") {
  const auto program = compiled(R"(["reduce", {"array": [1, 2, 3]}, ["lambda", ["a", "x"],
    ["+", ["$", "/a"], ["$", "/x"]]], 0])");
  const SlowClock clock;
  ScriptProfile profile(program, clock);
  computo::Evaluator evaluator(program);
  REQUIRE(evaluator.evaluate_traced({}, {}, profile));
  REQUIRE(evaluator.evaluate_traced({}, {}, profile));
  CHECK(profile.evaluations() == 2);
  const auto rows = profile.rows();
  const auto& reduce = row_of(profile, rows, "reduce");
  const auto& plus = row_of(profile, rows, "+");
  CHECK(reduce.count == 2);
  CHECK(plus.count == 6);
  CHECK(reduce.total_ns == profile.total_ns());
  int64_t own_ns = 0;
  for (const auto& row : rows) own_ns += row.self_ns;
  CHECK(own_ns == profile.total_ns());
  // Entered and left, and the same for each operand: three pieces of a microsecond.
  CHECK(plus.self_ns == 6 * 3000);
  CHECK(plus.total_ns == 6 * 5000);
  CHECK(rows.front().self_ns >= rows.back().self_ns);
}

TEST_CASE("memory belongs to the expression that made it, and a failure ends what it was in") {
  const auto program = compiled(R"(["try", ["list", ["append", ["$input"], ["$input"]], ["error", "e"]], 0])");
  auto input = json::parse("[1,2,3,4,5,6,7,8]", "input");
  REQUIRE(input);
  const json::ValueView view(input->text.data(), input->tape.data(), 0);
  const SlowClock clock;
  ScriptProfile profile(program, clock);
  computo::Evaluator evaluator(program);
  REQUIRE(evaluator.evaluate_traced({&view, 1}, {}, profile));
  const auto rows = profile.rows();
  CHECK(row_of(profile, rows, "append").self_bytes >= 256);
  CHECK(row_of(profile, rows, "$input").self_bytes == 0);
  CHECK(row_of(profile, rows, "try").total_ns == profile.total_ns());
  CHECK(row_of(profile, rows, "list").total_ns > row_of(profile, rows, "list").self_ns);
}

TEST_CASE("a function that calls itself is not counted twice in its own total") {
  const auto program = compiled(R"(["let", {"f": ["lambda", ["n"], ["if", ["<", ["$", "/n"], 1], 0,
    ["call", ["$", "/f"], ["-", ["$", "/n"], 1]]]]}, ["call", ["$", "/f"], 5]])");
  const SlowClock clock;
  ScriptProfile profile(program, clock);
  computo::Evaluator evaluator(program);
  REQUIRE(evaluator.evaluate_traced({}, {}, profile));
  for (const auto& row : profile.rows()) CHECK(row.total_ns <= profile.total_ns());
  CHECK(row_of(profile, profile.rows(), "if").count == 6);
}

}  // namespace
}  // namespace colloquium::app
