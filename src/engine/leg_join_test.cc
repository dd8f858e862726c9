#include "engine/leg_join.h"

#include <catch2/catch.hpp>

#include "engine/test_support.h"

namespace colloquium::engine {
namespace {

LegItem item_of(const std::vector<std::string>& texts, int64_t base) {
  LegItem item;
  item.batch = batch_of(texts, base);
  item.next_position = base + static_cast<int64_t>(texts.size());
  item.cursor = "at " + std::to_string(item.next_position);
  item.credit_bytes = 4096;
  return item;
}

std::shared_ptr<const Batch> letter(const std::string& text) {
  BatchBuilder builder;
  builder.add(text, {}, {});
  return builder.seal(test_origin(), 0);
}

}  // namespace

TEST_CASE("small items become one that is done when all of them would be") {
  std::deque<LegItem> waiting;
  waiting.push_back(item_of({"1", "[2]"}, 10));
  waiting.push_back(item_of({}, 12));
  waiting.push_back(item_of({"{\"n\":3}"}, 40));  // of what stood before it a filter or compaction took some
  waiting[0].dead = letter("\"a\"");
  waiting[2].dead = letter("\"b\"");
  REQUIRE(join_front(waiting, JoinLimits()) == 2);
  REQUIRE(waiting.size() == 1);
  const LegItem& joined = waiting.front();
  const Batch& batch = *joined.batch;
  REQUIRE(batch.size() == 3);
  CHECK(batch.value(0) == "1");
  CHECK(batch.value(1) == "[2]");
  CHECK(batch.value(2) == "{\"n\":3}");
  CHECK(batch.offset(0) == 10);
  CHECK(batch.offset(1) == 11);
  CHECK(batch.offset(2) == 40);
  CHECK(batch.id(2) == item_of({"3"}, 40).batch->id(0));
  CHECK(batch.tape(2)[0].type() == TokenType::kObject);
  CHECK(batch.tape(2)[0].length == batch.value(2).size());
  REQUIRE(joined.dead != nullptr);
  CHECK(joined.dead->size() == 2);
  CHECK(joined.dead->value(1) == "\"b\"");
  CHECK(joined.next_position == 41);
  CHECK(joined.cursor == "at 41");
  CHECK(joined.credit_bytes == 3 * 4096);
}

TEST_CASE("items of different parts of a source stay apart, with and without events") {
  std::deque<LegItem> waiting;
  for (const std::string part : {"a", "a", "b"}) {
    waiting.push_back(item_of({}, 10));
    waiting.back().part = part;
  }
  REQUIRE(join_front(waiting, JoinLimits()) == 1);
  CHECK(waiting.front().part == "a");
  CHECK(waiting.back().part == "b");
}

TEST_CASE("the end of a partition, large items and those of another origin stay alone") {
  std::deque<LegItem> waiting;
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  LegItem end;
  end.end = true;
  SECTION("end") {
    waiting.push_back(item_of({"1"}, 0));
    waiting.push_back(std::move(end));
    CHECK(join_front(waiting, JoinLimits()) == 0);
    waiting.pop_front();
    CHECK(join_front(waiting, JoinLimits()) == 0);
    CHECK(waiting.front().end);
  }
  SECTION("large") {
    waiting.push_back(item_of({"1"}, 0));
    waiting.push_back(item_of({"2"}, 1));
    waiting.push_back(item_of({large}, 2));
    waiting.push_back(item_of({"3"}, 3));
    CHECK(join_front(waiting, JoinLimits()) == 1);
    waiting.pop_front();
    CHECK(join_front(waiting, JoinLimits()) == 0);
    CHECK(waiting.size() == 2);
  }
  SECTION("another origin") {
    waiting.push_back(item_of({"1"}, 0));
    LegItem other = item_of({"2"}, 1);
    auto origin = std::make_shared<BatchOrigin>(other.batch->origin());
    origin->leg = "another";
    other.batch = other.batch->placed(std::move(origin), 1);
    waiting.push_back(std::move(other));
    CHECK(join_front(waiting, JoinLimits()) == 0);
    CHECK(waiting.size() == 2);
  }
  SECTION("too far behind to be counted from the first") {
    waiting.push_back(item_of({"1"}, 0));
    waiting.push_back(item_of({"2"}, int64_t{1} << 32));
    CHECK(join_front(waiting, JoinLimits()) == 0);
  }
  SECTION("nothing") {
    CHECK(join_front(waiting, JoinLimits()) == 0);
  }
}

TEST_CASE("what is joined is bounded, in bytes and in events") {
  std::deque<LegItem> waiting;
  const std::string text = "\"" + std::string(100'000, 'x') + "\"";
  for (int i = 0; i < 30; ++i) waiting.push_back(item_of({text}, i));
  CHECK(join_front(waiting, JoinLimits()) == 9);
  CHECK(waiting.front().batch->size() == 10);
  CHECK(waiting.front().batch->payload_bytes() <= 1u << 20);
  waiting.clear();
  for (int i = 0; i < 1500; ++i) waiting.push_back(item_of({"1"}, i));
  CHECK(join_front(waiting, JoinLimits()) == 999);
  CHECK(waiting.size() == 501);
}

TEST_CASE("a sink says what is joined for it") {
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  std::deque<LegItem> waiting;
  for (int i = 0; i < 30; ++i) waiting.push_back(item_of({large}, i));
  CHECK(join_front(waiting, JoinLimits()) == 0);
  CHECK(join_front(waiting, {size_t{1} << 20, size_t{4} << 20, 10}) == 9);
  CHECK(join_front(waiting, {0, 0, 0}) == 0);
  CHECK(waiting.size() == 21);
}

TEST_CASE("items of which nothing is left are one without events") {
  std::deque<LegItem> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(item_of({}, i));
  CHECK(join_front(waiting, JoinLimits()) == 2);
  CHECK(waiting.front().batch->empty());
  CHECK(waiting.front().cursor == "at 2");
}

}  // namespace colloquium::engine
