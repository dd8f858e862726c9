#include "ai/failures.h"

#include <catch2/catch.hpp>

using namespace colloquium;
using namespace colloquium::ai;

namespace {
std::optional<int64_t> after(std::vector<std::pair<std::string, std::string>> headers) {
  return retry_after_ms({429, std::move(headers)});
}
}  // namespace

TEST_CASE("a provider's wish to be asked later is read as its own SDK reads it", "[REQ-064]") {
  CHECK(after({}) == std::nullopt);
  CHECK(after({{"Retry-After", "7"}}) == 7000);
  CHECK(after({{"retry-after", "0.25"}}) == 250);
  CHECK(after({{"retry-after", "7"}, {"Retry-After-Ms", "1500.2"}}) == 1501);
  CHECK(after({{"retry-after", "7"}, {"retry-after-ms", "soon"}}) == 7000);
  CHECK(after({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:39 GMT"}}) ==
        2000);
  CHECK(after({{"retry-after", "Sun, 06 Nov 1994 08:49:39 GMT"}}) == std::nullopt);
  for (const char* bad : {"-1", "", "1s", "nan", "inf", "1e3", "99999999999999999999"}) {
    CHECK(after({{"retry-after", bad}}) == std::nullopt);
  }
}

TEST_CASE("lengths of time are read as providers write them") {
  CHECK(parse_duration_ms("120ms") == 120);
  CHECK(parse_duration_ms("1s") == 1000);
  CHECK(parse_duration_ms("6m0s") == 360'000);
  CHECK(parse_duration_ms("1h2m3.5s") == 3'723'500);
  CHECK(parse_duration_ms("34.074824224s") == 34'075);
  CHECK(parse_duration_ms("0s") == 0);
  for (const char* bad : {"", "s", "5", "5x", "1s5", "-1s", "1..5s", "99999999999999999d"}) {
    INFO(bad);
    CHECK(parse_duration_ms(bad) == std::nullopt);
  }
}
