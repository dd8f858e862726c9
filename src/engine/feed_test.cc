#include "engine/feed.h"

#include <catch2/catch.hpp>

#include "engine/test_support.h"
#include "log/log.h"

using namespace colloquium;
using namespace colloquium::engine;

TEST_CASE("a queue numbers its items, gives them out as often as asked, and forgets what nobody needs") {
  QueueFeed queue(1 << 20);
  int wakes = 0;
  queue.set_wake([&] { ++wakes; });
  queue.set_drained([] {});
  CHECK_FALSE(queue.read(0)->has_value());
  for (int i = 0; i < 3; ++i)
    queue.push({.batch = batch_of({std::to_string(i)}), .next_position = i + 1, .cursor = {}});
  CHECK(wakes == 3);
  for (int round = 0; round < 2; ++round) {
    const auto item = queue.read(1);
    REQUIRE(item->has_value());
    CHECK((*item)->batch->value(0) == "1");
    CHECK((*item)->next_sequence == 2);
    CHECK((*item)->next_position == 2);
  }
  queue.release_below(2);
  CHECK((*queue.read(2))->batch->value(0) == "2");
  CHECK_FALSE(queue.read(3)->has_value());
}

TEST_CASE("a queue says when it is full and when it no longer is", "[REQ-029]") {
  QueueFeed queue(700);
  int drained = 0;
  queue.set_wake([] {});
  queue.set_drained([&] { ++drained; });
  const std::string text = "\"" + std::string(200, 'x') + "\"";
  queue.push({.batch = batch_of({text}), .cursor = {}});
  CHECK_FALSE(queue.full());
  queue.push({.batch = batch_of({text}), .cursor = {}});
  CHECK(queue.full());
  CHECK(queue.depth_bytes() > 400);
  queue.release_below(1);
  CHECK(drained == 1);
  CHECK_FALSE(queue.full());
  queue.release_below(2);
  CHECK(drained == 1);
  CHECK(queue.depth_bytes() == 0);
}

TEST_CASE("a feed that retention has overtaken goes on at the oldest event") {
  // What a reader of the log says then, and does when it is asked again.
  class Overtaken final : public log::Reader {
   public:
    Result<std::shared_ptr<const Batch>> next() override {
      if (offset_ > 0 && sought_ < 3) return fail(ErrorCode::kNotFound, "offset 1 was removed by retention");
      ++offset_;
      return batch_of({std::to_string(offset_)});
    }
    void seek(int64_t offset) override {
      offset_ = offset;
      ++sought_;
    }
    int64_t offset() const override { return offset_; }
    int64_t offset_ = 0;
    int sought_ = 0;  // each time more has gone meanwhile
  };
  LogFeed feed(std::make_unique<Overtaken>(), 0);
  REQUIRE((*feed.read(0))->batch->value(0) == "1");
  const auto next = feed.read(1);
  REQUIRE(next);
  REQUIRE(next->has_value());
  CHECK((*next)->batch->value(0) == "2");
}
