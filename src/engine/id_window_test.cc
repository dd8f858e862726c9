#include "engine/id_window.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <thread>

#include "engine/dedupe_checkpoint.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

using Claim = DedupeTable::Claim;

std::function<DedupeTable::Settled()> ignore() {
  return [] { return DedupeTable::Settled([](bool) {}); };
}

Claim claim(DedupeTable& table, const std::string& id, int64_t now_ms) {
  return table.claim(table.hash(id), now_ms, ignore());
}

}  // namespace

TEST_CASE("an id is new once, then a duplicate as long as the window lasts", "[REQ-008]") {
  IdWindow table(1, 1000, 1000);
  CHECK(claim(table, "a", 10) == Claim::kNew);
  table.confirm(table.hash("a"));
  CHECK(claim(table, "a", 20) == Claim::kDurable);
  CHECK(claim(table, "a", 1010) == Claim::kDurable);
  CHECK(claim(table, "a", 1011) == Claim::kNew);
}

TEST_CASE("after a clock that jumped ahead and back, an id is as old as those that came before it", "[REQ-008]") {
  IdWindow table(1, 1000, 1000);
  REQUIRE(claim(table, "ahead", 1'000'000) == Claim::kNew);
  table.confirm(table.hash("ahead"));
  for (int i = 0; i < 200; ++i) {  // wherever they are kept
    const std::string id = "back" + std::to_string(i);
    REQUIRE(claim(table, id, 10) == Claim::kNew);
    table.confirm(table.hash(id));
    CHECK(claim(table, id, 500'000) == Claim::kDurable);
  }
  CHECK(claim(table, "back7", 1'001'000) == Claim::kDurable);
  CHECK(claim(table, "back7", 1'001'001) == Claim::kNew);
}

TEST_CASE("a copy that comes while the first is pending waits and hears how it ended") {
  IdWindow table(1, 1000, 1000);
  REQUIRE(claim(table, "a", 0) == Claim::kNew);
  int durable = 0, lost = 0;
  auto waiter = [&] { return DedupeTable::Settled([&](bool ok) { ++(ok ? durable : lost); }); };
  CHECK(table.claim(table.hash("a"), 1, waiter) == Claim::kPending);
  CHECK(table.claim(table.hash("a"), 2, waiter) == Claim::kPending);
  CHECK(durable == 0);
  table.confirm(table.hash("a"));
  CHECK(durable == 2);

  REQUIRE(claim(table, "b", 0) == Claim::kNew);
  CHECK(table.claim(table.hash("b"), 1, waiter) == Claim::kPending);
  table.release(table.hash("b"));
  CHECK(lost == 1);
  CHECK(claim(table, "b", 3) == Claim::kNew);
}

TEST_CASE("a released id can be claimed again") {
  IdWindow table(1, 1000, 1000);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(claim(table, "x" + std::to_string(i), 0) == Claim::kNew);
    if (i % 2 == 0) table.release(table.hash("x" + std::to_string(i)));
  }
  CHECK(table.size() == 50);
  for (int i = 0; i < 100; ++i) {
    CHECK(claim(table, "x" + std::to_string(i), 1) == (i % 2 == 0 ? Claim::kNew : Claim::kPending));
  }
}

TEST_CASE("max_ids pushes the oldest out, and the horizon says so") {
  IdWindow table(1, 1'000'000, 1600);
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = "id-" + std::to_string(i);
    REQUIRE(claim(table, id, i) == Claim::kNew);
    table.confirm(table.hash(id));
  }
  CHECK(table.size() <= 1600);
  CHECK(table.size() > 1400);
  CHECK(claim(table, "id-9999", 10'000) == Claim::kDurable);
  CHECK(claim(table, "id-1", 10'000) == Claim::kNew);
  CHECK(table.horizon_ms(10'000) > 7'000);
  CHECK(table.horizon_ms(10'000) < 9'000);
}

TEST_CASE("what is pending pushes nothing out, and counts once it is confirmed", "[REQ-008]") {
  IdWindow table(1, 1'000'000, 1600);
  constexpr int kDurable = 1000;
  constexpr int kPending = 20'000;
  const auto is_known = [&](int i) {
    const std::string id = "kept" + std::to_string(i);
    const Claim found = claim(table, id, 5);
    if (found == Claim::kNew) table.release(table.hash(id));
    return found == Claim::kDurable;
  };
  for (int i = 0; i < kDurable; ++i) {
    REQUIRE(claim(table, "kept" + std::to_string(i), 1) == Claim::kNew);
    table.confirm(table.hash("kept" + std::to_string(i)));
  }
  for (const bool durable : {false, true}) {
    for (int i = 0; i < kPending; ++i) REQUIRE(claim(table, std::to_string(i), 5) == Claim::kNew);
    for (int i = 0; i < kDurable; ++i) REQUIRE(is_known(i));
    CHECK(table.horizon_ms(5) == 5 - 1'000'000);
    CHECK(table.size() == kDurable + kPending);
    // Not in the order in which they were claimed.
    for (int i = kPending; i-- > 0;) {
      durable ? table.confirm(table.hash(std::to_string(i))) : table.release(table.hash(std::to_string(i)));
    }
  }
  CHECK(table.size() == 1600);
  for (int i = 0; i < kDurable; ++i) CHECK_FALSE(is_known(i));
  CHECK(claim(table, "0", 5) == Claim::kDurable);
  CHECK(table.horizon_ms(9) == 5);
}

TEST_CASE("however many ids are refused, they leave nothing behind", "[REQ-008]") {
  IdWindow table(1, 1'000'000, 1'000'000);
  // One stays pending all the while, and some become durable: nothing may wait behind these.
  REQUIRE(claim(table, "slow", 0) == Claim::kNew);
  uint64_t bytes = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10'000; ++i) {
      REQUIRE(claim(table, std::to_string(round) + "-" + std::to_string(i), round) == Claim::kNew);
    }
    for (int i = 0; i < 10'000; ++i) table.release(table.hash(std::to_string(round) + "-" + std::to_string(i)));
    REQUIRE(claim(table, "kept" + std::to_string(round), round) == Claim::kNew);
    table.confirm(table.hash("kept" + std::to_string(round)));
    CHECK(table.size() == static_cast<uint64_t>(round) + 2);
    if (round == 0) bytes = table.bytes();
    CHECK(table.bytes() <= bytes + 20 * 24);
  }
  uint64_t visited = 0;
  table.visit_durable([&](const IdHash&, int64_t) { ++visited; });
  CHECK(visited == 20);
}

TEST_CASE("an id that is pending keeps none of those behind it from leaving") {
  IdWindow table(1, 1000, 1'000'000);
  for (int i = 0; i < 100; ++i) REQUIRE(claim(table, "slow" + std::to_string(i), 0) == Claim::kNew);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(claim(table, std::to_string(i), 1) == Claim::kNew);
    table.confirm(table.hash(std::to_string(i)));
  }
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(claim(table, std::to_string(i), 1002) == Claim::kNew);
    table.release(table.hash(std::to_string(i)));
  }
  CHECK(table.size() == 100);
}

TEST_CASE("the horizon is the window as long as there is room for it") {
  IdWindow table(1, 500, 1600);
  CHECK(table.horizon_ms(1000) == 500);
  for (int i = 0; i < 100; ++i) {
    const std::string id = "id-" + std::to_string(i);
    claim(table, id, 1000 + i);
    table.confirm(table.hash(id));
  }
  CHECK(table.horizon_ms(1100) == 600);
  CHECK(table.horizon_ms(5000) == 4500);
}

TEST_CASE("a number, a list and the string that looks like it are different ids") {
  const IdWindow table(1, 1000, 1000);
  CHECK(table.hash("1") != table.hash_json("1"));
  CHECK(table.hash("[1]") != table.hash_json("[1]"));
  CHECK(table.hash_json("1") == table.hash_json("1"));
  CHECK(table.hash_json("1") != table.hash_json("true"));
}

TEST_CASE("hashes are what they were: data directories hold them") {
  const IdWindow table(5, 1000, 1000);
  CHECK(table.hash("a") == IdHash{0x279ea5e9e34a4886, 0xa2515b8f9f36186e});
  CHECK(table.hash_json("1") == IdHash{0xe65ea0c11545affd, 0xa4d28e95e1660251});
}

TEST_CASE("restored ids are known, and those older than the window are not") {
  IdWindow table(1, 1000, 1000);
  for (int i = 0; i < 3000; i += 10) table.restore(table.hash("r" + std::to_string(i)), i);
  CHECK(claim(table, "r2990", 3000) == Claim::kDurable);
  CHECK(claim(table, "r2100", 3000) == Claim::kDurable);
  CHECK(claim(table, "r1990", 3000) == Claim::kNew);
}

TEST_CASE("thousands of ids that come, go and are released agree with a plain model") {
  IdWindow table(9, 500, 1'000'000);
  std::map<std::string, std::pair<int64_t, bool>> model;  // id -> claimed at, durable
  uint64_t state = 88172645463325252ull;
  auto next = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  };
  for (int64_t now = 0; now < 20'000; ++now) {
    const std::string id = "m" + std::to_string(next() % 2000);
    const auto found = model.find(id);
    const bool known = found != model.end() && (!found->second.second || found->second.first >= now - 500);
    const Claim result = claim(table, id, now);
    INFO(id << " at " << now);
    if (!known) {
      // The table forgets by shard as claims pass by: an expired id may be known a little longer, never shorter.
      REQUIRE((result == Claim::kNew || found != model.end()));
    } else {
      REQUIRE(result == (found->second.second ? Claim::kDurable : Claim::kPending));
    }
    if (result != Claim::kNew) continue;
    switch (next() % 3) {
      case 0:
        table.release(table.hash(id));
        model.erase(id);
        break;
      default:
        table.confirm(table.hash(id));
        model[id] = {now, true};
    }
  }
}

TEST_CASE("many threads claim each id exactly once between them") {
  IdWindow table(3, 1'000'000, 1'000'000);
  std::atomic<int> fresh{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const std::string id = "t" + std::to_string(i);
        if (table.claim(table.hash(id), i, ignore()) == Claim::kNew) {
          ++fresh;
          table.confirm(table.hash(id));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(fresh == 5000);
}

TEST_CASE("a checkpoint of any size gives the table again, and what comes behind it is looked for") {
  constexpr int64_t kWindowMs = 1000;
  constexpr int kIds = 50'000;
  for (const uint64_t max_ids : {uint64_t{1'000'000}, uint64_t{16'000}}) {
    IdWindow table(7, kWindowMs, max_ids);
    for (int i = 0; i < kIds; ++i) table.restore(table.hash(std::to_string(i)), i / 100);
    const std::string bytes = encode_checkpoint(table, log::AcceptInfo::Ids::kHashes, {kIds});
    IdWindow again(7, kWindowMs, max_ids);
    REQUIRE(restore_checkpoint(bytes, log::AcceptInfo::Ids::kHashes, {kIds}, again) == std::vector<int64_t>{kIds});
    CHECK(again.size() == table.size());
    // Read from the log a second time.
    again.restore(again.hash(std::to_string(kIds - 1)), kIds / 100);
    CHECK(again.size() == table.size());
    for (int i = kIds - 1; i >= 0; i -= 7) {
      const Claim before = claim(table, std::to_string(i), kIds / 100);
      CHECK(claim(again, std::to_string(i), kIds / 100) == before);
      CHECK((before == Claim::kDurable || max_ids < kIds));
    }
  }
}
