#include "components/kafka/topic_part.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

RawMessage message(const std::string& value) {
  RawMessage made;
  made.value = value;
  return made;
}

// Takes offsets one by one; the runs cut on the way.
std::vector<RawBatch> take(TopicPart& part, std::initializer_list<int64_t> offsets) {
  std::vector<RawBatch> runs;
  for (const int64_t offset : offsets) {
    if (!part.wants(offset)) continue;
    if (auto run = part.add(offset, message(std::to_string(offset)))) runs.push_back(std::move(*run));
  }
  if (auto run = part.cut()) runs.push_back(std::move(*run));
  return runs;
}

TEST_CASE("contiguous offsets are one run, a gap begins another, and each carries where to go on") {
  TopicPart part("orders-0");
  part.begin(std::nullopt);
  const auto runs = take(part, {7, 8, 9, 20, 21});
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].position == 7);
  CHECK(runs[0].messages.size() == 3);
  CHECK(runs[0].cursor == "10");
  CHECK(runs[0].bad_event == BadEventPolicy::kDeadLetter);
  CHECK(runs[1].position == 20);
  CHECK(runs[1].cursor == "22");
}

TEST_CASE("a run ends where it is long enough") {
  TopicPart part("orders-0");
  part.begin(std::nullopt);
  const std::string half(600'000, 'x');
  CHECK_FALSE(part.add(0, message(half)));
  CHECK_FALSE(part.add(1, message(half)));
  const auto first = part.add(2, message(half));
  REQUIRE(first);
  CHECK(first->messages.size() == 2);
  CHECK(part.cut()->position == 2);
}

TEST_CASE("what is accepted counts in one piece, whatever order the answers have") {
  TopicPart part("orders-0");
  part.begin(PartCursor{5, 0});
  CHECK_FALSE(part.wants(4));
  REQUIRE(take(part, {5}).size() == 1);
  const uint64_t first = part.last_run();
  REQUIRE(take(part, {6}).size() == 1);
  const uint64_t second = part.last_run();
  CHECK_FALSE(part.acknowledged(second, true));
  CHECK(part.accepted()->next == 5);
  CHECK(part.under_way() == 1);
  CHECK_FALSE(part.acknowledged(first, true));
  CHECK(part.accepted()->next == 7);
}

TEST_CASE("after a refusal nothing is wanted until all is back, and then from the first one refused on") {
  TopicPart part("orders-0");
  part.begin(std::nullopt);
  std::vector<uint64_t> numbers;
  for (const int64_t offset : {100, 101, 102}) {
    REQUIRE(take(part, {offset}).size() == 1);
    numbers.push_back(part.last_run());
  }
  CHECK_FALSE(part.acknowledged(numbers[0], true));
  CHECK_FALSE(part.acknowledged(numbers[1], false));
  CHECK_FALSE(part.wants(103));
  CHECK(part.acknowledged(numbers[2], false));
  CHECK(part.resume_at() == 101);
  part.resume(part.resume_at());
  CHECK_FALSE(part.wants(100));
  const auto again = take(part, {101, 102});
  REQUIRE(again.size() == 1);
  CHECK(again[0].position == 101);
  CHECK_FALSE(part.acknowledged(part.last_run(), true));
  CHECK(part.accepted()->next == 103);
}

TEST_CASE("a refusal of the first run goes back to where that began, though no offset was known before") {
  TopicPart part("orders-0");
  part.begin(std::nullopt);
  CHECK_FALSE(part.resume_at());
  REQUIRE(take(part, {40, 41}).size() == 1);
  CHECK(part.acknowledged(part.last_run(), false));
  CHECK(part.resume_at() == 40);
}

TEST_CASE("answers to what was emitted before the partition was ours anew are not looked at") {
  TopicPart part("orders-0");
  part.begin(PartCursor{0, 0});
  REQUIRE(take(part, {0, 1}).size() == 1);
  const uint64_t old = part.last_run();
  part.begin(part.accepted());
  REQUIRE(take(part, {0}).size() == 1);
  CHECK(part.last_run() > old);
  CHECK_FALSE(part.acknowledged(old, false));
  CHECK(part.wants(1));
  CHECK(part.accepted()->next == 0);
}

TEST_CASE("offsets that begin anew get positions above all before") {
  TopicPart part("orders-0");
  // Also above what a run before stored behind its cursor.
  const auto [free_position, base] = GENERATE(table<int64_t, int64_t>({{0, 500}, {500, 500}, {520, 520}}));
  part.begin(PartCursor{500, 0});
  part.raise_base(free_position);
  part.resume(0);
  const auto runs = take(part, {0, 1});
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].position == base);
  CHECK(runs[0].cursor == "2@" + std::to_string(base));
  CHECK_FALSE(part.acknowledged(part.last_run(), true));
  CHECK(part.accepted()->position() == base + 2);
}

TEST_CASE("a cursor reads back, and a text that is none is refused") {
  for (const PartCursor cursor : {PartCursor{0, 0}, PartCursor{1234, 0}, PartCursor{7, 5000}}) {
    const auto read = PartCursor::decode(cursor.encode());
    REQUIRE(read);
    CHECK(read->next == cursor.next);
    CHECK(read->base == cursor.base);
  }
  CHECK(PartCursor{1234, 0}.encode() == "1234");
  for (const char* text : {"", "x", "12x", "-1", "5@", "@5", "5@-1"}) {
    INFO(text);
    CHECK_FALSE(PartCursor::decode(text));
  }
}

}  // namespace
}  // namespace colloquium::components
