#include "engine/dead_letter_tally.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/logging.h"
#include "base/manual_clock.h"

using namespace colloquium;
using engine::DeadLetterTally;

namespace {

// What is logged while it lives.
struct Lines {
  Lines() {
    set_log_writer([this](std::string_view line) { all.emplace_back(line); });
  }
  ~Lines() { set_log_writer(nullptr); }
  std::vector<std::string> all;
};

const Error kRefused{ErrorCode::kInvalidInput, "answered 422", false, {}};
const Error kTooLong{ErrorCode::kLimit, "too long", false, {}};

}  // namespace

TEST_CASE("every dead letter is counted by its reason, and one in ten seconds is told", "[REQ-021][REQ-111]") {
  ManualClock clock;
  DeadLetterTally tally("orders/out", clock);
  Lines lines;
  int asked = 0;
  const auto id = [&] {
    ++asked;
    return std::string("orders.t-0-7");
  };
  for (int i = 0; i < 1000; ++i) tally.add(kRefused, id);
  tally.add(kTooLong, id);
  CHECK(tally.counts().value(ErrorCode::kInvalidInput) == 1000);
  CHECK(tally.counts().value(ErrorCode::kLimit) == 1);
  CHECK(asked == 1);
  REQUIRE(lines.all.size() == 1);
  CHECK_THAT(lines.all[0], Catch::Contains("orders/out") &&
                               Catch::Contains("event orders.t-0-7 went to the dead letters: answered 422"));
  CHECK_THAT(lines.all[0], !Catch::Contains("more since"));
  clock.advance_ms(9'999);
  tally.add(kTooLong, id);
  CHECK(lines.all.size() == 1);
  clock.advance_ms(1);
  tally.add(kTooLong, id);
  REQUIRE(lines.all.size() == 2);
  CHECK_THAT(lines.all[1], Catch::Contains("too long (and 1001 more since the last such message)"));
}

TEST_CASE("what is told elsewhere is counted without a line") {
  ManualClock clock;
  DeadLetterTally tally("orders/out", clock);
  Lines lines;
  tally.count(ErrorCode::kInvalidInput);
  CHECK(tally.counts().value(ErrorCode::kInvalidInput) == 1);
  CHECK(lines.all.empty());
}
