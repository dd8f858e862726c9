#include "ai/call_records.h"

#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/fake_log.h"
#include "log/segment_log.h"
#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

CallRecord record(RecordKind kind, const std::string& call, int64_t event, int64_t cost = 0) {
  CallRecord record;
  record.kind = kind;
  record.tags.call = call;
  record.tags.who = "stage";
  record.tags.event = AiEvent{"e" + std::to_string(event), "in-0", event};
  record.tags.provider = "one";
  record.tags.model = "m";
  record.tags.reserved = {100};
  record.tags.at_ms = 1'700'000'000'000;
  record.cost = {cost};
  record.content.text = "answer " + call;
  return record;
}
io::Digest128 key(int64_t event) {
  return event_key("stage", {"e" + std::to_string(event), "in-0", event}, {});
}

struct Scene {
  explicit Scene(std::shared_ptr<log::FakeStorage> storage, uint64_t seed = 1) : executor(seed, clock) {
    log::FakeLogOptions options;
    options.seed = seed;
    options.storage = std::move(storage);
    log = std::make_unique<log::FakeLog>(executor, clock, std::move(options));
  }
  void open(CallRecordsOptions options = {.records = "p", .replay_of = {}}) {
    recovered.cacheable = [this](CallRecord answer) { cacheable.push_back(std::move(answer)); };
    auto created = CallRecords::create(options, log.get(), loop, clock, recovered);
    if (!created) FAIL(created.error().describe());
    records = std::move(*created);
  }
  void run() {
    while (executor.run_until_idle() + loop.run_until_idle() > 0) {
    }
  }
  void intent(const std::string& call, int64_t event) {
    records->intents({record(RecordKind::kIntent, call, event)}, [](const Status& status) { CHECK(status); });
    run();
  }
  void end(RecordKind kind, const std::string& call, int64_t event, int64_t cost) {
    Records all;
    all.push_back(record(kind, call, event, cost));
    records->end(std::move(all), [](const Status& status) { CHECK(status); });
    run();
  }
  void commit() {
    loop.advance(1100);
    run();
  }
  void close() {
    bool closed = false;
    records->close([&closed] { closed = true; });
    run();
    REQUIRE(closed);
    records.reset();
  }
  ManualClock clock{1'700'000'100'000};
  SimExecutor executor;
  loop::TestLoop loop{clock};
  std::unique_ptr<log::FakeLog> log;
  CallRecords::Recovered recovered;
  Records cacheable;
  std::unique_ptr<CallRecords> records;
};

TEST_CASE("a loss of power takes along no place of a batch that may have been made by then") {
  ManualClock clock{1'700'000'100'000};
  SimExecutor executor(1, clock);
  loop::TestLoop loop{clock};
  SeededRandom random(1);
  io::MemoryFileSystem files;
  const auto open = [&] {
    log::LogOptions options;
    options.directory = "data";
    options.files = &files;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    auto log = log::SegmentLog::open(std::move(options));
    REQUIRE(log);
    return std::move(*log);
  };
  const auto records_of = [&](log::Log& log, CallRecords::Recovered& recovered) {
    auto created = CallRecords::create({.records = "p", .replay_of = {}}, &log, loop, clock, recovered);
    REQUIRE(created);
    return std::move(*created);
  };
  auto log = open();
  CallRecords::Recovered nothing;
  auto records = records_of(*log, nothing);
  CallRecord intent = record(RecordKind::kIntent, "a", 1);
  intent.tags.batch = "b";
  CallRecord place = record(RecordKind::kBatch, "b", 0);
  place.tags.event.reset();
  place.place.step = AiBatchStep::kCreate;
  records->intents({intent}, [](const Status& status) { CHECK(status); });
  bool placed = false;
  records->place(place, [&placed](const Status& status) { placed = bool(status); });
  while (!placed && executor.run_until_idle() + loop.run_until_idle() > 0) {
  }
  REQUIRE(placed);
  records.reset();
  log.reset();
  files.crash(nullptr);

  log = open();
  CallRecords::Recovered recovered;
  records = records_of(*log, recovered);
  CHECK(recovered.unsent.empty());
  REQUIRE(recovered.batches.size() == 1);
  CHECK(recovered.batches[0].calls.size() == 1);
  records.reset();
  REQUIRE(log->close());
}

TEST_CASE("sums and position are exact together, wherever the process ends") {
  const auto storage = log::make_fake_storage();
  Scene first(storage);
  first.open();
  first.intent("a", 1);
  first.end(RecordKind::kAnswer, "a", 1, 7);
  first.intent("b", 2);
  first.commit();
  const int64_t position = first.log->leg_state("p/@ai")->positions.front().next_offset;
  CHECK(position == first.records->position());
  first.end(RecordKind::kFailure, "b", 2, 3);  // behind what is committed
  first.intent("c", 3);

  Scene second(storage, 2);
  second.open();
  CHECK(second.records->ledger().total().settled == NanoUsd{10});
  CHECK(second.records->ledger().total().calls == 2);
  REQUIRE(second.recovered.unknown.size() == 1);
  CHECK(second.recovered.unknown[0].tags.call == "c");
  CHECK(second.records->find(key(1)));
  CHECK_FALSE(second.records->find(key(2)));
  CHECK(second.records->find(key(3))->unknown);
  CHECK(second.records->position() == position);
  second.records->settle("stage", "in-0", 4);
  CHECK_FALSE(second.records->find(key(3)));
  second.end(RecordKind::kUnknown, "c", 3, 0);
  CHECK(second.records->ledger().total().unknown == NanoUsd{100});
  CHECK(second.records->position() > position);
  second.close();

  Scene third(storage, 3);
  third.open();
  CHECK(third.recovered.unknown.empty());
  CHECK(third.records->ledger().total().settled == NanoUsd{10});
  CHECK(third.records->ledger().total().unknown == NanoUsd{100});
  CHECK_FALSE(third.records->find(key(1)));
  third.close();
  first.close();
}

TEST_CASE("an answer is read again from its place") {
  Scene scene(log::make_fake_storage());
  scene.open();
  for (int64_t i = 0; i < 5; ++i) {
    scene.intent("c" + std::to_string(i), i);
    scene.end(RecordKind::kAnswer, "c" + std::to_string(i), i, 1);
  }
  std::string text;
  scene.records->read(*scene.records->find(key(3)),
                      [&text](Result<CallRecord> found) { text = found->content.text; });
  scene.run();
  CHECK(text == "answer c3");
  scene.loop.set_offload_capacity(0);
  std::optional<Error> error;
  scene.records->read(*scene.records->find(key(3)), [&error](Result<CallRecord> found) { error = found.error(); });
  scene.run();
  REQUIRE(error);
  CHECK(error->retryable);
  scene.close();
}

TEST_CASE("retention leaves what a restart needs", "[REQ-085]") {
  const auto storage = log::make_fake_storage();
  Scene scene(storage);
  scene.open({.records = "p", .replay_of = {}, .retention_ms = 1000});
  for (int64_t i = 0; i < 5; ++i) {
    scene.intent("c" + std::to_string(i), i);
    scene.end(RecordKind::kAnswer, "c" + std::to_string(i), i, 1);
  }
  scene.records->settle("stage", "in-0", 2);
  scene.commit();
  scene.loop.advance(10'000);
  scene.log->apply_retention([](const Status&) {});
  scene.run();
  CHECK(scene.log->stats().removed_segments == 5);  // of the first two calls, and the third one's intent
  scene.close();
  Scene again(storage, 2);
  again.open();
  for (int64_t i = 2; i < 5; ++i) CHECK(again.records->find(key(i)));
  CHECK(again.records->ledger().total().calls == 5);
  again.close();
}

TEST_CASE("answers of the last while are told for the cache, also below the position") {
  const auto storage = log::make_fake_storage();
  Scene first(storage);
  first.open();
  for (const int64_t event : {1, 2}) {
    first.intent("c" + std::to_string(event), event);
    CallRecord answer = record(RecordKind::kAnswer, "c" + std::to_string(event), event, 1);
    answer.cache = CacheMark{{1, static_cast<uint64_t>(event)}, first.clock.wall_ms() + 5000 * event};
    Records all;
    all.push_back(std::move(answer));
    first.records->end(std::move(all), [](const Status&) {});
    first.run();
  }
  first.records->settle("stage", "in-0", 3);
  first.close();
  Scene second(storage, 2);
  second.clock.set_wall_ms(first.clock.wall_ms() + 6000);
  second.open({.records = "p", .replay_of = {}, .cache_ttl_max_ms = 20'000});
  REQUIRE(second.cacheable.size() == 1);
  CHECK(second.cacheable[0].cache->key == io::Digest128{1, 2});
  CHECK_FALSE(second.records->find(key(2)));
  CHECK(second.records->ledger().total().calls == 2);
  second.close();
}

TEST_CASE("what a stage has left that is gone holds nothing back") {
  const auto storage = log::make_fake_storage();
  Scene first(storage);
  first.open();
  first.intent("a", 1);
  first.end(RecordKind::kAnswer, "a", 1, 7);
  first.intent("b", 2);
  first.commit();
  Scene second(storage, 2);
  second.open({.records = "p", .replay_of = {}, .askers = {"another"}});
  CHECK_FALSE(second.records->find(key(1)));
  CHECK_FALSE(second.records->find(key(2)));
  CHECK(second.recovered.unknown.size() == 1);
  second.end(RecordKind::kUnknown, "b", 2, 0);
  CHECK(second.records->ledger().total().calls == 2);
  const auto info = second.log->stream_info(*second.log->open_stream({.name = "p.calls", .retention = {}}));
  CHECK(second.records->position() == info->partitions[0].next_offset);
  second.close();
  first.close();
}

TEST_CASE("a commit that the disk has no room for is made later") {
  Scene scene(log::make_fake_storage());
  scene.open();
  scene.log->set_commits_full(true);
  scene.intent("a", 1);
  scene.end(RecordKind::kAnswer, "a", 1, 7);
  scene.commit();
  CHECK_FALSE(scene.log->leg_state("p/@ai"));
  scene.log->set_commits_full(false);
  scene.commit();
  CHECK(scene.log->leg_state("p/@ai"));
  scene.close();
}

TEST_CASE("what cannot be read keeps it from starting") {
  Scene scene(log::make_fake_storage());
  log::StreamSpec spec;
  spec.name = "p.calls";
  const auto stream = *scene.log->open_stream(spec);
  BatchBuilder builder;
  builder.add("{}", {}, {});
  scene.log->append(
      stream, 0, *log::encode(builder.seal(std::make_shared<const BatchOrigin>(), 0), log::Codec::kNone, nullptr),
      log::AckLevel::kDurable, [](const Result<log::AppendResult>&) {});
  scene.run();
  const auto created = CallRecords::create({.records = "p", .replay_of = {}}, scene.log.get(), scene.loop,
                                           scene.clock, scene.recovered);
  REQUIRE_FALSE(created);
  CHECK(created.error().code == ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace colloquium::ai
