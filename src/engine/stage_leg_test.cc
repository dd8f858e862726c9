#include "engine/stage_leg.h"

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/sim_executor.h"
#include "engine/dead_letter_tally.h"
#include "engine/feed.h"
#include "engine/test_support.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::engine {
namespace {

// Answers when it is told to.
class HeldStage final : public AsyncStage {
 public:
  using Done = UniqueFunction<void(AsyncOutput)>;
  explicit HeldStage(size_t concurrency) : concurrency_(concurrency) {}
  size_t concurrency() const override { return concurrency_; }
  void process(std::shared_ptr<const Batch> batch, size_t event, Done done) override {
    const std::string value(batch->value(event));
    asked.push_back(value);
    if (at_once) return done({.values = {value}, .error = {}});
    held.emplace(value, std::move(done));
  }
  void settled(const std::string& partition, int64_t offset) override { settled_below[partition] = offset; }
  void wind_down() override {
    if (gives_back) give_back();
  }
  void close(Task closed) override {
    give_back();
    closed();
  }
  void give_back() {
    while (!held.empty()) {
      answer(held.begin()->first, {.values = {}, .error = Error{ErrorCode::kCancelled, "closed", true, {}}});
    }
  }

  void answer(const std::string& value, AsyncOutput output) {
    Done done = std::move(held.at(value));
    held.erase(value);
    done(std::move(output));
  }
  void answer(const std::string& value) { answer(value, {.values = {"\"" + value + "!\""}, .error = {}}); }

  bool at_once = false;
  bool gives_back = false;
  std::vector<std::string> asked;
  std::map<std::string, Done> held;
  std::map<std::string, int64_t> settled_below;

 private:
  const size_t concurrency_;
};

AsyncOutput failure(bool retryable, bool is_attempt = true) {
  return {.values = {},
          .error = Error{ErrorCode::kUnavailable, "not now", retryable, {}},
          .retry_after_ms = 0,
          .is_attempt = is_attempt};
}

struct Bench {
  explicit Bench(size_t concurrency, const std::function<void(StageLegOptions&)>& change = nullptr)
      : log(std::make_unique<log::FakeLog>(executor, clock)) {
    StageLegOptions options;
    options.commit_name = "orders/triage";
    options.component = "triage";
    const auto stream = *log->open_stream({.name = "orders", .partitions = 1});
    output = *log->open_stream({.name = "orders.triage", .partitions = 1});
    dead = *log->open_stream({.name = "orders.dead", .partitions = 1});
    options.partitions.push_back({stream, 0, {}, partition_id(*test_origin(0))});
    auto encoded = log::encode(batch_of(std::vector<std::string>(1000, "0")), log::Codec::kNone, nullptr);
    log->append(stream, 0, std::move(*encoded), log::AckLevel::kDurable, [](auto) {});
    settle();
    options.retry = {.kind = RetryPolicy::Kind::kFixed, .initial_ms = 100, .max_ms = 1000, .attempts = 3};
    options.log = log.get();
    options.output = output;
    options.output_name = "orders.triage";
    options.output_tag = "outtagta";
    options.places.dead_stream = dead;
    options.places.dead_origin = test_origin();
    options.counters = &counters;
    options.letters = &tally;
    if (change) change(options);
    auto made = std::make_unique<HeldStage>(concurrency);
    stage = made.get();
    leg = std::make_unique<StageLeg>(std::move(options), std::move(made), loop, clock, random);
    leg->start([this](size_t, size_t bytes) { released += bytes; }, [this] { drained = true; },
               [this](Error error) { failed = error; });
  }
  ~Bench() {
    bool closed = false;
    leg->close([&] { closed = true; });
    settle();
    REQUIRE(closed);
    leg.reset();
    REQUIRE(log->close());
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
  void deliver(const std::vector<std::string>& texts, int64_t base) {
    deliver({.partition = 0,
             .batch = batch_of(texts, base),
             .next_position = base + static_cast<int64_t>(texts.size()),
             .cursor = {},
             .credit_bytes = 10});
  }
  void deliver(LegItem item) {
    leg->deliver(std::move(item));
    settle();
  }
  void end() { deliver({.partition = 0, .batch = nullptr, .cursor = {}, .end = true}); }

  std::vector<std::string> stored(log::StreamId stream) const {
    std::vector<std::string> out;
    auto reader = *log->read(stream, 0, 0, true);
    while (const auto batch = *reader->next()) {
      for (size_t i = 0; i < batch->size(); ++i) out.emplace_back(batch->value(i));
    }
    return out;
  }
  std::vector<std::string> outputs() const { return stored(output); }
  int64_t committed() const {
    const auto state = log->leg_state("orders/triage");
    return state ? state->positions.at(0).next_offset : -1;
  }

  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  ComponentCounters counters;
  DeadLetterTally tally{"orders/triage", clock};
  std::unique_ptr<log::FakeLog> log;
  log::StreamId output = 0, dead = 0;
  std::unique_ptr<StageLeg> leg;
  HeldStage* stage = nullptr;
  size_t released = 0;
  bool drained = false;
  std::optional<Error> failed;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("calls are in flight up to the stage's concurrency, and released in order") {
  Bench bench(3);
  bench.deliver({"1", "2", "3", "4", "5"}, 0);
  CHECK(bench.stage->asked == Texts{"1", "2", "3"});
  bench.stage->answer("3");
  bench.stage->answer("2");
  bench.advance(200);
  CHECK(bench.stage->asked == Texts{"1", "2", "3", "4", "5"});
  CHECK(bench.outputs().empty());
  CHECK(bench.committed() == -1);
  bench.stage->answer("1");
  bench.advance(200);
  CHECK(bench.outputs() == Texts{R"("1!")", R"("2!")", R"("3!")"});
  CHECK(bench.committed() == 3);
  CHECK(bench.stage->settled_below == std::map<std::string, int64_t>{{"orders.tagtagta-0", 3}});
  CHECK(bench.released == 0);
  bench.stage->answer("5");
  bench.stage->answer("4");
  CHECK(bench.released == 10);
  bench.end();
  CHECK(bench.drained);
  CHECK(bench.outputs().size() == 5);
  CHECK(bench.committed() == 5);
}

TEST_CASE("what an event becomes keeps its key, headers and time, and an id that names it") {
  Bench bench(1);
  BatchBuilder builder;
  const std::vector<std::pair<std::string_view, std::string_view>> headers = {{"trace", "t"}};
  builder.add("7", {}, {.key = "k", .headers = headers, .timestamp_ms = 77});
  bench.deliver({.partition = 0,
                 .batch = builder.seal(test_origin(), 40),
                 .next_position = 41,
                 .cursor = {},
                 .credit_bytes = 1});
  bench.stage->answer("7", {.values = {"{\"a\":1}", "[2]"}, .error = {}});
  bench.advance(200);
  auto reader = *bench.log->read(bench.output, 0, 0, true);
  const auto batch = *reader->next();
  REQUIRE(batch != nullptr);
  REQUIRE(batch->size() == 2);
  CHECK(batch->id(0) == "orders.tagtagta-0-40-triage-0");
  CHECK(batch->id(1) == "orders.tagtagta-0-40-triage-1");
  CHECK(batch->key(1) == "k");
  CHECK(batch->headers(1) == headers);
  CHECK(batch->entry(1).timestamp_ms == 77);
  CHECK(batch->origin().source == "hook");
  CHECK(batch->origin().stream == "orders.triage");
  CHECK(batch->offset(1) == batch->offset(0) + 1);
  CHECK_FALSE(batch->tape(1).empty());
}

TEST_CASE("an event that is dropped moves the position, and so does an item without any") {
  Bench bench(2);
  bench.deliver({"1"}, 0);
  bench.stage->answer("1", {.values = {}, .error = {}});
  bench.deliver({}, 5);
  bench.advance(200);
  CHECK(bench.outputs().empty());
  CHECK(bench.committed() == 5);
}

TEST_CASE("several events of one offset are committed together") {
  Bench bench(1);
  const auto whole = batch_of({"1", "2", "3"}, 10);
  std::vector<BatchEntry> entries(whole->entries().begin(), whole->entries().end());
  entries[1].offset_delta = 0;
  entries[1].ordinal = 1;
  entries[2].offset_delta = 1;
  const auto batch = std::make_shared<const Batch>(whole->body(), entries, whole->shared_origin(), 10);
  bench.deliver({.partition = 0, .batch = batch, .next_position = 12, .cursor = {}, .credit_bytes = 1});
  bench.stage->answer("1");
  bench.advance(200);
  CHECK(bench.committed() == -1);
  bench.stage->answer("2");
  bench.advance(200);
  CHECK(bench.committed() == 11);
  CHECK(bench.outputs().size() == 2);
}

TEST_CASE("an item with letters of the stages before is committed whole, with them") {
  Bench bench(1);
  BatchBuilder letters;
  letters.add(R"({"event":9})", {}, {});
  bench.deliver({.partition = 0,
                 .batch = batch_of({"1", "2"}, 0),
                 .dead = letters.seal(test_origin(), 0),
                 .next_position = 3,
                 .cursor = {},
                 .credit_bytes = 1});
  bench.stage->answer("1");
  bench.advance(200);
  CHECK(bench.committed() == -1);
  CHECK(bench.outputs().empty());
  CHECK(bench.stored(bench.dead).empty());
  bench.stage->answer("2");
  bench.advance(200);
  CHECK(bench.committed() == 3);
  CHECK(bench.outputs().size() == 2);
  CHECK(bench.stored(bench.dead) == Texts{R"({"event":9})"});
}

TEST_CASE("a retry waits, holds back what is behind it, and takes no call meanwhile") {
  Bench bench(2);
  bench.deliver({"1", "2", "3", "4"}, 0);
  bench.stage->answer("1", failure(true));
  CHECK(bench.stage->asked == Texts{"1", "2", "3"});
  CHECK(bench.leg->degraded());
  CHECK(bench.leg->last_error().find("not now") != std::string::npos);
  bench.stage->answer("2");
  bench.advance(99);
  CHECK(bench.outputs().empty());
  CHECK(bench.stage->asked == Texts{"1", "2", "3", "4"});
  // It is due, and waits for a call to be free.
  bench.advance(10);
  CHECK(bench.stage->asked.size() == 4);
  bench.stage->answer("4");
  CHECK(bench.stage->asked == Texts{"1", "2", "3", "4", "1"});
  bench.stage->answer("1");
  bench.advance(200);
  CHECK(bench.outputs() == Texts{R"("1!")", R"("2!")"});
  CHECK_FALSE(bench.leg->degraded());
}

TEST_CASE("what fails as often as the policy lets it is a dead letter, and the others go on") {
  Bench bench(2);
  bench.deliver({"1", "2"}, 0);
  for (int i = 0; i < 3; ++i) {
    bench.stage->answer("1", failure(true));
    bench.advance(200);
  }
  bench.stage->answer("2");
  bench.advance(200);
  CHECK(bench.outputs() == Texts{R"("2!")"});
  const auto dead = bench.stored(bench.dead);
  REQUIRE(dead.size() == 1);
  const auto letter = nlohmann::json::parse(dead[0]);
  CHECK(letter["attempts"] == 3);
  CHECK(letter["event"] == 1);
  CHECK(letter["stage"] == "triage");
  CHECK(letter["position"] == "orders.tagtagta-0-0");
  CHECK(bench.committed() == 2);
}

TEST_CASE("what is nobody's fault is waited out; what can't be mended is given up at once") {
  Bench bench(1);
  bench.deliver({"1"}, 0);
  for (int i = 0; i < 10; ++i) {
    bench.stage->answer("1", failure(true, false));
    bench.advance(2000);
  }
  CHECK(bench.stage->asked.size() == 11);
  CHECK(bench.stored(bench.dead).empty());
  bench.stage->answer("1", failure(false));
  bench.advance(200);
  CHECK(bench.stored(bench.dead).size() == 1);
}

TEST_CASE("what the stage makes has to be JSON") {
  Bench bench(1);
  bench.deliver({"1"}, 0);
  bench.stage->answer("1", {.values = {"{}", "{nonsense"}, .error = {}});
  bench.advance(200);
  CHECK(bench.outputs().empty());
  REQUIRE(bench.stored(bench.dead).size() == 1);
  CHECK(bench.stored(bench.dead)[0].find("the stage made no JSON of it") != std::string::npos);
}

TEST_CASE("errors.then stop ends the leg, and leaves the event where it is") {
  Bench bench(2, [](StageLegOptions& options) { options.then = config::FailureAction::kStop; });
  bench.deliver({"1", "2", "3"}, 0);
  bench.stage->answer("1");
  bench.stage->answer("2", failure(false));
  REQUIRE(bench.failed.has_value());
  CHECK(bench.failed->message.find("orders.tagtagta-0-1") != std::string::npos);
  bench.advance(1000);
  CHECK(bench.committed() == -1);
}

TEST_CASE("what is begun and not released is bounded") {
  Bench bench(2);
  Texts texts;
  for (int i = 0; i < 100; ++i) texts.push_back(std::to_string(i));
  bench.deliver(texts, 0);
  for (int i = 1; i < 100; ++i) {
    if (bench.stage->held.count(std::to_string(i)) > 0) bench.stage->answer(std::to_string(i));
  }
  CHECK(bench.stage->asked.size() == 16);
  CHECK(bench.leg->waiting_events(0) == 100);
  bench.stage->answer("0");
  bench.advance(200);
  CHECK(bench.outputs().size() == 16);
}

TEST_CASE("a stage that answers at once takes no stack") {
  Bench bench(1);
  bench.stage->at_once = true;
  bench.deliver(Texts(1000, "1"), 0);
  bench.end();
  CHECK(bench.drained);
  CHECK(bench.outputs().size() == 1000);
}

TEST_CASE("a leg that winds down begins nothing new, and commits what is in flight") {
  Bench bench(2);
  bench.deliver({"1", "2", "3", "4"}, 0);
  bench.leg->wind_down();
  bench.settle();
  CHECK_FALSE(bench.drained);
  bench.stage->answer("2");
  bench.advance(300);
  CHECK_FALSE(bench.drained);
  bench.stage->answer("1");
  bench.advance(300);
  CHECK(bench.drained);
  CHECK(bench.stage->asked == Texts{"1", "2"});
  CHECK(bench.committed() == 2);
  CHECK(bench.outputs().size() == 2);
}

TEST_CASE("a leg that winds down does not wait for what its stage gives back") {
  Bench bench(3, [](StageLegOptions& options) { options.fail_when_stuck = true; });
  bench.stage->gives_back = true;
  bench.deliver({"1", "2", "3"}, 0);
  bench.stage->answer("1");
  bench.leg->wind_down();
  bench.advance(300);
  CHECK(bench.drained);
  CHECK_FALSE(bench.failed);
  CHECK(bench.committed() == 1);
  CHECK(bench.stage->asked == Texts{"1", "2", "3"});
}

TEST_CASE("many events in flight are begun, retried and released in order") {
  Bench bench(20'000);
  Texts texts;
  for (int i = 0; i < 300; ++i) texts.push_back(std::to_string(i));
  for (int64_t base = 0; base < 3; ++base) {
    Texts batch = texts;
    for (std::string& text : batch) text += "00" + std::to_string(base);
    bench.deliver(batch, base * 300);
  }
  CHECK(bench.stage->asked.size() == 900);
  for (const std::string& text : texts) bench.stage->answer(text + "001", failure(true, false));
  for (int64_t base : {2, 0}) {
    for (const std::string& text : texts) bench.stage->answer(text + "00" + std::to_string(base));
  }
  bench.advance(200);
  CHECK(bench.stage->asked.size() == 1200);
  for (const std::string& text : texts) bench.stage->answer(text + "001");
  bench.advance(300);
  CHECK(bench.committed() == 900);
  const auto outputs = bench.outputs();
  REQUIRE(outputs.size() == 900);
  CHECK(outputs.front() == "\"0000!\"");
  CHECK(outputs[300] == "\"0001!\"");
  CHECK(outputs.back() == "\"299002!\"");
}

TEST_CASE("a leg that winds down does not wait for what waits to be tried again") {
  Bench bench(2);
  bench.deliver({"1", "2"}, 0);
  bench.stage->answer("1", failure(true));
  bench.leg->wind_down();
  bench.settle();
  CHECK_FALSE(bench.drained);
  bench.stage->answer("2");
  bench.settle();
  CHECK(bench.drained);
  bench.advance(1000);
  CHECK(bench.stage->asked == Texts{"1", "2"});
  CHECK(bench.committed() == -1);
}

TEST_CASE("a dead letter of the leg comes back to it alone") {
  Bench bench(1);
  bench.deliver({"1"}, 0);
  bench.stage->answer("1", failure(false));
  bench.advance(200);
  REQUIRE(bench.stored(bench.dead).size() == 1);
  CHECK(nlohmann::json::parse(bench.stored(bench.dead)[0])["sink"] == "triage");
}

TEST_CASE("what is under way at the end is neither done nor a failure") {
  Bench bench(2);
  bench.deliver({"1", "2"}, 0);
  bench.stage->answer("2");
  bool closed = false;
  bench.leg->close([&] { closed = true; });
  bench.settle();
  CHECK(closed);
  CHECK(bench.committed() == -1);
  CHECK(bench.counters.errors.total() == 0);
  CHECK(bench.stored(bench.dead).empty());
}

TEST_CASE("without a log outputs go to the queue, item by item, with the position and the letters") {
  QueueFeed queue(4096);
  queue.set_wake([] {});
  queue.set_drained([] {});
  Bench bench(4, [&](StageLegOptions& options) {
    options.log = nullptr;
    options.queues = {&queue};
  });
  bench.deliver({"1", "2", "3"}, 10);
  bench.stage->answer("2", failure(false));
  bench.stage->answer("3", {.values = {"3", "33"}, .error = {}});
  CHECK_FALSE(*queue.read(0));
  bench.stage->answer("1");
  const auto item = *queue.read(0);
  REQUIRE(item.has_value());
  CHECK(item->next_position == 13);
  REQUIRE(item->batch->size() == 3);
  CHECK(item->batch->id(2) == "orders.tagtagta-0-12-triage-1");
  CHECK(item->batch->offset(2) == 12);
  REQUIRE(item->refused != nullptr);
  CHECK(item->refused->value(0).find("\"event\":2") != std::string::npos);
  // A full queue lets nothing begin, until there is room.
  bench.deliver({"\"" + std::string(5000, 'x') + "\""}, 13);
  bench.stage->answer(bench.stage->asked.back(), {.values = {"\"" + std::string(5000, 'x') + "\""}, .error = {}});
  bench.deliver({"4"}, 14);
  CHECK(bench.stage->asked.back() != "4");
  queue.release_below(2);
  bench.leg->room();
  CHECK(bench.stage->asked.back() == "4");
  bench.stage->answer("4");
  bench.end();
  CHECK(bench.drained);
}

}  // namespace colloquium::engine
