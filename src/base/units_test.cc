#include "base/units.h"

#include <catch2/catch.hpp>
#include <limits>

namespace colloquium {
namespace {

TEST_CASE("durations are whole numbers with a unit") {
  CHECK(parse_duration_ms("500ms").value() == 500);
  CHECK(parse_duration_ms("10s").value() == 10'000);
  CHECK(parse_duration_ms("5m").value() == 300'000);
  CHECK(parse_duration_ms("1h").value() == 3'600'000);
  CHECK(parse_duration_ms("7d").value() == 604'800'000);
  CHECK(parse_duration_ms("0").value() == 0);
  CHECK(parse_duration_ms("0s").value() == 0);
}

TEST_CASE("sizes know powers of 1000 and of 1024 and bare bytes") {
  CHECK(parse_size_bytes("64KiB").value() == 65'536);
  CHECK(parse_size_bytes("10MiB").value() == 10'485'760);
  CHECK(parse_size_bytes("1GB").value() == 1'000'000'000);
  CHECK(parse_size_bytes("3TiB").value() == 3'298'534'883'328);
  CHECK(parse_size_bytes("17B").value() == 17);
  CHECK(parse_size_bytes("17").value() == 17);
}

TEST_CASE("what is no duration or size is refused with what may be written") {
  const char* text = GENERATE("", "s", "-1s", "+1s", "1.5s", "10 s", "10S", "10sec", "10s ", " 10s", "5", "1h30m");
  const auto parsed = parse_duration_ms(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == ErrorCode::kInvalidInput);
  CHECK_THAT(parsed.error().message, Catch::Contains("ms, s, m, h, d"));
  const char* size = GENERATE("", "KiB", "-1", "1kb", "1 MiB", "0x10", "1e3", "1MiBs");
  const auto parsed_size = parse_size_bytes(size);
  REQUIRE_FALSE(parsed_size);
  CHECK_THAT(parsed_size.error().message, Catch::Contains("KiB, MiB"));
}

TEST_CASE("numbers that overflow are refused, in digits or by their unit") {
  CHECK_THAT(parse_duration_ms("99999999999999999999s").error().message, Catch::Contains("too large"));
  CHECK_THAT(parse_duration_ms("9223372036854775807d").error().message, Catch::Contains("too large"));
  CHECK_THAT(parse_size_bytes("9000000TiB").error().message, Catch::Contains("too large"));
  CHECK(parse_size_bytes("9223372036854775807").value() == std::numeric_limits<int64_t>::max());
}

TEST_CASE("formatting is exact and uses the largest unit that divides") {
  CHECK(format_duration(0) == "0s");
  CHECK(format_duration(1500) == "1500ms");
  CHECK(format_duration(90'000) == "90s");
  CHECK(format_duration(86'400'000) == "1d");
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1000) == "1KB");
  CHECK(format_size(1024) == "1KiB");
  CHECK(format_size(1'048'577) == "1048577B");
  const int64_t number = GENERATE(1, 999, 1000, 1024, 60'000, 65'536, 3'600'001, 1'000'000'000, 4'398'046'511'104);
  CHECK(parse_duration_ms(format_duration(number)).value() == number);
  CHECK(parse_size_bytes(format_size(number)).value() == number);
}

}  // namespace
}  // namespace colloquium
