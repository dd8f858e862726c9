// The door under pressure: what it takes, holds and refuses, and whom it tells when there is room again.
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/door_bench_test.h"
#include "engine/feed.h"

using namespace colloquium;
using namespace colloquium::engine;
using Bench = DoorBench;
using Setting = DoorSetting;

TEST_CASE("a full log answers with a wait, and the ids of what was refused are free", "[REQ-029]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  bench.log->set_full(true);
  CHECK_FALSE(bench.intake->ready());
  const Ack ack = bench.one(R"({"id":"a"})");
  REQUIRE(ack.error);
  CHECK(ack.error->retryable);
  CHECK(ack.retry_after_ms > 0);
  bool resumed = false;
  bench.intake->when_ready([&] { resumed = true; });
  bench.settle();
  CHECK_FALSE(resumed);
  bench.log->set_full(false);
  bench.settle();
  CHECK(resumed);
  CHECK(bench.one(R"({"id":"a"})").accepted == 1);
}

TEST_CASE("what was read in whole is taken beyond the mark at which reading stops", "[REQ-029]") {
  Bench bench({.under_way_bytes = 100, .held_bytes_max = 400});
  const std::string body = "\"" + std::string(90, 'x') + "\"";
  for (int i = 0; i < 3; ++i) bench.emit(body);
  CHECK_FALSE(bench.intake->ready());
  bool resumed = false;
  bench.intake->when_ready([&] { resumed = true; });
  CHECK(bench.acks.empty());
  bench.settle();
  CHECK(bench.intake->bytes_under_way() == 0);
  CHECK(resumed);
  REQUIRE(bench.acks.size() == 3);
  for (const Ack& ack : bench.acks) CHECK_FALSE(ack.error);
  CHECK(bench.stored().size() == 3);
}

TEST_CASE("beyond its bound of memory the door refuses, and takes again what was refused", "[REQ-029]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])", .under_way_bytes = 100, .held_bytes_max = 150});
  const auto event = [](int id) {
    return "{\"id\":" + std::to_string(id) + ",\"pad\":\"" + std::string(80, 'x') + "\"}";
  };
  for (int id = 0; id < 5; ++id) bench.emit(event(id));
  // Two are under way; the others are answered at once.
  REQUIRE(bench.acks.size() == 3);
  for (const Ack& ack : bench.acks) {
    REQUIRE(ack.error);
    CHECK(ack.error->code == ErrorCode::kUnavailable);
    CHECK(ack.error->retryable);
    CHECK(ack.retry_after_ms > 0);
  }
  bench.settle();
  CHECK(bench.stored().size() == 2);
  CHECK(bench.one(event(4)).accepted == 1);
}

TEST_CASE("one body larger than the whole bound is still taken when nothing else is under way") {
  Bench bench({.under_way_bytes = 10, .held_bytes_max = 20});
  CHECK(bench.one("\"" + std::string(500, 'x') + "\"").accepted == 1);
}

TEST_CASE("an emit with a cursor that is refused for memory holds back those behind it", "[REQ-029]") {
  Bench bench({.under_way_bytes = 1, .held_bytes_max = 1});
  bench.emit("1\n", BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "a");
  bench.emit("2\n", BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 2, "b");
  bench.settle();
  REQUIRE(bench.acks.size() == 2);
  // The first was still to be appended when the second was refused: neither may be stepped over.
  CHECK(bench.acks[0].error);
  CHECK(bench.acks[1].error);
  CHECK(bench.stored().empty());
}

TEST_CASE("of two sources that wait for one log, none is forgotten when the other fills it again", "[REQ-029]") {
  Bench bench;
  IntakeOptions options = bench.options;
  options.source = "other";
  SourceIntake other(options, bench.loop, bench.clock, bench.workers);
  bench.log->set_full(true);
  int resumed = 0;
  const auto resume = [&] {
    ++resumed;
    bench.log->set_full(true);  // as much as the log takes
  };
  bench.intake->when_ready(resume);
  other.when_ready(resume);
  bench.settle();
  CHECK(resumed == 0);
  bench.log->set_full(false);
  bench.settle();
  CHECK(resumed == 1);
  bench.log->set_full(false);
  bench.settle();
  CHECK(resumed == 2);
}

namespace {

// An intake whose memory is spoilt when it ends, so that whoever still uses it does not get away with it.
class Mortal {
 public:
  explicit Mortal(Bench& bench)
      : intake_(new (memory_) SourceIntake(bench.options, bench.loop, bench.clock, bench.workers)) {}
  ~Mortal() {
    if (intake_ != nullptr) end();
  }
  Mortal(const Mortal&) = delete;
  Mortal& operator=(const Mortal&) = delete;
  SourceIntake& operator*() { return *intake_; }
  void end() {
    std::exchange(intake_, nullptr)->~SourceIntake();
    // No two words alike, or a vector's pointers would be equal, and so it empty.
    for (size_t i = 0; i < sizeof memory_; ++i) memory_[i] = std::byte(i / 8 + 1);
  }

 private:
  alignas(SourceIntake) std::byte memory_[sizeof(SourceIntake)];
  SourceIntake* intake_;
};

}  // namespace

TEST_CASE("what the loop or the log has to say after the end of an intake is heard by nobody") {
  Bench bench;
  Mortal mortal(bench);
  int called = 0;
  SECTION("that it is ready, which it was when asked") {
    (*mortal).when_ready([&] { ++called; });
    mortal.end();
  }
  SECTION("that the log has room again, told while it still was") {
    bench.log->set_full(true);
    (*mortal).when_ready([&] { ++called; });
    bench.log->set_full(false);
    bench.executor.run_until_idle();  // the log has posted to the loop
    mortal.end();
  }
  SECTION("that the log has room again, told when it had ended") {
    bench.log->set_full(true);
    (*mortal).when_ready([&] { ++called; });
    mortal.end();
    bench.log->set_full(false);
  }
  SECTION("that its cursor is stored") {
    RawBatch raw;
    raw.body = std::make_shared<const std::string>("1\n");
    raw.cursor = "behind 1";
    (*mortal).emit(std::move(raw), [](const Ack&) {});
    bench.settle();
    (*mortal).store_cursor([&](const Status&) { ++called; });
    mortal.end();
  }
  bench.settle();
  CHECK(called == 0);
}

TEST_CASE("with the log off what waits in the queue counts towards the bound of memory", "[REQ-029]") {
  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  WorkerPool workers{executor, 1};
  QueueFeed queue(100);
  queue.set_wake([] {});
  queue.set_drained([] {});
  ComponentCounters counters;
  IntakeOptions options;
  options.source = "hook";
  options.pipeline = "p";
  options.queue = &queue;
  options.held_bytes_max = 1000;
  DeadLetterTally letters("p/hook", clock);
  options.counters = &counters;
  options.letters = &letters;
  SourceIntake intake(options, loop, clock, workers);
  int accepted = 0;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    RawBatch raw;
    raw.body = std::make_shared<const std::string>("1");
    intake.emit(std::move(raw), [&](const Ack& ack) { ++(ack.error ? refused : accepted); });
    loop.run_until_idle();
  }
  CHECK_FALSE(intake.ready());
  CHECK(accepted > 1);
  CHECK(accepted < 10);
  CHECK(accepted + refused == 20);
  CHECK(queue.depth_bytes() < 1500);
}

TEST_CASE("while the sources are to wait the door is not ready, and what comes all the same is taken") {
  Bench bench;
  bench.intake->set_paused(true);
  CHECK_FALSE(bench.intake->ready());
  bool resumed = false;
  bench.intake->when_ready([&] { resumed = true; });
  CHECK(bench.one("1").accepted == 1);
  bench.settle();
  CHECK_FALSE(resumed);
  bench.intake->set_paused(false);
  CHECK(bench.intake->ready());
  bench.settle();
  CHECK(resumed);
}

namespace {

// More than two batches take, by their number.
constexpr uint64_t kManyEvents = 250'000;

std::string many_events(uint64_t count = kManyEvents) {
  std::string body;
  for (uint64_t i = 0; i < count; ++i) body += "{\"id\":" + std::to_string(i) + "}\n";
  return body;
}

// Each once, in its order.
bool all_stored(const std::vector<std::string>& stored, uint64_t count = kManyEvents) {
  if (stored.size() != count) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (stored[i] != "{\"id\":" + std::to_string(i) + "}") return false;
  }
  return true;
}

// One range, in which they all have room.
bool has_range(const Ack& ack) {
  return ack.offsets.size() == 1 &&
         static_cast<uint64_t>(ack.offsets[0].last - ack.offsets[0].first + 1) >= ack.accepted;
}

}  // namespace

TEST_CASE("a large request becomes several batches, in order, and is answered once all are safe", "[REQ-029]") {
  Bench bench;
  const Ack ack = bench.one(many_events(), BodyFormat::kNdjson);
  CHECK_FALSE(ack.error);
  CHECK(ack.accepted == kManyEvents);
  CHECK(has_range(ack));
  CHECK(bench.acks.size() == 1);
  CHECK(all_stored(bench.stored()));
  CHECK(bench.batches == 3);
  // By its bytes.
  std::string large;
  while (large.size() < (9u << 20)) large += "\"" + std::string(900, 'x') + "\"\n";
  bench.batches = 0;
  CHECK_FALSE(bench.one(large, BodyFormat::kNdjson).error);
  bench.stored();
  CHECK(bench.batches == 3 + 3);
}

TEST_CASE("a request larger than the log's queue is taken as a whole", "[REQ-029]") {
  Bench bench({.partitions = 2, .partition_by = R"(["$input","/id"])", .log_queue_bytes_max = 1});
  const Ack ack = bench.one(many_events(2 * kManyEvents), BodyFormat::kNdjson);
  INFO((ack.error ? ack.error->describe() : std::string()));
  CHECK(ack.accepted == 2 * kManyEvents);
  CHECK(bench.stored(bench.options.stream, 0).size() + bench.stored(bench.options.stream, 1).size() ==
        2 * kManyEvents);
  CHECK(bench.batches > 4);
}

TEST_CASE("a bad event at the end of a large request refuses all of its batches, and its ids are free",
          "[REQ-046]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])", .max_ids = 2 * kManyEvents});
  const Ack refused = bench.one(many_events() + "{bad", BodyFormat::kNdjson);
  REQUIRE(refused.error);
  CHECK(refused.error->code == ErrorCode::kInvalidInput);
  CHECK(refused.bad_event == kManyEvents);
  CHECK(bench.stored().empty());
  CHECK(bench.one(many_events(), BodyFormat::kNdjson).accepted == kManyEvents);
}

TEST_CASE("requests of one turn that fill a batch together keep each its own answer", "[REQ-046]") {
  constexpr uint64_t kEach = 30'000;
  Bench bench;
  std::string body;
  for (uint64_t i = 0; i < kEach; ++i) body += "1\n";
  for (int i = 0; i < 3; ++i) bench.emit(body, BodyFormat::kNdjson);
  const bool bad = GENERATE(true, false);
  bench.emit(bad ? body + "{" : body, BodyFormat::kNdjson);
  bench.settle();
  REQUIRE(bench.acks.size() == 4);
  uint64_t accepted = 0;
  for (const Ack& ack : bench.acks) {
    CHECK((ack.error ? 0 : kEach) == ack.accepted);
    CHECK(has_range(ack) == !ack.error);
    accepted += ack.accepted;
  }
  CHECK(accepted == (bad ? 3 : 4) * kEach);
  CHECK(bench.stored().size() == accepted);
  CHECK(bench.batches == (bad ? 1 : 2));
}

TEST_CASE("where one batch of a large request is not stored none behind it is, and a retry stores the rest once",
          "[REQ-008]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])", .max_ids = 2 * kManyEvents});
  bench.log->set_full_after(1);
  const Ack refused = bench.one(many_events(), BodyFormat::kNdjson);
  REQUIRE(refused.error);
  CHECK(refused.error->code == ErrorCode::kNoSpace);
  CHECK(refused.accepted == 0);
  const size_t got_in = bench.stored().size();
  CHECK(got_in > 0);
  CHECK(got_in < kManyEvents);
  bench.log->set_full(false);
  const Ack again = bench.one(many_events(), BodyFormat::kNdjson);
  CHECK_FALSE(again.error);
  CHECK(again.duplicates == got_in);
  CHECK(again.accepted == kManyEvents - got_in);
  CHECK(all_stored(bench.stored()));
}

TEST_CASE("of a large emit with a cursor that got in half way, reading again stores the rest and nothing twice",
          "[REQ-008]") {
  Setting setting;
  {
    Bench bench(setting);
    bench.log->set_full_after(2);
    bench.emit(many_events(), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "end");
    bench.settle();
    REQUIRE(bench.acks.back().error);
    bench.log->set_full(false);
  }
  Bench bench(setting);
  CHECK(bench.intake->stored_cursor().empty());
  CHECK(bench.intake->free_position() > 0);
  bench.emit(many_events(), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "end");
  bench.settle();
  CHECK_FALSE(bench.acks.back().error);
  CHECK(all_stored(bench.stored()));
}
