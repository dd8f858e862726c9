// What the tests of SinkLeg share: outcomes, and a leg on a manual clock over the in-memory log.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/sim_executor.h"
#include "engine/dead_letter_tally.h"
#include "engine/sink_leg.h"
#include "engine/test_support.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::engine {

inline EventOutcome retry(int64_t after_ms = 0) {
  return {Outcome::kRetry, {ErrorCode::kUnavailable, "not now", true, {}}, after_ms};
}
// The peer's answer to this one event, which may be another one next time.
inline EventOutcome choke() {
  return {Outcome::kRetry, {ErrorCode::kUnavailable, "answered 500", true, {}}, 0, true};
}
inline EventOutcome full_disk() {
  return {Outcome::kRetry, {ErrorCode::kNoSpace, "the disk is full", true, {}}};
}
inline EventOutcome refuse() {
  return {Outcome::kDeadLetter, {ErrorCode::kInvalidInput, "never", false, {}}, 0};
}

inline constexpr RetryPolicy kThreeAttempts{
    .kind = RetryPolicy::Kind::kFixed, .initial_ms = 100, .max_ms = 1000, .attempts = 3};

// A leg over one or two partitions, on a manual clock, over the in-memory log.
struct SinkLegBench {
  // `change` may be null; it sees the options before the leg does.
  SinkLegBench(bool token, const std::function<void(SinkLegOptions&)>& change)
      : SinkLegBench(token, 1, kThreeAttempts, 8u << 20, false, nullptr, change) {}
  explicit SinkLegBench(bool token, size_t partitions = 1, RetryPolicy policy = kThreeAttempts,
                        size_t commit_bytes = 8u << 20, bool fail_when_stuck = false,
                        ProgressKeeper* keeper = nullptr,
                        const std::function<void(SinkLegOptions&)>& change = nullptr)
      : log(std::make_unique<log::FakeLog>(executor, clock)) {
    options.commit_name = "orders/all";
    options.component = "all";
    stream = *log->open_stream({.name = "orders", .partitions = static_cast<int32_t>(partitions)});
    dead = *log->open_stream({.name = "orders.dead", .partitions = 1});
    for (size_t p = 0; p < partitions; ++p) {
      options.partitions.push_back(
          {stream, static_cast<int32_t>(p), {}, partition_id(*test_origin(static_cast<int32_t>(p)))});
      // A commit may not speak of offsets that do not exist.
      auto encoded = log::encode(batch_of(std::vector<std::string>(100, "0")), log::Codec::kNone, nullptr);
      log->append(stream, static_cast<int32_t>(p), std::move(*encoded), log::AckLevel::kDurable, [](auto) {});
    }
    settle();
    options.retry = policy;
    options.commit_bytes = commit_bytes;
    options.fail_when_stuck = fail_when_stuck;
    options.log = log.get();
    options.places.dead_stream = dead;
    options.places.dead_origin = test_origin();
    options.counters = &counters;
    options.letters = &tally;
    if (change) change(options);
    auto made = std::make_unique<FakeSink>(token);
    sink = made.get();
    sink->keeper = keeper;
    leg = std::make_unique<SinkLeg>(options, std::move(made), loop, clock, random);
    leg->start([this](size_t, size_t bytes) { released += bytes; }, [this] { drained = true; },
               [this](Error error) { failure = error; });
  }
  ~SinkLegBench() {
    if (!closing) close();
    settle();
    REQUIRE(closed);
    leg.reset();
    REQUIRE(log->close());
  }

  void close() {
    closing = true;
    leg->close([this] { closed = true; });
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  void advance(int64_t ms) {
    loop.advance(ms);
    settle();
  }
  void deliver(const std::vector<std::string>& texts, int64_t base, size_t partition = 0) {
    leg->deliver({.partition = partition,
                  .batch = batch_of(texts, base)->placed(test_origin(static_cast<int32_t>(partition)), base),
                  .next_position = base + static_cast<int64_t>(texts.size()),
                  .cursor = {},
                  .credit_bytes = 10});
  }
  // Only dead letters of the stages, `bytes` of them at least.
  void deliver_dead(size_t bytes, int64_t next_position) {
    BatchBuilder letters;
    letters.add("{\"event\":0,\"pad\":\"" + std::string(bytes, 'x') + "\"}", {}, {});
    leg->deliver({.partition = 0,
                  .batch = batch_of({}),
                  .dead = letters.seal(test_origin(), 0),
                  .next_position = next_position,
                  .cursor = {},
                  .credit_bytes = 10});
  }
  void end(size_t partition = 0) { leg->deliver({.partition = partition, .cursor = {}, .end = true}); }
  int64_t committed(size_t partition = 0) {
    const auto state = log->leg_state("orders/all");
    if (!state) return -1;
    for (const auto& position : state->positions) {
      if (position.partition == static_cast<int32_t>(partition)) return position.next_offset;
    }
    return -1;
  }
  std::vector<nlohmann::json> dead_letters() {
    std::vector<nlohmann::json> out;
    dead_batches = 0;
    auto reader = log->read(dead, 0, 0, false);
    while (true) {
      const auto batch = (*reader)->next();
      if (*batch == nullptr) return out;
      ++dead_batches;
      for (size_t i = 0; i < (*batch)->size(); ++i) out.push_back(nlohmann::json::parse((*batch)->value(i)));
    }
  }

  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  std::unique_ptr<log::FakeLog> log;
  log::StreamId stream = 0, dead = 0;
  ComponentCounters counters;
  DeadLetterTally tally{"orders/all", clock};
  SinkLegOptions options;
  FakeSink* sink = nullptr;
  std::unique_ptr<SinkLeg> leg;
  size_t released = 0;
  bool drained = false;
  bool closing = false;
  bool closed = false;
  int dead_batches = 0;
  std::optional<Error> failure;
};

}  // namespace colloquium::engine
