#include "engine/sink_leg.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/logging.h"
#include "engine/sink_leg_bench_test.h"

using namespace colloquium;
using namespace colloquium::engine;
using Bench = SinkLegBench;

TEST_CASE("what is written is committed after the interval, with the sink's token", "[REQ-008]") {
  Bench bench(true);
  bench.deliver({"1", "2"}, 0);
  bench.settle();
  CHECK(bench.sink->written == std::vector<std::string>{"1", "2"});
  CHECK(bench.committed() == -1);
  bench.advance(100);
  CHECK(bench.committed() == 2);
  CHECK(bench.log->leg_state("orders/all")->sink_token == "2");
  CHECK(bench.sink->committed_tokens == std::vector<std::string>{"2"});
  CHECK(bench.released == 10);
}

TEST_CASE("a partition has one write under way; another partition goes on") {
  Bench bench(false, 2);
  bench.sink->hold = true;
  bench.deliver({"1"}, 0, 0);
  bench.deliver({"2"}, 1, 0);
  bench.deliver({"9"}, 0, 1);
  bench.settle();
  CHECK(bench.sink->writes == 2);
  bench.sink->finish();
  CHECK(bench.sink->writes == 3);
}

TEST_CASE("a commit waits for the writes under way and never speaks of later ones", "[REQ-008]") {
  Bench bench(true);
  bench.sink->hold = true;
  bench.deliver({"1"}, 0);
  bench.deliver({"2"}, 1);
  bench.settle();
  bench.sink->finish();  // "1" is done, "2" under way
  bench.advance(100);    // the commit is due and must wait
  CHECK(bench.committed() == -1);
  bench.deliver({"3"}, 2);
  bench.settle();
  CHECK(bench.sink->writes == 2);
  bench.sink->finish();
  bench.settle();
  CHECK(bench.committed() == 2);
  CHECK(bench.log->leg_state("orders/all")->sink_token == "2");
  CHECK(bench.sink->writes == 3);
}

TEST_CASE("a retried event holds back its partition and keeps its order", "[REQ-016][REQ-022]") {
  Bench bench(false);
  int refusals = 2;
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (refusals > 0 && batch.value(i) == "2") {
        --refusals;
        for (size_t k = i; k < batch.size(); ++k) out[k] = retry();
        break;
      }
    }
    return out;
  };
  bench.deliver({"1", "2", "3"}, 0);
  bench.deliver({"4"}, 3);
  bench.settle();
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  CHECK(bench.leg->degraded());
  bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "2", "3", "4"});
  bench.advance(200);
  CHECK(bench.committed() == 4);
}

TEST_CASE("what the sink asks for as a wait is honoured") {
  Bench bench(false);
  bool ready = false;
  bench.sink->answer = [&](const Batch& batch) {
    return ready ? std::vector<EventOutcome>() : std::vector<EventOutcome>(batch.size(), retry(700));
  };
  bench.deliver({"1"}, 0);
  bench.settle();
  ready = true;
  bench.advance(690);
  CHECK(bench.sink->written.empty());
  bench.advance(20);
  CHECK(bench.sink->written.size() == 1);
}

TEST_CASE("an event out of attempts becomes a dead letter in the commit of its position", "[REQ-021][REQ-023]") {
  Bench bench(false);
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch.value(i) == "2") {
        for (size_t k = i; k < batch.size(); ++k) out[k] = choke();
        break;
      }
    }
    return out;
  };
  bench.deliver({"1", "2", "3"}, 0);
  for (int i = 0; i < 6; ++i) bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "3"});
  CHECK(bench.committed() == 3);
  const auto letters = bench.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["event"] == 2);
  CHECK(letters[0]["attempts"] == 3);
  CHECK(letters[0]["stage"] == "all");
  CHECK(letters[0]["position"] == "orders.tagtagta-0-1");
}

TEST_CASE("a full disk is waited out however long it lasts, and costs no event", "[REQ-016][REQ-022]") {
  Bench bench(true);
  size_t room = 1;
  bench.sink->answer = [&](const Batch& batch) {
    if (batch.size() <= room) return std::vector<EventOutcome>();
    return std::vector<EventOutcome>(batch.size(), full_disk());
  };
  bench.deliver({"1"}, 0);
  bench.deliver({"2", "3"}, 1);
  for (int i = 0; i < 100; ++i) bench.advance(100);
  CHECK(bench.sink->writes > 50);  // three attempts is what an event has
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  CHECK(bench.counters.errors.value(ErrorCode::kNoSpace) > 50);
  room = 2;
  bench.advance(1000);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "2", "3"});
  bench.advance(100);
  CHECK(bench.committed() == 3);
  CHECK(bench.dead_letters().empty());
  CHECK_FALSE(bench.failure.has_value());
}

TEST_CASE("waits grow during an outage, and begin anew when something was written") {
  constexpr RetryPolicy kGrowing = {
      .kind = RetryPolicy::Kind::kExponential, .initial_ms = 100, .max_ms = 100'000, .attempts = 3};
  Bench bench(false, 1, kGrowing);
  bool full = true;
  bench.sink->answer = [&](const Batch& batch) {
    return full ? std::vector<EventOutcome>(batch.size(), full_disk()) : std::vector<EventOutcome>();
  };
  const auto writes_in = [&](int64_t ms) {
    const int before = bench.sink->writes;
    for (int64_t at = 0; at < ms; at += 50) bench.advance(50);
    return bench.sink->writes - before;
  };
  bench.deliver({"1"}, 0);
  CHECK(writes_in(3000) >= 5);
  CHECK(writes_in(30'000) <= 5);
  CHECK(writes_in(3000) <= 1);
  full = false;
  writes_in(200'000);
  CHECK(bench.sink->written.size() == 1);
  full = true;
  bench.deliver({"2"}, 1);
  CHECK(writes_in(3000) >= 5);
}

TEST_CASE("an outage in between takes no attempt from an event, and gives it none") {
  Bench bench(false);
  int write = 0;
  bench.sink->answer = [&](const Batch& batch) {
    const bool chokes = ++write % 5 == 0;
    return std::vector<EventOutcome>(batch.size(), chokes ? choke() : full_disk());
  };
  bench.deliver({"1"}, 0);
  for (int i = 0; i < 40; ++i) bench.advance(100);
  CHECK(write == 15);
  bench.advance(200);
  const auto letters = bench.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["attempts"] == 3);
}

TEST_CASE("a policy without retries gives an event up at its first failure, whosever fault that was") {
  Bench bench(false, 1, {.kind = RetryPolicy::Kind::kNone});
  bench.sink->answer = [](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), full_disk()); };
  bench.deliver({"1", "2"}, 0);
  bench.advance(200);
  CHECK(bench.dead_letters().size() == 2);
  CHECK(bench.committed() == 2);
}

TEST_CASE("the leg is degraded from a failed write until one succeeds", "[REQ-118]") {
  Bench bench(false, 2);
  std::vector<EventOutcome> outcome{full_disk()};
  bench.sink->answer = [&](const Batch&) { return outcome; };
  bench.deliver({"1"}, 0, 0);
  bench.settle();
  CHECK(bench.leg->degraded());
  CHECK(bench.leg->last_error() == "the disk is full");
  SECTION("also while the next attempt is under way") {
    bench.sink->hold = true;
    bench.advance(100);
    CHECK(bench.sink->writes == 2);
    CHECK(bench.leg->degraded());
    outcome.clear();
    bench.sink->finish();
    CHECK_FALSE(bench.leg->degraded());
  }
  SECTION("of its own partition, while that one waits") {
    outcome.clear();
    bench.deliver({"2"}, 0, 1);
    bench.settle();
    CHECK(bench.sink->written == std::vector<std::string>{"2"});
    CHECK(bench.leg->degraded());
    bench.advance(100);
    CHECK_FALSE(bench.leg->degraded());
  }
  SECTION("of any partition, once the event was given up") {
    outcome = {choke()};
    for (int i = 0; i < 4; ++i) bench.advance(100);
    CHECK(bench.dead_letters().size() == 1);
    CHECK(bench.leg->degraded());
    outcome.clear();
    bench.deliver({"2"}, 0, 1);
    bench.settle();
    CHECK_FALSE(bench.leg->degraded());
  }
  SECTION("and an answer that refuses the event shows that the sink works") {
    outcome = {refuse()};
    bench.advance(100);
    CHECK_FALSE(bench.leg->degraded());
  }
}

TEST_CASE("a leg that may not wait for ever fails when its sink takes nothing, and gives up no event") {
  Bench bench(false, 1, {.kind = RetryPolicy::Kind::kFixed, .initial_ms = 100, .max_ms = 1000, .attempts = 3},
              8u << 20, true);
  bench.sink->answer = [](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), full_disk()); };
  bench.deliver({"1", "2"}, 0);
  bench.advance(100);
  CHECK_FALSE(bench.failure.has_value());
  bench.advance(100);
  REQUIRE(bench.failure.has_value());
  CHECK(bench.failure->message == "the sink took nothing in 3 attempts: the disk is full");
  bench.advance(1000);
  CHECK(bench.sink->writes == 3);
  CHECK(bench.committed() == -1);
  CHECK(bench.dead_letters().empty());
}

TEST_CASE("a refused event becomes a dead letter at once, the others are written", "[REQ-021]") {
  Bench bench(false);
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size());
    out[0] = refuse();
    return out;
  };
  bench.deliver({"1", "2"}, 0);
  bench.advance(200);
  CHECK(bench.sink->written == std::vector<std::string>{"2"});
  CHECK(bench.dead_letters().size() == 1);
  CHECK(bench.committed() == 2);
}

TEST_CASE("dead letters of a sink are counted by reason and told, and its retries are not", "[REQ-021][REQ-111]") {
  Bench bench(false);
  std::vector<std::string> lines;
  set_log_writer([&](std::string_view line) { lines.emplace_back(line); });
  int write = 0;
  bench.sink->answer = [&](const Batch& batch) {
    return std::vector<EventOutcome>(batch.size(), ++write == 1 ? retry() : refuse());
  };
  bench.deliver({"1", "2", "3"}, 0);
  bench.settle();
  CHECK(bench.tally.counts().total() == 0);
  lines.clear();
  bench.advance(200);
  set_log_writer(nullptr);
  CHECK(bench.tally.counts().value(ErrorCode::kInvalidInput) == 3);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("event orders.tagtagta-0-0 went to the dead letters: never"));
}

TEST_CASE("dead letters of the stages are stored with the position of their batch") {
  Bench bench(false);
  bench.leg->deliver({.partition = 0,
                      .batch = batch_of({}),
                      .dead = batch_of({R"({"event":5})"}),
                      .next_position = 7,
                      .cursor = {},
                      .credit_bytes = 10});
  bench.settle();
  CHECK(bench.dead_letters().empty());
  bench.advance(100);
  CHECK(bench.committed() == 7);
  CHECK(bench.dead_letters().size() == 1);
}

TEST_CASE("the leg drains when every partition has ended and the last commit is stored", "[REQ-173]") {
  Bench bench(true, 2);
  bench.deliver({"1"}, 0, 0);
  bench.end(0);
  bench.settle();
  CHECK_FALSE(bench.drained);
  bench.deliver({"2"}, 0, 1);
  bench.end(1);
  bench.settle();
  CHECK(bench.drained);
  CHECK(bench.committed(0) == 1);
  CHECK(bench.committed(1) == 1);
}

TEST_CASE("many bytes commit without waiting for the interval") {
  Bench bench(true, 1, {}, 100);
  bench.deliver({"\"" + std::string(90, 'x') + "\""}, 0);
  bench.settle();
  CHECK(bench.committed() == -1);
  bench.deliver({"\"" + std::string(90, 'x') + "\""}, 1);
  bench.settle();
  CHECK(bench.committed() == 2);
}

TEST_CASE("many bytes of dead letters are committed at once, as several batches", "[REQ-021]") {
  constexpr size_t kNever = size_t{1} << 40;
  Bench bench(false, 1, {}, kNever);
  BatchBuilder letters;
  for (int i = 0; i < 5; ++i) {
    letters.add("{\"event\":" + std::to_string(i) + ",\"pad\":\"" + std::string(7 << 20, 'x') + "\"}", {}, {});
  }
  bench.leg->deliver({.partition = 0,
                      .batch = batch_of({}),
                      .dead = letters.seal(test_origin(), 0),
                      .next_position = 7,
                      .cursor = {},
                      .credit_bytes = 10});
  bench.settle();
  CHECK(bench.committed() == 7);
  const auto stored = bench.dead_letters();
  REQUIRE(stored.size() == 5);
  for (int i = 0; i < 5; ++i) CHECK(stored[static_cast<size_t>(i)]["event"] == i);
  CHECK(bench.dead_batches == 2);
}

TEST_CASE("a dead letter the log can't take is reported, and stops neither the others nor the leg") {
  Bench bench(false);
  std::vector<std::string> lines;
  set_log_writer([&](std::string_view line) { lines.emplace_back(line); });
  const std::pair<std::string_view, std::string_view> reserved{"cq.accept", "x"};
  BatchBuilder letters;
  letters.add(R"({"event":1})", {}, {});
  letters.add(R"({"event":2})", {}, {.key = {}, .headers = {&reserved, 1}});
  letters.add(R"({"event":3})", {}, {});
  bench.leg->deliver({.partition = 0,
                      .batch = batch_of({}),
                      .dead = letters.seal(test_origin(), 0),
                      .next_position = 3,
                      .cursor = {},
                      .credit_bytes = 10});
  bench.advance(100);
  set_log_writer(nullptr);
  CHECK(bench.committed() == 3);
  const auto stored = bench.dead_letters();
  REQUIRE(stored.size() == 2);
  CHECK(stored[0]["event"] == 1);
  CHECK(stored[1]["event"] == 3);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("cq.accept") != std::string::npos);
  CHECK(lines[0].find("event") != std::string::npos);
}

TEST_CASE("a sink that can write nothing any more fails the leg, and what it did not write is not committed") {
  Bench bench(false);
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size(), retry());
    out[0] = {};
    bench.sink->broken_error = Error{ErrorCode::kIo, "the reader is gone", false, {}};
    return out;
  };
  bench.deliver({"1", "2", "3"}, 0);
  bench.deliver({"4"}, 3);
  bench.advance(1000);
  REQUIRE(bench.failure.has_value());
  CHECK(bench.failure->message == "the reader is gone");
  CHECK(bench.sink->writes == 1);
  CHECK(bench.committed() == -1);
}

TEST_CASE("a sink whose token fails fails the leg, and nothing is committed") {
  Bench bench(true);
  bench.sink->token_error = Error{ErrorCode::kIo, "disk is gone", false, {}};
  bench.deliver({"1"}, 0);
  bench.advance(100);
  REQUIRE(bench.failure.has_value());
  CHECK(bench.failure->message == "disk is gone");
  CHECK(bench.committed() == -1);
}

TEST_CASE("after a failure nothing more is written or committed, so that nothing is stepped over", "[REQ-008]") {
  Bench bench(true, 1, {}, 1);
  bench.sink->token_error = Error{ErrorCode::kIo, "disk is gone", false, {}};
  bench.deliver({"1"}, 0);  // taken along by the commit that fails
  bench.settle();
  REQUIRE(bench.failure.has_value());
  bench.sink->token_error.reset();
  bench.deliver({"2"}, 1);
  bench.end();
  bench.advance(1000);
  CHECK(bench.sink->writes == 1);
  CHECK(bench.sink->tokens == 1);
  CHECK(bench.committed() == -1);
  CHECK_FALSE(bench.drained);
}

TEST_CASE("a leg whose last commit failed has not drained") {
  Bench bench(true);
  bench.sink->token_error = Error{ErrorCode::kIo, "disk is gone", false, {}};
  bench.deliver({"1"}, 0);
  bench.end();
  bench.advance(1000);
  CHECK(bench.failure.has_value());
  CHECK_FALSE(bench.drained);
}

TEST_CASE("what was done before a failure is not committed after it") {
  Bench bench(false);
  bench.deliver({"1"}, 0);
  bench.settle();
  bench.sink->broken_error = Error{ErrorCode::kIo, "the reader is gone", false, {}};
  bench.sink->answer = [](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), retry()); };
  bench.deliver({"2"}, 1);
  bench.settle();
  REQUIRE(bench.failure.has_value());
  bench.advance(1000);  // the commit of "1" would be due
  CHECK(bench.committed() == -1);
}

TEST_CASE("a commit that finds no room is tried again whole, and events are written meanwhile", "[REQ-029]") {
  const ErrorCode why = GENERATE(ErrorCode::kNoSpace, ErrorCode::kUnavailable);
  for (const bool token : {false, true}) {
    Bench bench(token);
    bench.sink->answer = [](const Batch& batch) {
      return std::vector<EventOutcome>(batch.size(), batch.value(0) == "1" ? refuse() : EventOutcome{});
    };
    bench.log->set_commits_full(true, why);
    bench.deliver({"1"}, 0);
    bench.settle();
    bench.advance(100);
    CHECK(bench.committed() == -1);
    CHECK(bench.leg->degraded());
    bench.deliver({"2"}, 1);
    for (int second = 0; second < 5; ++second) bench.advance(1000);
    CHECK(bench.sink->written == std::vector<std::string>{"2"});
    CHECK(bench.dead_letters().empty());
    CHECK_FALSE(bench.failure.has_value());
    bench.log->set_commits_full(false);
    bench.advance(1000);
    CHECK(bench.dead_letters().size() == 1);
    bench.advance(100);
    CHECK(bench.committed() == 2);
    CHECK_FALSE(bench.leg->degraded());
  }
}

TEST_CASE("a leg that closes while its commit waits for room does not wait with it", "[REQ-029]") {
  Bench bench(true);
  bench.log->set_commits_full(true);
  bench.deliver({"1"}, 0);
  bench.settle();
  bench.advance(100);
  SECTION("between two tries") {
    bench.close();
  }
  SECTION("with a try at the log") {
    bench.loop.advance(1000);
    bench.close();
  }
  bench.settle();
  CHECK(bench.closed);
  CHECK(bench.committed() == -1);
}

TEST_CASE("closing waits for the commit under way, also after a failure") {
  Bench bench(false);
  bench.deliver({"1"}, 0);
  bench.settle();
  bench.loop.advance(100);  // the commit is at the log, which does not move
  bench.sink->broken_error = Error{ErrorCode::kIo, "the reader is gone", false, {}};
  bench.sink->answer = [](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), retry()); };
  bench.deliver({"2"}, 1);
  bench.loop.run_until_idle();
  REQUIRE(bench.failure.has_value());
  bench.close();
  bench.loop.run_until_idle();
  CHECK_FALSE(bench.closed);
  bench.settle();
  CHECK(bench.closed);
  CHECK(bench.committed() == 1);
}

TEST_CASE("a sink that closes is asked for no token") {
  SECTION("when the commit was due and waited for a write") {
    Bench bench(true, 2);
    bench.sink->hold = true;
    bench.deliver({"1"}, 0, 0);
    bench.deliver({"2"}, 0, 1);
    bench.sink->finish();
    bench.advance(100);
    bench.close();  // which ends the write of "2"
    bench.settle();
    CHECK(bench.sink->written.size() == 2);
    CHECK(bench.sink->tokens == 0);
    CHECK(bench.closed);
  }
  SECTION("when the last write makes the commit due") {
    Bench bench(true, 1, {}, 1);
    bench.sink->hold = true;
    bench.deliver({"1"}, 0);
    bench.close();
    bench.settle();
    CHECK(bench.sink->written.size() == 1);
    CHECK(bench.sink->tokens == 0);
    CHECK(bench.closed);
  }
}

TEST_CASE("dead letters count towards the bytes of a commit, those of the stages and the sink's own") {
  Bench bench(false, 1, {}, 150);
  SECTION("of the stages") {
    bench.deliver_dead(200, 1);
  }
  SECTION("of the sink") {
    bench.sink->answer = [](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), refuse()); };
    bench.deliver({"\"" + std::string(100, 'x') + "\""}, 0);  // less than 150 without its envelope
  }
  bench.settle();
  CHECK(bench.committed() == 1);
  CHECK(bench.dead_letters().size() == 1);
}

TEST_CASE("while many dead letters wait for a commit, nothing is written that could bring more", "[REQ-029]") {
  Bench bench(false);
  bench.deliver_dead(1, 1);
  bench.loop.advance(100);  // the commit is at the log, which does not move
  bench.deliver_dead(17 << 20, 2);
  bench.deliver({"3"}, 2);
  bench.loop.run_until_idle();
  CHECK(bench.sink->writes == 0);
  bench.settle();
  CHECK(bench.sink->writes == 1);
  bench.advance(100);
  CHECK(bench.committed() == 3);
}

namespace {

class FakeKeeper final : public ProgressKeeper {
 public:
  void recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) override {
    asked = leg;
    for (const std::string& partition : partitions) asked += " " + partition;
    answer = std::move(done);
  }
  void gave_up(const std::string& partition, int64_t offset, const std::string& error) override {
    told.push_back(partition + "@" + std::to_string(offset) + " " + error);
  }
  void settled(const std::string& partition, int64_t offset) override {
    told.push_back(partition + "<" + std::to_string(offset));
  }

  std::string asked;
  ProgressDone answer;
  std::vector<std::string> told;
};

}  // namespace

TEST_CASE("a sink that keeps the progress is written only what its peer does not have", "[REQ-008]") {
  FakeKeeper keeper;
  Bench bench(false, 2, kThreeAttempts, 8u << 20, false, &keeper);
  CHECK(keeper.asked == "orders/all orders.tagtagta-0 orders.tagtagta-1");
  bench.deliver({"0", "1", "2", "3"}, 0);
  bench.deliver({"a", "b"}, 0, 1);
  bench.settle();
  CHECK(bench.sink->writes == 0);
  keeper.answer(std::vector<SinkProgress>{
      {.partition = "orders.tagtagta-0", .next = 3, .given_up = {{.offset = 1, .error = "too long"}}},
      {.partition = "orders.otherone-1", .next = 9, .given_up = {}}});
  bench.settle();
  CHECK(bench.sink->written == std::vector<std::string>{"3", "a", "b"});
  bench.advance(100);
  CHECK(bench.committed() == 4);
  CHECK(bench.committed(1) == 2);
  // Its envelope went with the commit that is not there.
  const auto letters = bench.dead_letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["event"] == 1);
  CHECK(letters[0]["position"] == "orders.tagtagta-0-1");
  CHECK(letters[0]["error"].get<std::string>().find("too long") != std::string::npos);
  CHECK(keeper.told == std::vector<std::string>{"orders.tagtagta-0<4", "orders.tagtagta-1<2"});
}

TEST_CASE("a batch that the peer has whole is done without a write", "[REQ-008]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper);
  keeper.answer(std::vector<SinkProgress>{{.partition = "orders.tagtagta-0", .next = 40, .given_up = {}}});
  for (int64_t base = 0; base < 50; base += 5) bench.deliver({"0", "1", "2", "3", "4"}, base);
  bench.advance(100);
  CHECK(bench.sink->writes == 2);
  CHECK(bench.committed() == 50);
}

TEST_CASE("a sink that keeps the progress hears of what the engine gives up", "[REQ-021]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper);
  keeper.answer(std::vector<SinkProgress>());
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch.value(i) == "2") std::fill(out.begin() + static_cast<ptrdiff_t>(i), out.end(), choke());
    }
    return out;
  };
  bench.deliver({"1", "2", "3"}, 0);
  for (int i = 0; i < 6; ++i) bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "3"});
  CHECK(keeper.told == std::vector<std::string>{"orders.tagtagta-0@1 answered 500", "orders.tagtagta-0<3"});
}

TEST_CASE("a sink that keeps the progress may forget all of a commit, also of a source without positions",
          "[REQ-021]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper);
  keeper.answer(std::vector<SinkProgress>());
  bench.leg->deliver(
      {.partition = 0, .batch = batch_of({"1", "2"}, 7), .next_position = 0, .cursor = {}, .credit_bytes = 10});
  bench.settle();
  CHECK(keeper.told.empty());
  bench.advance(100);
  CHECK(keeper.told == std::vector<std::string>{"orders.tagtagta-0<9"});
}

TEST_CASE("where nothing is stored, a sink that keeps the progress may forget what is done at once", "[REQ-021]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper, [](SinkLegOptions& options) {
    options.log = nullptr;
    options.places.dead_stream = std::nullopt;
    // As with a replay beside a running process, which does not know what its events' ids begin with.
    options.partitions.front().id = "orders.-0";
  });
  keeper.answer(std::vector<SinkProgress>());
  bench.sink->answer = [&](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), refuse()); };
  bench.deliver({"1", "2"}, 0);
  // Of a source without positions of its own.
  bench.leg->deliver(
      {.partition = 0, .batch = batch_of({"3"}, 2), .next_position = 0, .cursor = {}, .credit_bytes = 10});
  bench.settle();
  // Items that wait together may be one write.
  REQUIRE_FALSE(keeper.told.empty());
  CHECK(keeper.told.back() == "orders.tagtagta-0<3");
}

TEST_CASE("a sink whose progress can't be had fails the leg, and nothing is written", "[REQ-008]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper);
  bench.deliver({"1"}, 0);
  keeper.answer(fail(ErrorCode::kConflict, "another process took over"));
  bench.settle();
  REQUIRE(bench.failure);
  CHECK(bench.failure->message.find("took over") != std::string::npos);
  CHECK(bench.sink->writes == 0);
  CHECK(bench.committed() == -1);
}

TEST_CASE("a leg that closes before it knows the progress writes nothing") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper);
  bench.deliver({"1"}, 0);
  bench.close();
  bench.settle();
  keeper.answer(std::vector<SinkProgress>());
  bench.settle();
  CHECK(bench.sink->writes == 0);
  CHECK(bench.closed);
}

TEST_CASE("an event that is too old is given up whatever the reason, with what waited as long", "[REQ-022]") {
  Bench bench(false, [](SinkLegOptions& options) { options.retry.age_ms = 1000; });
  bool down = true;
  bench.sink->answer = [&](const Batch& batch) {
    return down ? std::vector<EventOutcome>(batch.size(), full_disk()) : std::vector<EventOutcome>();
  };
  bench.deliver({"1", "2"}, 0);
  bench.deliver({"3"}, 2);
  bench.settle();
  for (int i = 0; i < 9; ++i) bench.advance(100);
  CHECK(bench.dead_letters().empty());
  for (int i = 0; i < 3; ++i) bench.advance(100);
  REQUIRE(bench.dead_letters().size() == 2);
  CHECK(bench.dead_letters()[0]["attempts"].get<int>() > 5);
  CHECK(bench.committed() == 2);
  // The next one has a time of its own.
  for (int i = 0; i < 5; ++i) bench.advance(100);
  down = false;
  bench.advance(200);
  CHECK(bench.sink->written == std::vector<std::string>{"3"});
  CHECK(bench.committed() == 3);
  CHECK(bench.dead_letters().size() == 2);
}

TEST_CASE("what failed for good may be dropped: no letter, and the position goes on", "[REQ-023]") {
  Bench bench(false, [](SinkLegOptions& options) { options.then = config::FailureAction::kDrop; });
  bench.sink->answer = [&](const Batch& batch) {
    std::vector<EventOutcome> out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch.value(i) == "2") out[i] = refuse();
    }
    return out;
  };
  bench.deliver({"1", "2", "3"}, 0);
  bench.advance(100);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "3"});
  CHECK(bench.committed() == 3);
  CHECK(bench.dead_letters().empty());
  CHECK(bench.tally.counts().total() == 0);
  CHECK(bench.counters.errors.value(ErrorCode::kInvalidInput) == 1);
}

TEST_CASE("what failed for good may stop the leg, and is not committed", "[REQ-023]") {
  Bench bench(false, [](SinkLegOptions& options) { options.then = config::FailureAction::kStop; });
  bench.sink->answer = [&](const Batch& batch) { return std::vector<EventOutcome>(batch.size(), choke()); };
  bench.deliver({"1", "2"}, 0);
  for (int i = 0; i < 4; ++i) bench.advance(100);
  REQUIRE(bench.failure);
  CHECK(bench.failure->message.find("orders.tagtagta-0-0") != std::string::npos);
  CHECK(bench.failure->message.find("errors.then is stop") != std::string::npos);
  CHECK(bench.sink->writes == 3);
  CHECK(bench.committed() == -1);
  CHECK(bench.dead_letters().empty());
}

TEST_CASE("an open breaker holds back every partition, and one write decides whether it closes", "[REQ-022]") {
  Bench bench(false, 2, {.kind = RetryPolicy::Kind::kFixed, .initial_ms = 10, .max_ms = 10, .attempts = 0},
              8u << 20, false, nullptr, [](SinkLegOptions& options) {
                options.breaker_failures = 4;
                options.breaker_open_ms = 1000;
              });
  bool down = true;
  bench.sink->answer = [&](const Batch& batch) {
    return down ? std::vector<EventOutcome>(batch.size(), choke()) : std::vector<EventOutcome>();
  };
  bench.deliver({"1"}, 0);
  bench.deliver({"a"}, 0, 1);
  bench.settle();
  CHECK(bench.sink->writes == 2);
  for (int i = 0; i < 20; ++i) bench.advance(10);
  CHECK(bench.sink->writes == 4);
  for (int i = 0; i < 100; ++i) bench.advance(10);
  CHECK(bench.sink->writes == 5);  // one probe, which failed
  down = false;
  for (int i = 0; i < 110; ++i) bench.advance(10);
  CHECK(bench.sink->writes == 7);
  CHECK(bench.sink->written.size() == 2);
  bench.advance(100);
  CHECK(bench.committed() == 1);
  CHECK(bench.committed(1) == 1);
}

TEST_CASE("what a sink gave up before is asked of it again where that is to stop the leg now", "[REQ-023]") {
  FakeKeeper keeper;
  Bench bench(false, 1, kThreeAttempts, 8u << 20, false, &keeper,
              [](SinkLegOptions& options) { options.then = config::FailureAction::kStop; });
  keeper.answer(std::vector<SinkProgress>{
      {.partition = "orders.tagtagta-0", .next = 3, .given_up = {{.offset = 1, .error = "too long"}}}});
  int outages = 2;
  bench.sink->answer = [&](const Batch& batch) {
    if (batch.value(0) != "3" || outages-- <= 0) return std::vector<EventOutcome>();
    return std::vector<EventOutcome>(batch.size(), full_disk());
  };
  bench.deliver({"0", "1", "2"}, 0);
  bench.settle();
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  bench.deliver({"3"}, 3);
  for (int i = 0; i < 5; ++i) bench.advance(100);
  CHECK_FALSE(bench.failure);
  CHECK(bench.sink->written == std::vector<std::string>{"1", "3"});
  CHECK(bench.committed() == 4);
}

TEST_CASE("what is further behind than max_lag is given up for the sink, and the rest is written") {
  const bool keep = GENERATE(false, true);
  const auto change = [&](SinkLegOptions& options) {
    options.max_lag =
        config::MaxLagConfig{.size = {},
                             .time = Duration{5'000},
                             .then = keep ? config::LagAction::kDeadLetter : config::LagAction::kDrop,
                             .mark = {}};
    options.retry = {.kind = RetryPolicy::Kind::kFixed, .initial_ms = 60'000, .max_ms = 60'000, .attempts = 3};
  };
  Bench bench(false, change);
  bool away = true;
  bench.sink->answer = [&](const Batch&) {
    return away ? std::vector<EventOutcome>{full_disk()} : std::vector<EventOutcome>();
  };
  bench.deliver({"1"}, 0);
  bench.deliver({"2"}, 1);
  bench.advance(4'000);
  auto newer = log::encode(batch_of(std::vector<std::string>(100, "0")), log::Codec::kNone, nullptr);
  bench.log->append(bench.stream, 0, std::move(*newer), log::AckLevel::kDurable, [](auto) {});
  bench.settle();
  bench.deliver({"3"}, 150);
  CHECK(bench.sink->writes == 1);
  CHECK(bench.committed() == -1);
  away = false;
  bench.advance(3'000);
  bench.advance(200);
  CHECK(bench.committed() == 151);
  // The wait for the next attempt was over with the event that waited.
  CHECK(bench.sink->written == std::vector<std::string>{"3"});
  const auto letters = bench.dead_letters();
  REQUIRE(letters.size() == (keep ? 2 : 0));
  if (keep) {
    CHECK(letters[0]["error"].dump().find("further behind than max_lag (time: 5s); it failed last with: the disk "
                                          "is full") != std::string::npos);
    CHECK(letters[1]["stage"] == "all");
  }
  CHECK(bench.counters.events_out.value() == 1);
}

TEST_CASE("max_lag by size gives up the oldest first") {
  // The log of the bench has a hundred events in one batch of some hundred bytes; more follow.
  Bench bench(false, [](SinkLegOptions& options) {
    options.max_lag =
        config::MaxLagConfig{.size = ByteSize{1'000}, .time = {}, .then = config::LagAction::kDrop, .mark = {}};
  });
  bench.sink->hold = true;
  bench.deliver({"1"}, 0);
  bench.deliver({"2"}, 1);
  bench.settle();
  auto more = log::encode(batch_of({'"' + std::string(2'000, 'x') + '"'}), log::Codec::kNone, nullptr);
  bench.log->append(bench.stream, 0, std::move(*more), log::AckLevel::kDurable, [](auto) {});
  bench.settle();
  bench.advance(1'000);
  // What is under way may still end as it will.
  CHECK(bench.sink->writes == 1);
  bench.sink->hold = false;
  bench.sink->finish();
  bench.advance(200);
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  CHECK(bench.committed() == 2);
}

TEST_CASE("a sink beyond max_lag may hold the sources until it has caught up") {
  std::vector<bool> told;
  Bench bench(false, [&](SinkLegOptions& options) {
    options.max_lag =
        config::MaxLagConfig{.size = {}, .time = Duration{5'000}, .then = config::LagAction::kPause, .mark = {}};
    options.pause = [&](bool on) { told.push_back(on); };
  });
  bool away = true;
  bench.sink->answer = [&](const Batch&) {
    return away ? std::vector<EventOutcome>{full_disk()} : std::vector<EventOutcome>();
  };
  bench.deliver({"1"}, 0);
  bench.advance(4'000);
  CHECK(told.empty());
  CHECK(bench.dead_letters().empty());
  for (int i = 0; i < 4; ++i) bench.advance(1'000);
  CHECK(told == std::vector<bool>{true});
  CHECK(bench.leg->degraded());
  CHECK(bench.leg->last_error().find("max_lag") != std::string::npos);
  away = false;
  bench.advance(1'000);
  CHECK(bench.sink->written == std::vector<std::string>{"1"});
  CHECK(told == std::vector<bool>{true});
  for (int i = 0; i < 3; ++i) bench.advance(1'000);
  CHECK(told == std::vector<bool>{true, false});
  CHECK_FALSE(bench.leg->degraded());
}
