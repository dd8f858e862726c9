// Bytes as a JSON script, a line feed, and its input: it is refused, or evaluated as script_checks.h says. Beside
// machine_fuzz, which makes whole scripts, this one reaches what is wrong in them.
#include <cstdint>
#include <string_view>

#include "tests/computo/script_checks.h"
#include "tests/fuzz/report.h"

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::computo::testing;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  const std::string_view script = text.substr(0, end);
  const std::string_view input = end == std::string_view::npos ? "null" : text.substr(end + 1);
  colloquium::fuzz::require(check_evaluation(script, input), script);
  return 0;
}
