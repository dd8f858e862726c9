// Evaluation traced is evaluation untraced, on every vector of the conformance files: the same value or the same
// error, whatever the tracer looks at on the way; and what the tracer is told is well nested. And what a strict
// compilation foretells comes to pass.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"
#include "computo/trace.h"
#include "tests/computo/vector_files.h"

namespace colloquium::computo {
namespace {

struct Vector {
  std::string id;
  std::string script;
  std::string array_key = "array";
  bool sugar = false;
  std::vector<std::string> inputs;
};

std::string text(const json::ValueView& object, const char* member) {
  std::string scratch;
  const auto value = object.member(member);
  return value ? std::string(value->string(scratch)) : std::string();
}

bool read_vector(const json::ValueView& vector, Vector& out) {
  out.id = text(vector, "id");
  out.sugar = text(vector, "syntax") == "sugar";
  const auto script = vector.member("script");
  if (!script || vector.member("mode") || text(vector, "syntax") == "convert") return false;
  out.script = out.sugar ? text(vector, "script") : std::string(script->raw());
  if (const auto inputs = vector.member("inputs")) {
    for (auto input = inputs->first_child(); !input.at_end_of(*inputs); input = input.next()) {
      out.inputs.emplace_back(input.raw());
    }
  }
  if (const auto options = vector.member("options"); options && options->member("array_key")) {
    out.array_key = text(*options, "array_key");
  }
  return true;
}

const std::vector<Vector>& all_vectors() {
  static const std::vector<Vector> vectors = [] {
    std::vector<Vector> read;
    each_vector([&](const json::ValueView& view) {
      Vector vector;
      if (read_vector(view, vector)) read.push_back(std::move(vector));
    });
    return read;
  }();
  return vectors;
}

// Looks at everything there is to see, within reason, and checks that it fits together.
class Onlooker : public Tracer {
 public:
  bool enter(uint32_t site, const Moment& moment) override {
    ++entered;
    running_.push_back(site);
    good = good && moment.place() == site && moment.expressions() == running_.size();
    if (entered < kMostLooks) look(moment);
    return true;
  }
  bool leave(uint32_t site, const Moment& moment, const TraceValue& value) override {
    good = good && !running_.empty() && running_.back() == site;
    if (!running_.empty()) running_.pop_back();
    if (entered < kMostLooks) {
      const std::string seen = value.json();
      good = good && !seen.empty() && moment.place() == site;
    }
    return true;
  }
  void abandon(uint32_t site, const Moment& /*moment*/) override {
    good = good && !running_.empty() && running_.back() == site;
    if (!running_.empty()) running_.pop_back();
  }
  bool call(uint32_t function, const Moment& moment) override {
    calls_.push_back(function);
    good = good && moment.calls() == calls_.size() && moment.function() == function;
    return true;
  }
  void end_call(uint32_t function, const Moment& /*moment*/) override {
    good = good && !calls_.empty() && calls_.back() == function;
    if (!calls_.empty()) calls_.pop_back();
  }
  bool failed(const ScriptError& error, const Moment& moment) override {
    last_failure = error.problem;
    look(moment);
    return true;
  }

  bool finished(bool done) const { return good && running_.empty() && calls_.size() == (done ? 1u : 0u); }

  size_t entered = 0;
  bool good = true;
  std::string last_failure;

 private:
  static constexpr size_t kMostLooks = 300;

  void look(const Moment& moment) {
    for (size_t frame = 0; frame < std::min<size_t>(moment.calls(), 3); ++frame) {
      for (const TraceVariable& variable : moment.variables(frame)) good = good && !variable.value.json().empty();
    }
  }

  std::vector<uint32_t> running_;
  std::vector<uint32_t> calls_;
};

struct Documents {
  explicit Documents(const std::vector<std::string>& texts) {
    for (const std::string& input : texts) {
      auto document = json::parse(input, "input");
      if (!document) continue;
      documents.push_back(std::move(*document));
    }
    for (const json::Document& document : documents) {
      views.emplace_back(document.text.data(), document.tape.data(), 0);
    }
    whole = documents.size() == texts.size();
  }
  std::vector<json::Document> documents;
  std::vector<json::ValueView> views;
  bool whole = false;
};

std::string outcome(Evaluator& evaluator, bool evaluated) {
  std::vector<char> bytes;
  if (evaluated && evaluator.write(bytes, nullptr)) return {bytes.begin(), bytes.end()};
  return evaluator.error().describe("script");
}

ProgramPtr compile(const Vector& vector, const CompileOptions& options) {
  CompileFailure failure;
  return vector.sugar ? compile_sugar(vector.script, options, failure)
                      : compile_json(vector.script, options, failure);
}

void check(TraceInfo trace, bool optimize) {
  size_t checked = 0;
  for (const Vector& vector : all_vectors()) {
    CompileOptions options;
    options.array_key = vector.array_key;
    const Documents inputs(vector.inputs);
    const ProgramPtr plain = compile(vector, options);
    if (plain == nullptr || !inputs.whole) continue;
    options.trace = trace;
    options.optimize = optimize;
    const ProgramPtr traced = compile(vector, options);
    INFO(vector.id);
    REQUIRE(traced != nullptr);
    Evaluator expected(plain);
    Evaluator actual(traced);
    const std::string answer = outcome(expected, expected.evaluate(inputs.views));
    Onlooker onlooker;
    const bool done = actual.evaluate_traced(inputs.views, {}, onlooker);
    if (outcome(actual, done) != answer) CHECK(outcome(actual, done) == answer);
    if (!onlooker.finished(done) || onlooker.entered == 0) FAIL("what the tracer was told does not fit together");
    if (done && answer != outcome(actual, actual.evaluate(inputs.views))) FAIL("not the same untraced");
    ++checked;
  }
  CHECK(checked > 1500);
}

TEST_CASE("every vector gives the same traced as untraced [REQ-049]") {
  check(TraceInfo::kPlaces, true);
}

TEST_CASE("every vector gives the same traced with all names and nothing worked out ahead") {
  check(TraceInfo::kNames, false);
}

// In the vectors no branch that can only fail waits for another input, so whoever gives a value is not told of.
TEST_CASE("of no vector that gives a value a strict compilation says that it fails, and of many that fail") {
  size_t values = 0;
  size_t told = 0;
  for (const Vector& vector : all_vectors()) {
    CompileOptions options;
    options.array_key = vector.array_key;
    const Documents inputs(vector.inputs);
    const ProgramPtr program = compile(vector, options);
    if (program == nullptr || !inputs.whole) continue;
    options.strict = true;
    CompileFailure failure;
    if (vector.sugar) compile_sugar(vector.script, options, failure);
    if (!vector.sugar) compile_json(vector.script, options, failure);
    const bool foretold = std::any_of(failure.errors.begin(), failure.errors.end(), [](const ScriptError& error) {
      return error.problem.starts_with("fails whenever this is reached: ");
    });
    const bool gives = Evaluator(program).evaluate(inputs.views);
    INFO(vector.id);
    if (gives && foretold) FAIL(failure.errors.front().message());
    values += gives ? 1 : 0;
    told += foretold ? 1 : 0;
  }
  CHECK(values > 1500);
  CHECK(told > 300);
}

}  // namespace
}  // namespace colloquium::computo
