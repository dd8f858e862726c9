#include "engine/producer_sequences.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "base/manual_clock.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

using Claim = DedupeTable::Claim;

IdHash id(const ProducerSequences& table, const std::string& producer, int64_t number) {
  return ProducerSequences::id(table.hash(producer), number);
}

Claim claim(ProducerSequences& table, const std::string& producer, int64_t number, int64_t now_ms = 0) {
  return table.claim(id(table, producer, number), now_ms, [] { return DedupeTable::Settled([](bool) {}); });
}

void store(ProducerSequences& table, const std::string& producer, int64_t number, int64_t now_ms = 0) {
  REQUIRE(claim(table, producer, number, now_ms) == Claim::kNew);
  table.confirm(id(table, producer, number));
}

}  // namespace

TEST_CASE("a producer begins with any number, and then the next one is new and an earlier one a duplicate",
          "[REQ-008]") {
  ProducerSequences table(1, 1000, 10);
  store(table, "a", 41);
  store(table, "a", 42);
  CHECK(claim(table, "a", 41) == Claim::kDurable);
  CHECK(claim(table, "a", 42) == Claim::kDurable);
  CHECK(claim(table, "a", 7) == Claim::kDurable);
  store(table, "b", 1);
  CHECK(claim(table, "a", 43) == Claim::kNew);
  CHECK(table.size() == 2);
}

TEST_CASE("a number that leaves out others is a gap until they have come", "[REQ-008]") {
  ProducerSequences table(1, 1000, 10);
  store(table, "a", 1);
  CHECK(claim(table, "a", 3) == Claim::kGap);
  CHECK(table.expected(id(table, "a", 3)) == 2);
  store(table, "a", 2);
  store(table, "a", 3);
  CHECK_FALSE(table.expected(id(table, "nobody", 1)));
}

TEST_CASE("a copy of a number under way waits; one that failed comes before all others", "[REQ-008]") {
  ProducerSequences table(1, 1000, 10);
  store(table, "a", 1);
  REQUIRE(claim(table, "a", 2) == Claim::kNew);
  REQUIRE(claim(table, "a", 3) == Claim::kNew);  // the next one, while the one before is under way
  int durable = 0, lost = 0;
  const auto waiter = [&] { return DedupeTable::Settled([&](bool ok) { ++(ok ? durable : lost); }); };
  CHECK(table.claim(id(table, "a", 2), 0, waiter) == Claim::kPending);
  CHECK(table.claim(id(table, "a", 3), 0, waiter) == Claim::kPending);
  table.release(id(table, "a", 2));
  table.confirm(id(table, "a", 3));
  CHECK(lost == 1);
  CHECK(durable == 1);
  CHECK(claim(table, "a", 4) == Claim::kGap);
  CHECK(table.expected(id(table, "a", 4)) == 2);
  CHECK(claim(table, "a", 3) == Claim::kDurable);
  store(table, "a", 2);
  store(table, "a", 4);
}

// Were those under way walked at every claim this would take an hour, and the test its timeout.
TEST_CASE("half a million numbers under way cost the next one nothing, however they end", "[REQ-008]") {
  constexpr int64_t kNumbers = 500'000;
  ProducerSequences table(1, 1000, 10);
  const bool from_the_end = GENERATE(true, false);
  for (const bool kept : {false, true}) {
    int64_t fresh = 0;
    for (int64_t number = 1; number <= kNumbers; ++number) fresh += claim(table, "a", number) == Claim::kNew;
    REQUIRE(fresh == kNumbers);
    CHECK(claim(table, "a", kNumbers) == Claim::kPending);
    CHECK(claim(table, "a", kNumbers + 2) == Claim::kGap);
    for (int64_t i = 1; i <= kNumbers; ++i) {
      const IdHash settled = id(table, "a", from_the_end ? kNumbers + 1 - i : i);
      kept ? table.confirm(settled) : table.release(settled);
    }
    CHECK(table.expected(id(table, "a", 0)) == (kept ? kNumbers + 1 : 1));
    CHECK(claim(table, "a", 2) == (kept ? Claim::kDurable : Claim::kGap));
  }
  uint64_t visited = 0;
  table.visit_durable([&](const IdHash&, int64_t) { ++visited; });
  CHECK(visited == 1);
}

TEST_CASE("who was silent longest is forgotten first, by time and by number, and the horizon says so") {
  ProducerSequences table(1, 1000, 2);
  store(table, "a", 1, 10);
  store(table, "b", 1, 20);
  store(table, "a", 2, 30);
  CHECK(table.horizon_ms(30) == -970);
  store(table, "c", 1, 40);
  store(table, "c", 2, 50);  // "b" has gone
  CHECK(table.size() == 2);
  CHECK(table.horizon_ms(50) == 20);
  CHECK(claim(table, "a", 3, 1030) == Claim::kNew);  // just within the window
  table.release(id(table, "a", 3));
  store(table, "a", 77, 3000 + 1030);  // and beyond it: it may begin anew
}

TEST_CASE("one with a number under way is not forgotten") {
  ProducerSequences table(1, 1000, 1);
  REQUIRE(claim(table, "a", 1, 0) == Claim::kNew);
  store(table, "b", 1, 5000);
  CHECK(claim(table, "a", 2, 5000) == Claim::kNew);
}

TEST_CASE("what is visited gives the same table again, holes and all, in whatever order partitions are read",
          "[REQ-008]") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    ProducerSequences table(1, 1'000'000, 100);
    std::set<int64_t> durable;
    const auto begin = static_cast<int64_t>(random.next() % 50);
    for (int64_t number = begin, end = begin + 20; number < end; ++number) {
      if (claim(table, "a", number) != Claim::kNew) break;
      const uint64_t fate = random.next() % 4;
      if (fate == 0) continue;  // under way when it is visited
      fate == 1 ? table.release(id(table, "a", number)) : table.confirm(id(table, "a", number));
      if (fate > 1) durable.insert(number);
    }
    ProducerSequences again(1, 1'000'000, 100);
    table.visit_durable([&](const IdHash& hash, int64_t time_ms) { again.restore(hash, time_ms); });
    // The same from the log, in two partitions.
    ProducerSequences read(1, 1'000'000, 100);
    for (const int64_t parity : {1, 0}) {
      for (const int64_t number : durable)
        if (number % 2 == parity) read.restore(id(read, "a", number), number);
    }
    for (const int64_t number : durable) {
      CHECK(claim(again, "a", number) == Claim::kDurable);
      CHECK(claim(read, "a", number) == Claim::kDurable);
    }
    if (durable.empty()) continue;
    int64_t next = *durable.begin();
    while (durable.contains(next)) ++next;
    CHECK(again.expected(id(again, "a", 0)) == next);
    CHECK(read.expected(id(read, "a", 0)) == next);
  }
}

TEST_CASE("in the log, a producer that was forgotten and began anew counts from where it began last",
          "[REQ-008]") {
  ProducerSequences table(1, 1000, 10);
  for (const int64_t number : {5'000'000, 5'000'001}) table.restore(id(table, "a", number), 10);
  for (const int64_t number : {1, 2, 3}) table.restore(id(table, "a", number), 5000);
  CHECK(table.expected(id(table, "a", 0)) == 4);
  table.restore(id(table, "a", 9'000'000), 9000);
  CHECK(table.expected(id(table, "a", 0)) == 9'000'001);
  table.restore(id(table, "a", 4), 5001);  // of another partition, and older
  CHECK(table.expected(id(table, "a", 0)) == 9'000'001);
}
