// Any bytes as a JSON script: laid out, and written as sugar and read again as often as may be, it stays the same.
#include <cstdint>
#include <string_view>

#include "tests/computo/script_checks.h"
#include "tests/computo/sugar_checks.h"
#include "tests/fuzz/report.h"

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::computo::testing;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  colloquium::fuzz::require(check_json_script(text), text);
  colloquium::fuzz::require(check_conversion(text, "{\"a\":[1,\"x\"]}"), text);
  return 0;
}
