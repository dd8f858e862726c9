// Bytes as choices: a script of any operators and an input are made of them, and its evaluation has to keep what
// script_checks.h says. Scripts met this way nearly all compile, so that the machine and the operators are
// reached.
#include <cstdint>
#include <string_view>

#include "tests/computo/script_checks.h"
#include "tests/computo/script_maker.h"
#include "tests/fuzz/report.h"

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::computo::testing;
  ScriptMaker maker(choices_of({reinterpret_cast<const char*>(data), size}));
  const std::string script = maker.script(6);
  const std::string input = maker.data(4);
  colloquium::fuzz::require(check_evaluation(script, input), script);
  colloquium::fuzz::require(check_conversion(script, input), script);
  return 0;
}
