#include "base/money.h"

#include <catch2/catch.hpp>
#include <limits>
#include <random>

using namespace colloquium;

TEST_CASE("an amount is written with the digits that count", "[REQ-062]") {
  CHECK(usd_text({0}) == "0");
  CHECK(usd_text({1}) == "0.000000001");
  CHECK(usd_text({1'500'000'000}) == "1.5");
  CHECK(usd_text({12 * kNanoPerUsd}) == "12");
  CHECK(usd_text({-75}) == "-0.000000075");
  CHECK(usd_text({std::numeric_limits<int64_t>::min()}) == "-9223372036.854775808");
}

TEST_CASE("what is written can be read, to the last digit") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const auto bits = static_cast<int>(random() % 62);
    const auto value = static_cast<int64_t>(random() >> (63 - bits)) % (int64_t{9'000'000'000} * kNanoPerUsd);
    const NanoUsd amount{i % 2 == 0 ? value : -value};
    const auto back = parse_usd(usd_text(amount));
    REQUIRE(back);
    CHECK(*back == amount);
  }
  CHECK(*parse_usd("0.500000000000") == NanoUsd{kNanoPerUsd / 2});
  CHECK(*parse_usd("007") == NanoUsd{7 * kNanoPerUsd});
}

TEST_CASE("what is no amount is refused, with what was read") {
  for (const char* text : {"", "-", ".5", "5.", "1e3", " 1", "1,5", "$1", "--1", "1.0000000001", "9000000001",
                           "99999999999999999999999999"}) {
    const auto read = parse_usd(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("'" + std::string(text) + "'") != std::string::npos);
  }
}
