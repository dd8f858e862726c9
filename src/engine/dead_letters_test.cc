#include "engine/dead_letters.h"

#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "engine/dead_letter.h"
#include "engine/test_support.h"
#include "log/fake_log.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

// A stream of three partitions, its letters, and a commit that can be told to fail.
struct Bench {
  Bench() {
    events = *log.open_stream({.name = "orders", .partitions = 3});
    letters = *log.open_stream({.name = "orders.dead", .partitions = 1});
    marks = *log.open_stream({.name = marks_stream("orders.dead"), .partitions = 1});
    target.stream = {events, "orders", 3};
    target.find = [this](const std::string& name) -> Result<LetterTarget::Stream> {
      if (name != "orders.triage") return fail(ErrorCode::kNotFound, "there is no stream '" + name + "'");
      return LetterTarget::Stream{*log.open_stream({.name = name, .partitions = 2}), name, 2};
    };
    target.marks = marks;
    target.leg = "dead/orders.dead";
  }
  ~Bench() { REQUIRE(log.close()); }

  // `text` empty: bytes that were no JSON.
  void keep(const std::string& text, const std::string& stage, const std::string& sink,
            std::optional<std::string_view> key = {}, int64_t time_ms = 1, std::string_view stream = {}) {
    BatchBuilder builder;
    const std::string position = "orders.tagtagta-0-" + std::to_string(kept++);
    builder.add(dead_letter_json({.event = text.empty() ? "\xff" : std::string_view(text),
                                  .is_json = !text.empty(),
                                  .error = "no " + text,
                                  .stage = stage,
                                  .sink = sink,
                                  .stream = stream,
                                  .attempts = 3,
                                  .position = position}),
                {}, {.key = key, .timestamp_ms = time_ms});
    auto encoded = log::encode(builder.seal(test_origin(), 0), log::Codec::kNone, nullptr);
    log.append(letters, 0, std::move(*encoded), log::AckLevel::kDurable,
               [](const auto& result) { REQUIRE(result); });
    executor.run_until_idle();
  }
  LetterReader reader() {
    auto made = LetterReader::open(*log.read(letters, 0, 0, false), *log.read(marks, 0, 0, false));
    REQUIRE(made);
    return std::move(*made);
  }
  LettersDone replay(const LetterFilter& filter = {}) {
    auto all = reader();
    const auto done = replay_letters(all, filter, target, commit());
    REQUIRE(done);
    return *done;
  }
  CommitAndWait commit() {
    return [this](log::CommitRequest request) {
      Status committed;
      log.commit(std::move(request), [&](Status status) { committed = std::move(status); });
      executor.run_until_idle();
      return committed;
    };
  }
  std::vector<std::shared_ptr<const Batch>> put_back() {
    std::vector<std::shared_ptr<const Batch>> all;
    for (int32_t p = 0; p < 3; ++p) {
      auto reader = *log.read(events, p, 0, false);
      while (auto batch = *reader->next()) all.push_back(std::move(batch));
    }
    return all;
  }
  std::vector<std::string> states() {
    std::vector<std::string> all;
    auto open = reader();
    Letter letter;
    while (*open.next(letter)) all.emplace_back(to_string(letter.state));
    return all;
  }

  ManualClock clock;
  SimExecutor executor{1, clock};
  log::FakeLog log{executor, clock};
  log::StreamId events = 0, letters = 0, marks = 0;
  LetterTarget target;
  int kept = 0;
};

}  // namespace

TEST_CASE("letters are put back once, with key and time, and say so", "[REQ-021]") {
  Bench bench;
  bench.keep("{\"a\":  1}", "clean", "", "k", 77);
  bench.keep("2", "clean", "");
  CHECK(bench.replay().events == 2);
  CHECK(bench.replay().events == 0);
  CHECK(bench.states() == std::vector<std::string>{"replayed", "replayed"});
  size_t events = 0;
  for (const auto& batch : bench.put_back()) {
    CHECK_FALSE(leg_of(*batch));
    for (size_t i = 0; i < batch->size(); ++i, ++events) {
      if (batch->value(i) != "{\"a\":  1}") continue;
      CHECK(batch->key(i) == "k");
      CHECK(batch->entry(i).timestamp_ms == 77);
    }
  }
  CHECK(events == 2);
}

TEST_CASE("a sink's letter is put back for that sink alone", "[REQ-021]") {
  Bench bench;
  bench.keep("1", "a", "a", "k");
  bench.keep("2", "b", "b", "k");
  bench.keep("3", "a", "a", "k");
  CHECK(bench.replay().events == 3);
  std::vector<std::string> found;
  for (const auto& batch : bench.put_back()) {
    REQUIRE(leg_of(*batch));
    const auto plain = without_leg(*batch);
    CHECK_FALSE(leg_of(*plain));
    REQUIRE(plain->size() == batch->size());
    for (size_t i = 0; i < plain->size(); ++i) {
      CHECK(plain->key(i) == "k");
      CHECK(plain->offset(i) == batch->offset(i));
      found.push_back(std::string(*leg_of(*batch)) + std::string(plain->value(i)));
    }
  }
  CHECK(found == std::vector<std::string>{"a1", "a3", "b2"});
}

TEST_CASE("what was read behind a stage is put back behind it", "[REQ-021]") {
  Bench bench;
  bench.keep("1", "a", "a", "k", 1, "orders.triage");
  bench.keep("2", "late", "", "k", 1, "orders.triage");
  bench.keep("3", "clean", "", "k");
  // Of another pipeline, whose stages are not this one's.
  bench.keep("4", "late", "", "k", 1, "other.triage");
  CHECK(bench.replay().events == 4);
  std::vector<std::string> own;
  for (const auto& batch : bench.put_back()) {
    for (size_t i = 0; i < batch->size(); ++i) own.emplace_back(batch->value(i));
  }
  CHECK(own == std::vector<std::string>{"3", "4"});
  std::vector<std::string> behind;
  const auto stream = bench.target.find("orders.triage")->id;
  for (int32_t p = 0; p < 2; ++p) {
    auto reader = *bench.log.read(stream, p, 0, false);
    while (const auto batch = *reader->next()) {
      behind.push_back(std::string(leg_of(*batch).value_or("-")) + std::string(batch->value(0)));
    }
  }
  std::sort(behind.begin(), behind.end());
  CHECK(behind == std::vector<std::string>{"-2", "a1"});
  bench.keep("5", "late", "", "k", 1, "orders.gone");
  bench.keep("6", "clean", "", "k");
  const LettersDone rest = bench.replay();
  CHECK(rest.events == 1);
  CHECK(rest.left == 1);
}

TEST_CASE("only what a filter names is put back or dropped", "[REQ-021]") {
  Bench bench;
  bench.keep("1", "clean", "", {}, 10);
  bench.keep("2", "http", "http", {}, 20);
  bench.keep("3", "http", "http", {}, 30);
  bench.keep("4", "http", "http", {}, 40);
  CHECK(bench.replay({.ids = {"orders.tagtagta-0-3"}}).events == 1);
  CHECK(bench.replay({.stage = "clean", .error = "no 2"}).events == 0);
  CHECK(bench.replay({.error = "no 1", .before_ms = 10}).events == 0);
  CHECK(bench.replay({.error = "no 1", .since_ms = 10, .before_ms = 11}).events == 1);
  auto rest = bench.reader();
  const auto dropped = drop_letters(rest, {.ids = {"orders.tagtagta-0-1"}}, bench.target, bench.commit());
  REQUIRE(dropped);
  CHECK(dropped->events == 1);
  CHECK(bench.states() == std::vector<std::string>{"replayed", "dropped", "open", "replayed"});
  CHECK(bench.replay().events == 1);
}

TEST_CASE("what was no JSON can't be put back, and can be dropped", "[REQ-021]") {
  Bench bench;
  bench.keep("", "hook", "");
  const LettersDone done = bench.replay();
  CHECK(done.events == 0);
  CHECK(done.left == 1);
  auto all = bench.reader();
  CHECK(drop_letters(all, {}, bench.target, bench.commit())->events == 1);
  CHECK(bench.states() == std::vector<std::string>{"dropped"});
}

TEST_CASE("many letters are put back by several commits, and a failed one leaves the rest open", "[REQ-021]") {
  Bench bench;
  for (int i = 0; i < 2500; ++i) bench.keep(std::to_string(i), "clean", "");
  int commits = 0;
  auto all = bench.reader();
  const auto failed = replay_letters(all, {}, bench.target, [&](log::CommitRequest request) -> Status {
    if (++commits == 2) return fail(ErrorCode::kNoSpace, "full");
    return bench.commit()(std::move(request));
  });
  CHECK_FALSE(failed);
  CHECK(bench.replay().events == 1500);
  size_t events = 0;
  for (const auto& batch : bench.put_back()) events += batch->size();
  CHECK(events == 2500);
}

TEST_CASE("letters that come while others are put back are left for the next time", "[REQ-021]") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.keep(std::to_string(i), "clean", "");
  auto letters = *bench.log.read(bench.letters, 0, 0, false);
  const int64_t end = bench.log.stream_info(bench.letters)->partitions[0].next_offset;
  auto all = LetterReader::open(std::move(letters), nullptr, end);
  REQUIRE(all);
  for (int i = 0; i < 3; ++i) bench.keep(std::to_string(i), "clean", "");
  const auto done = replay_letters(*all, {}, bench.target, bench.commit());
  REQUIRE(done);
  CHECK(done->events == 3);
  CHECK(bench.replay().events == 3);
}

TEST_CASE("a tombstone is put back as one", "[REQ-021]") {
  Bench bench;
  for (const std::string sink : {"", "table"}) {
    BatchBuilder failed, letter;
    failed.add_tombstone({.key = "k"});
    add_dead_letter(*failed.seal(test_origin(), 0), 0, Error{ErrorCode::kInvalidInput, "no", false, {}}, "table",
                    sink, 1, letter);
    auto encoded = log::encode(letter.seal(test_origin(), 0), log::Codec::kNone, nullptr);
    bench.log.append(bench.letters, 0, std::move(*encoded), log::AckLevel::kDurable, [](const auto&) {});
    bench.executor.run_until_idle();
  }
  CHECK(bench.replay().events == 2);
  size_t tombstones = 0;
  for (const auto& batch : bench.put_back()) {
    const auto plain = without_leg(*batch);
    for (size_t i = 0; i < plain->size(); ++i) tombstones += plain->is_tombstone(i) && plain->key(i) == "k";
  }
  CHECK(tombstones == 2);
}

TEST_CASE("what is no letter among the letters is told with its place") {
  Bench bench;
  BatchBuilder builder;
  builder.add("[1]", {}, {});
  auto encoded = log::encode(builder.seal(test_origin(), 0), log::Codec::kNone, nullptr);
  bench.log.append(bench.letters, 0, std::move(*encoded), log::AckLevel::kDurable, [](const auto&) {});
  bench.executor.run_until_idle();
  auto all = bench.reader();
  Letter letter;
  const auto found = all.next(letter);
  REQUIRE_FALSE(found);
  CHECK(found.error().message.find("is no dead letter") != std::string::npos);
}
