// RawBatch::kept: what a thread learns that waits for its events to be safe, and not for the loop.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "engine/door_bench_test.h"

using namespace colloquium;
using namespace colloquium::engine;
using Bench = DoorBench;

namespace {

// Emits as a source's own thread does, and counts.
struct Kept {
  void emit(Bench& bench, const std::string& body, BadEventPolicy policy = BadEventPolicy::kRejectAll) {
    RawBatch raw;
    raw.body = std::make_shared<const std::string>(body);
    raw.format = BodyFormat::kNdjson;
    raw.bad_event = policy;
    raw.kept = [this, &bench] {
      ++kept;
      acks_before = bench.acks.size();
    };
    std::thread([&] {
      bench.intake->emit(std::move(raw), [&bench](Ack ack) { bench.acks.push_back(std::move(ack)); });
    }).join();
  }
  int kept = 0;
  size_t acks_before = 0;
};

}  // namespace

TEST_CASE("who waits for events to be kept need not wait for the loop") {
  Bench bench;
  Kept waiting;
  waiting.emit(bench, "1\n2\n");
  CHECK(waiting.kept == 0);
  bench.executor.run_until_idle();
  CHECK(waiting.kept == 1);
  CHECK(bench.acks.empty());
  bench.settle();
  CHECK(waiting.kept == 1);
  REQUIRE(bench.acks.size() == 1);
  CHECK(bench.acks[0].accepted == 2);
  CHECK(bench.counters.queue_depth.value() == 0);
}

TEST_CASE("events are kept once all of them are, wherever they go", "[REQ-008]") {
  Bench bench({.partitions = 3, .partition_by = "[\"$input\",\"/id\"]"});
  Kept waiting;
  std::string body;
  for (int i = 0; i < 20; ++i) body += R"({"id":)" + std::to_string(i) + "}\n";
  // One that is bad is kept among the dead letters.
  waiting.emit(bench, body + "{no\n", BadEventPolicy::kDeadLetter);
  bench.settle();
  CHECK(waiting.kept == 1);
  CHECK(waiting.acks_before == 0);
  REQUIRE(bench.acks.size() == 1);
  CHECK(bench.acks[0].accepted == 20);
  CHECK(bench.stored(*bench.options.dead_stream).size() == 1);
}

TEST_CASE("a duplicate is kept when its first copy is") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  Kept waiting;
  bench.emit(R"({"id":"a"})");
  waiting.emit(bench, R"({"id":"a"})");
  bench.settle();
  CHECK(waiting.kept == 1);
  waiting.emit(bench, R"({"id":"a"})");
  CHECK(waiting.kept == 2);
  bench.settle();
  CHECK(bench.acks.back().duplicates == 1);
}

TEST_CASE("what is refused is never told as kept", "[REQ-008]") {
  Bench bench({.held_bytes_max = 1000});
  Kept waiting;
  SECTION("an event is bad") { waiting.emit(bench, "1\n{no\n2\n"); }
  SECTION("the log is full") {
    bench.log->set_full(true);
    waiting.emit(bench, "1\n");
  }
  SECTION("there is no memory for it") {
    waiting.emit(bench, "\"" + std::string(900, 'x') + "\"");
    waiting.emit(bench, "\"" + std::string(900, 'x') + "\"");
    waiting.emit(bench, "\"" + std::string(900, 'x') + "\"");
    bench.settle();
    const auto refused = std::count_if(bench.acks.begin(), bench.acks.end(), [](const Ack& ack) { return ack.error; });
    CHECK(refused > 0);
    CHECK(waiting.kept == 3 - refused);
    return;
  }
  bench.settle();
  REQUIRE(bench.acks.size() == 1);
  CHECK(bench.acks[0].error);
  CHECK(waiting.kept == 0);
}
