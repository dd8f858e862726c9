#include "engine/replay_feed.h"

#include <catch2/catch.hpp>
#include <deque>

#include "base/manual_clock.h"
#include "engine/replay_pace.h"
#include "engine/test_support.h"
#include "log/log.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

// Ten events at the offsets 0 to 4 and 10 to 14.
class TwoBatches final : public log::Reader {
 public:
  explicit TwoBatches(int& reads) : reads_(reads) {}
  Result<std::shared_ptr<const Batch>> next() override {
    ++reads_;
    for (const int64_t base : {0, 10}) {
      if (offset_ >= base + 5) continue;
      const auto batch = batch_of({"1", "2", "3", "4", "5"}, base);
      const int64_t skipped = std::max<int64_t>(0, offset_ - base);
      offset_ = base + 5;
      return batch->tail(static_cast<size_t>(skipped));
    }
    return std::shared_ptr<const Batch>();
  }
  void seek(int64_t offset) override { offset_ = offset; }
  int64_t offset() const override { return offset_; }

 private:
  int& reads_;
  int64_t offset_ = 0;
};

std::vector<int64_t> offsets(const FeedItem& item) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < item.batch->size(); ++i) out.push_back(item.batch->offset(i));
  return out;
}

}  // namespace

TEST_CASE("a replay reads exactly its part, whatever batches it was written in", "[REQ-007]") {
  int reads = 0;
  ManualClock clock;
  ReplayFeed feed(std::make_unique<TwoBatches>(reads), {0, 3, 12}, nullptr, clock);
  CHECK(feed.first_sequence() == 3);
  const auto first = feed.read(3);
  REQUIRE(first->has_value());
  CHECK(offsets(**first) == std::vector<int64_t>{3, 4});
  const auto second = feed.read((*first)->next_sequence);
  REQUIRE(second->has_value());
  CHECK(offsets(**second) == std::vector<int64_t>{10, 11});
  CHECK_FALSE(feed.read((*second)->next_sequence)->has_value());
  CHECK(feed.ended());
  CHECK(feed.events() == 4);
  CHECK(feed.position() == 12);
  // A leg that lags reads again, and counts for nothing.
  CHECK(offsets(**feed.read(3)) == std::vector<int64_t>{3, 4});
  CHECK(feed.events() == 4);
}

TEST_CASE("a paced replay cuts batches, waits, and is no end while it waits", "[REQ-007]") {
  int reads = 0;
  ManualClock clock;
  ReplayFeed feed(std::make_unique<TwoBatches>(reads), {0, 0, 20}, std::make_shared<ReplayPace>(20, 0), clock);
  std::vector<int64_t> waits;
  feed.set_wake_in([&](int64_t wait_ms) { waits.push_back(wait_ms); });
  const auto first = feed.read(0);
  CHECK(offsets(**first) == std::vector<int64_t>{0});
  CHECK_FALSE(feed.read(1)->has_value());
  CHECK_FALSE(feed.ended());
  CHECK(waits == std::vector<int64_t>{50});
  clock.advance_ms(50);
  CHECK(offsets(**feed.read(1)) == std::vector<int64_t>{1});
  CHECK_FALSE(feed.read(2)->has_value());
  // What is not due is read once; what went before goes again at once.
  CHECK(reads == 1);
  CHECK(offsets(**feed.read(0)) == std::vector<int64_t>{0, 1});
  CHECK(feed.events() == 2);
  feed.stop();
  CHECK_FALSE(feed.read(2)->has_value());
  CHECK(feed.ended());
}
