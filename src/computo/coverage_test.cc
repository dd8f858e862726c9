#include "computo/coverage.h"

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::Text;

struct Covered {
  explicit Covered(std::string_view script) : program(compile(script)), coverage(program), evaluator(program) {}

  static ProgramPtr compile(std::string_view script) {
    CompileOptions options;
    options.trace = TraceInfo::kPlaces;
    options.optimize = false;
    return testing::compiled(script, options);
  }
  void evaluate(std::string_view input) {
    const Text text(input);
    const json::ValueView view = text.view();
    evaluator.evaluate_traced({&view, 1}, {}, coverage);
  }
  // "/if/then+3" of each gap.
  std::string gaps() const {
    std::string text;
    for (const Coverage::Gap& gap : coverage.gaps()) {
      text += coverage.sites().path(gap.site) + "+" + std::to_string(gap.inside) + " ";
    }
    return text;
  }

  ProgramPtr program;
  Coverage coverage;
  Evaluator evaluator;
};

TEST_CASE("coverage adds up over evaluations [REQ-050]") {
  Covered covered(R"(["if", [">", ["$input"], 5], ["+", ["$input"], ["*", 2, 3]], "small"])");
  CHECK(covered.coverage.total() == 10);
  CHECK(covered.coverage.evaluated() == 0);
  CHECK(covered.gaps() == "/+9 ");
  covered.evaluate("1");
  CHECK(covered.coverage.evaluated() == 5);
  CHECK(covered.coverage.percent() == 50.0);
  CHECK(covered.gaps() == "/if/then+4 ");
  covered.evaluate("7");
  CHECK(covered.coverage.percent() == 100.0);
  CHECK(covered.gaps().empty());
}

TEST_CASE("branches that the compiler could cut off, functions nobody calls and what an error hides are gaps") {
  Covered constant(R"(["if", false, ["+", 1, 2], 3])");
  constant.evaluate("null");
  CHECK(constant.gaps() == "/if/then+2 ");
  Covered uncalled(R"(["map", ["$input"], ["lambda", ["x"], ["+", ["$", "/x"], 1]]])");
  uncalled.evaluate("[]");
  CHECK(uncalled.gaps() == "/map/lambda/body+2 ");
  Covered failing(R"(["list", ["error", "e"], 1, ["+", 2, 3]])");
  failing.evaluate("null");
  CHECK(failing.gaps() == "/list/1+0 /list/2+2 ");
}

}  // namespace
}  // namespace colloquium::computo
