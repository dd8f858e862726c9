// Any bytes as sugar: what sugar_checks.h says has to hold, and what it stands for is evaluated.
#include <cstdint>
#include <string_view>

#include "computo/convert.h"
#include "tests/computo/script_checks.h"
#include "tests/computo/sugar_checks.h"
#include "tests/fuzz/report.h"

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::computo;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  colloquium::fuzz::require(testing::check_sugar(text), text);
  ScriptError error;
  const auto json = to_json(text, {}, error);
  if (json) colloquium::fuzz::require(testing::check_evaluation(*json, "{\"a\":[1]}"), text);
  return 0;
}
