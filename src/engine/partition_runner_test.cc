#include "engine/partition_runner.h"

#include <catch2/catch.hpp>

#include "base/counters.h"
#include "base/sim_executor.h"
#include "engine/dead_letter_tally.h"
#include "engine/test_support.h"
#include "loop/test_loop.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

// Keeps the numbers that pass a test; what begins with "bad" fails.
class Only final : public PureStage {
 public:
  explicit Only(std::function<bool(const std::string&)> test) : test_(std::move(test)) {}
  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override {
    ++runs;
    for (size_t i = 0; i < input.size(); ++i) {
      const std::string value(input.value(i));
      if (value.starts_with("\"bad")) {
        failed.push_back({i, Error{ErrorCode::kInvalidInput, "bad", false, {}}});
      } else if (test_(value)) {
        output.keep(input, i);
      }
    }
  }
  bool needs_tape() const override { return false; }
  void set_output_tape(bool) override {}
  static inline int runs = 0;

 private:
  std::function<bool(const std::string&)> test_;
};

// A QueueFeed that can be told to fail.
class FlakyFeed final : public Feed {
 public:
  FlakyFeed(std::unique_ptr<QueueFeed> below, const std::optional<Error>& error)
      : below_(std::move(below)), error_(error) {}
  Result<std::optional<FeedItem>> read(int64_t sequence) override {
    if (error_) return fail(*error_);
    return below_->read(sequence);
  }
  void release_below(int64_t sequence) override { below_->release_below(sequence); }
  int64_t first_sequence() const override { return below_->first_sequence(); }

 private:
  const std::unique_ptr<QueueFeed> below_;
  const std::optional<Error>& error_;
};

struct Bench {
  explicit Bench(size_t leg_count, std::vector<int64_t> skips = {}) {
    Only::runs = 0;
    std::vector<StageChain::Link> links;
    links.push_back({"all", std::make_unique<Only>([this](const std::string&) {
                       clock.advance_ms(1);
                       return true;
                     }),
                     &counters, &letters});
    items.resize(leg_count);
    std::vector<LegPort> ports(leg_count);
    for (size_t i = 0; i < leg_count; ++i) {
      ports[i].deliver = [this, i](LegItem item) { items[i].push_back(std::move(item)); };
      ports[i].takes_dead_letters = i == 0;
      if (i < skips.size()) ports[i].skip_below = {{"", skips[i]}};
    }
    auto feed = std::make_unique<QueueFeed>(1 << 30);
    queue = feed.get();
    runner = std::make_shared<PartitionRunner>(
        0, *worker, loop, std::make_unique<FlakyFeed>(std::move(feed), read_error),
        StageChain(std::move(links), false, clock), std::move(ports), [this](Error error) { failure = error; });
    queue->set_wake([this] { runner->wake(); });
    queue->set_drained([] {});
  }
  ~Bench() {
    runner->close([] {});
    settle();
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  void push(const std::vector<std::string>& texts) {
    queue->push({.batch = batch_of(texts, position),
                 .next_position = position + static_cast<int64_t>(texts.size()),
                 .cursor = "c"});
    position += static_cast<int64_t>(texts.size());
  }
  std::vector<std::string> values(size_t leg) {
    std::vector<std::string> out;
    for (const LegItem& item : items[leg]) {
      for (size_t i = 0; item.batch != nullptr && i < item.batch->size(); ++i)
        out.emplace_back(item.batch->value(i));
    }
    return out;
  }
  void give_back(size_t leg) {
    for (LegItem& item : items[leg]) runner->release(leg, std::exchange(item.credit_bytes, 0));
    settle();
  }

  ManualClock clock;
  ComponentCounters counters;
  DeadLetterTally letters{"orders/all", clock};
  SimExecutor executor{3, clock};
  loop::TestLoop loop{clock};
  std::unique_ptr<TaskQueue> worker = executor.make_queue("worker", 1, 1000);
  std::vector<std::vector<LegItem>> items;
  QueueFeed* queue = nullptr;
  std::shared_ptr<PartitionRunner> runner;
  int64_t position = 0;
  std::optional<Error> failure;
  std::optional<Error> read_error;  // what the feed says while it is set
};

}  // namespace

TEST_CASE("legs that stand at the same place are served by one run of the stages") {
  Bench bench(3);
  for (int i = 0; i < 10; ++i) bench.push({std::to_string(i)});
  bench.settle();
  CHECK(Only::runs == 10);
  for (size_t leg = 0; leg < 3; ++leg) CHECK(bench.values(leg).size() == 10);
  CHECK(bench.items[1].back().next_position == 10);
}

TEST_CASE("a leg that gives no credit back stays behind and holds nobody, then catches up alone", "[REQ-029]") {
  Bench bench(2);
  const std::string large = "\"" + std::string(3 << 20, 'x') + "\"";
  for (int i = 0; i < 12; ++i) {
    bench.push({large});
    bench.settle();
    bench.give_back(0);
  }
  CHECK(bench.values(0).size() == 12);
  CHECK(bench.values(1).size() == 3);  // 8 MiB of credit
  const int runs = Only::runs;
  for (int i = 0; i < 12; ++i) bench.give_back(1);
  CHECK(bench.values(1).size() == 12);
  CHECK(Only::runs > runs);
  CHECK(bench.values(0) == bench.values(1));
  CHECK(bench.queue->depth_bytes() == 0);
}

TEST_CASE("each leg gets its end after everything else, once the feed is dry", "[REQ-173]") {
  Bench bench(2);
  bench.push({"1"});
  bench.runner->drain();
  bench.settle();
  for (size_t leg = 0; leg < 2; ++leg) {
    REQUIRE(bench.items[leg].size() == 2);
    CHECK_FALSE(bench.items[leg][0].end);
    CHECK(bench.items[leg][1].end);
  }
}

TEST_CASE("a failed event becomes a dead letter of the first leg only, as it entered the chain") {
  Bench bench(2);
  bench.push({"1", "\"bad\"", "2"});
  bench.settle();
  CHECK(bench.values(0) == std::vector<std::string>{"1", "2"});
  REQUIRE(bench.items[0][0].dead != nullptr);
  CHECK(bench.items[0][0].dead->size() == 1);
  CHECK(std::string(bench.items[0][0].dead->value(0)).find("\"event\":\"bad\"") != std::string::npos);
  CHECK(bench.items[1][0].dead == nullptr);
}

TEST_CASE("legs that resume at different positions see different parts, and no dead letter twice", "[REQ-008]") {
  Bench bench(2, {2, 3});
  bench.push({"0", "\"bad\"", "2", "3"});
  bench.push({"4"});
  bench.settle();
  CHECK(bench.values(0) == std::vector<std::string>{"2", "3", "4"});
  CHECK(bench.values(1) == std::vector<std::string>{"3", "4"});
  CHECK(bench.items[0][0].dead == nullptr);
}

TEST_CASE("a dead letter is counted once, however often the stages run over its event", "[REQ-021][REQ-111]") {
  Bench bench(2, {0, 1});  // two runs: the legs see different parts
  bench.push({"0", "\"bad\"", "2"});
  bench.settle();
  CHECK(Only::runs == 2);
  REQUIRE(bench.items[0][0].dead != nullptr);
  CHECK(bench.items[0][0].dead->size() == 1);
  CHECK(bench.letters.counts().value(ErrorCode::kInvalidInput) == 1);
  CHECK(bench.letters.counts().total() == 1);
}

TEST_CASE("a stage's time is measured, once per batch", "[REQ-111]") {
  Bench bench(1);
  bench.push({"0", "1", "2"});
  bench.push({"3"});
  bench.settle();
  CHECK(bench.counters.duration.count() == 2);
  CHECK(bench.counters.duration.sum_seconds() == Approx(0.004));
}

TEST_CASE("dead letters take of a leg's credit, also where no event is left", "[REQ-029]") {
  Bench bench(1);
  const std::string large = "\"bad" + std::string(3 << 20, 'x') + "\"";
  for (int i = 0; i < 12; ++i) bench.push({large});
  bench.settle();
  CHECK(bench.items[0].size() == 3);  // 8 MiB of credit
  for (int i = 0; i < 12; ++i) bench.give_back(0);
  CHECK(bench.items[0].size() == 12);
}

TEST_CASE("events refused at the door are skipped by their own places when a leg resumes", "[REQ-008]") {
  // What the door made of one body: refused at 3 and 6, an event at 5.
  const auto push = [](Bench& bench) {
    BatchBuilder refused;
    refused.add("\"at 3\"", {}, {.offset_delta = 0});
    refused.add("\"at 6\"", {}, {.offset_delta = 3});
    bench.queue->push({.batch = batch_of({"5"}, 5),
                       .refused = refused.seal(test_origin(), 3),
                       .next_position = 8,
                       .cursor = "c"});
    bench.settle();
  };
  const auto letters = [](const Bench& bench) {
    std::vector<std::string> out;
    const auto& dead = bench.items[0].at(0).dead;
    for (size_t i = 0; dead != nullptr && i < dead->size(); ++i) out.emplace_back(dead->value(i));
    return out;
  };
  const std::vector<std::pair<int64_t, std::vector<std::string>>> cases = {
      {0, {"\"at 3\"", "\"at 6\""}}, {3, {"\"at 3\"", "\"at 6\""}}, {5, {"\"at 6\""}}, {7, {}}};
  for (const auto& [skip_below, expected] : cases) {
    INFO("resumed at " << skip_below);
    Bench bench(1, {skip_below});
    push(bench);
    CHECK(letters(bench) == expected);
    CHECK(bench.values(0).size() == (skip_below <= 5 ? 1 : 0));
  }
}

TEST_CASE("what a leg has is not delivered to it again, so that its position never goes back", "[REQ-008]") {
  Bench bench(2, {0, 5});
  for (int i = 0; i < 8; i += 2) bench.push({std::to_string(i), std::to_string(i + 1)});
  bench.settle();
  CHECK(bench.values(0).size() == 8);
  CHECK(bench.items[0].size() == 4);
  REQUIRE(bench.items[1].size() == 2);
  CHECK(bench.items[1].front().next_position == 6);
  CHECK(bench.values(1) == std::vector<std::string>{"5", "6", "7"});
  CHECK(bench.queue->depth_bytes() == 0);
}

TEST_CASE("a leg that stands back skips what it has, also after another leg has passed that", "[REQ-008][REQ-029]") {
  Bench bench(2, {0, 11});
  const std::string large = "\"" + std::string(9 << 20, 'x') + "\"";
  // Leg 1 has no credit left when it has got the end of the first item: the others it does not ask for yet.
  std::vector<std::string> texts(12, "\"small\"");
  texts[11] = large;
  bench.push(texts);
  for (int i = 0; i < 3; ++i) {
    bench.push({large});
    bench.settle();
    bench.give_back(0);
  }
  CHECK(bench.values(1).size() == 1);
  for (int i = 0; i < 4; ++i) bench.give_back(1);
  CHECK(bench.values(1).size() == 4);
}

TEST_CASE("a source without cursor has nothing to skip, whatever was committed under its name") {
  Bench bench(1, {1'000'000});
  bench.queue->push({.batch = batch_of({"1"}, 0), .next_position = 0, .cursor = {}});
  bench.settle();
  CHECK(bench.values(0) == std::vector<std::string>{"1"});
}

TEST_CASE("what can't be read is tried again, and nothing is lost by it") {
  Bench bench(2);
  bench.push({"1"});
  bench.settle();
  bench.read_error = Error{ErrorCode::kUnavailable, "no descriptor", true};
  bench.push({"2"});
  bench.settle();
  for (int i = 0; i < 5; ++i) {
    bench.clock.advance_ms(1000);
    bench.settle();
  }
  CHECK(bench.values(0) == std::vector<std::string>{"1"});
  CHECK(bench.runner->obstacle() == "no descriptor");
  bench.read_error.reset();
  bench.clock.advance_ms(1000);
  bench.settle();
  for (size_t leg = 0; leg < 2; ++leg) CHECK(bench.values(leg) == std::vector<std::string>{"1", "2"});
  CHECK_FALSE(bench.failure);
  CHECK(bench.runner->obstacle().empty());
  // Closed while it waits.
  bench.read_error = Error{ErrorCode::kUnavailable, "no descriptor", true};
  bench.push({"3"});
  bench.settle();
}

TEST_CASE("what can never be read ends the runner") {
  Bench bench(1);
  bench.read_error = Error{ErrorCode::kCorrupt, "damaged", false};
  bench.push({"1"});
  bench.settle();
  REQUIRE(bench.failure);
  CHECK(bench.failure->code == ErrorCode::kCorrupt);
}

TEST_CASE("after close nothing is delivered") {
  Bench bench(1);
  bool closed = false;
  bench.runner->close([&] { closed = true; });
  bench.push({"1"});
  bench.settle();
  CHECK(closed);
  CHECK(bench.items[0].empty());
}

TEST_CASE("a stage that is to stop the pipeline does so too where nobody would keep a letter", "[REQ-023]") {
  ManualClock clock;
  for (const bool keeps_letters : {true, false}) {
    std::vector<StageChain::Link> links;
    links.push_back({.name = "all",
                     .stage = std::make_unique<Only>([](const std::string&) { return true; }),
                     .then = config::FailureAction::kStop});
    StageChain chain(std::move(links), false, clock);
    BatchBuilder dead;
    chain.run(batch_of({"1", "2"}), keeps_letters ? &dead : nullptr);
    CHECK_FALSE(chain.stopped());
    chain.run(batch_of({"3", "\"bad\"", "4"}, 2), keeps_letters ? &dead : nullptr);
    REQUIRE(chain.stopped());
    CHECK(chain.stopped()->message.find("orders.tagtagta-0-3") != std::string::npos);
    CHECK(dead.empty());
  }
}
