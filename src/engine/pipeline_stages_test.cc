// Pipelines with asynchronous stages on one thread, over the in-memory log, with a seed that chooses what moves
// next: run to their end, crashed at random moments again and again, and replayed.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "engine/pipeline.h"
#include "engine/plan_data.h"
#include "engine/replay.h"
#include "engine/test_world.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

constexpr char kAsking[] =
    "name: p\nsources: [{numbers: {}}]\n"
    "stages: [{picky: {}}, {name: first, ask: {}}, {picky: {}}, {name: second, ask: {}}]\n"
    "sinks:\n  - {name: all, disk: {}}\n  - {name: odd, when: ['==', 1, ['%', [$input, /n], 2]], disk: {}}\n";

std::vector<std::string> answered(int total) {
  std::vector<std::string> out;
  for (const std::string& line : expected(total, true)) {
    const int n = std::stoi(line.substr(5));
    if (n % 13 != 0 && n % 5 != 0) out.push_back(line);
  }
  return out;
}

// Of what picky lets through, each once.
size_t refused(int total) {
  size_t count = 0;
  for (int n = 1'000'000; n < 1'000'000 + total; ++n) {
    if (n % 11 == 0 || (n % 7 != 0 && n % 13 == 0)) ++count;
  }
  return count;
}

std::vector<std::string> ids(log::Log& log, const std::string& stream) {
  std::vector<std::string> out;
  auto reader = *log.read(*log.open_stream({.name = stream, .partitions = 0}), 0, 0, false);
  while (const auto batch = *reader->next()) {
    for (size_t i = 0; i < batch->size(); ++i) out.push_back(batch->id(i));
  }
  return out;
}

std::string run_and_say(const std::string& text) {
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 1);
  ConfigProblems problems;
  CHECK(world.plan(text, problems) == nullptr);
  for (const auto& problem : problems) UNSCOPED_INFO(problem.describe());
  REQUIRE(problems.size() == 1);
  REQUIRE(world.log->close());
  return problems[0].message;
}

}  // namespace

TEST_CASE("an asynchronous stage ends its leg in a stream, and the sinks go on from there", "[REQ-009][REQ-019]") {
  Disk disk;
  run_with_crashes(
      kAsking, 1, 0, disk,
      [](World& world) {
        CHECK(stored(*world.log, "p.dead").size() == refused(400));
        CHECK(stored(*world.log, "p.second") == answered(400));
        const std::vector<std::string> first = ids(*world.log, "p.first");
        const std::vector<std::string> second = ids(*world.log, "p.second");
        REQUIRE(first.size() == second.size());
        const std::string tag =
            world.log->stream_info(*world.log->open_stream({.name = "p", .partitions = 0}))->tag;
        for (size_t i = 0; i < first.size(); ++i) {
          CHECK(first[i].rfind("p." + tag + "-0-", 0) == 0);
          CHECK(second[i].rfind(first[i], 0) == 0);
        }
        CHECK(std::set<std::string>(second.begin(), second.end()).size() == second.size());
        const auto health = world.pipeline->health();
        CHECK(std::any_of(health.begin(), health.end(), [](const auto& h) { return h.name == "stage first"; }));
      },
      400);
  CHECK(disk["all"] == answered(400));
  CHECK(disk["odd"] == odd(answered(400)));
}

TEST_CASE("crashed at any moment, asynchronous stages lose, repeat and disorder nothing", "[REQ-008][REQ-174]") {
  int crashed = 0;
  constexpr int kEvents = 600;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    crashed += run_with_crashes(
        kAsking, seed, 12, disk,
        [](World& world) { REQUIRE(stored(*world.log, "p.dead").size() == refused(kEvents)); }, kEvents, 400);
    REQUIRE(disk["all"] == answered(kEvents));
    REQUIRE(disk["odd"] == odd(answered(kEvents)));
  }
  CHECK(crashed > 150);
}

TEST_CASE("crashed at any moment, asynchronous stages keep the order of every partition", "[REQ-008][REQ-009]") {
  constexpr int kEvents = 600;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    run_with_crashes(
        std::string(kAsking) + "log: {partitions: 3, partition_by: ['%', [$input, /n], 7]}\n", seed, 12, disk,
        [](World&) {}, kEvents, 400);
    REQUIRE(disk["all"].size() == answered(kEvents).size());
    std::map<int, std::string> last;
    for (const std::string& line : disk["all"]) {
      const int key = std::stoi(line.substr(5)) % 7;
      REQUIRE(last[key] < line);
      last[key] = line;
    }
  }
}

namespace {

std::shared_ptr<Replay> replay_of(World& world, const std::string& name) {
  auto replay = std::make_shared<Replay>();
  replay->generation = "again";
  replay->stream = name;
  const log::StreamId stream = *world.log->open_stream({.name = name, .partitions = 1});
  replay->spans = {{0, 0, world.log->stream_info(stream)->partitions[0].next_offset}};
  replay->open = [&log = *world.log, stream](int32_t partition, int64_t from) {
    return log.read(stream, partition, from, true);
  };
  return replay;
}

struct ReplayRun {
  ReplayRun(World& in_world, const std::string& text, const std::shared_ptr<Replay>& replay) : world(in_world) {
    Environment environment = world.environment();
    environment.replay = replay;
    pipeline = world.create(text, environment);
    REQUIRE(pipeline->start([this] { finished = true; }, [this](Error error) { failure = error; }));
  }
  bool step(int steps) {
    for (int i = 0; i < steps && !finished && !failure; ++i) world.step();
    if (failure) FAIL(failure->describe());
    return finished;
  }
  World& world;
  std::unique_ptr<Pipeline> pipeline;
  bool finished = false;
  std::optional<Error> failure;
};

constexpr char kCopies[] =
    "name: q\nsources: [{numbers: {}}]\n"
    "stages: [{picky: {}}, {name: first, ask: {}}, {picky: {}}, {name: second, ask: {}}]\n"
    "sinks:\n  - {name: copy, disk: {}}\n  - {name: odds, when: ['==', 1, ['%', [$input, /n], 2]], disk: {}}\n";

}  // namespace

TEST_CASE("a replay goes through asynchronous stages, and goes on where it was interrupted", "[REQ-007]") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    auto storage = log::make_fake_storage();
    constexpr int kEvents = 300;
    run_with_crashes(
        kAsking, seed, 0, disk, [](World&) {}, kEvents);
    static std::vector<std::unique_ptr<World>>& graveyard = *new std::vector<std::unique_ptr<World>>();
    {
      World filling(seed, storage, disk, kEvents);
      disk.clear();
      filling.start(kAsking);
      for (int i = 0; i < 2'000'000 && !filling.finished; ++i) filling.step();
      REQUIRE(filling.finished);
      filling.close();
    }
    for (int life = 0; life < 8; ++life) {
      auto world = std::make_unique<World>(seed * 50 + static_cast<uint64_t>(life), storage, disk, kEvents);
      auto replay = replay_of(*world, "p");
      replay->resumed = life > 0 && restore_replay(*world->log, "q", *replay).has_value();
      ReplayRun run(*world, kCopies, replay);
      if (run.step(life == 7 ? 3'000'000 : 700)) {
        world->close(run.pipeline, 0);
        REQUIRE(world->log->close());
        break;
      }
      REQUIRE(life < 7);
      static_cast<void>(run.pipeline.release());
      graveyard.push_back(std::move(world));
    }
    REQUIRE(disk["copy"] == answered(kEvents));
    REQUIRE(disk["odds"] == odd(answered(kEvents)));
  }
}

TEST_CASE("an event has the same id in a replay, whatever stages it went through", "[REQ-007]") {
  Disk disk;
  auto world = std::make_unique<World>(5, log::make_fake_storage(), disk, 200);
  world->start(kAsking);
  for (int i = 0; i < 2'000'000 && !world->finished; ++i) world->step();
  REQUIRE(world->finished);
  const std::vector<std::string> live = world->ids["all"];
  REQUIRE(live.size() == answered(200).size());
  const std::string other = std::string(kCopies).replace(0, 7, "name: p");
  ReplayRun run(*world, other, replay_of(*world, "p"));
  REQUIRE(run.step(2'000'000));
  world->close(run.pipeline, 0);
  CHECK(world->ids["copy"] == live);
  world->close();
}

TEST_CASE("a replay of a stage's stream begins behind the stage", "[REQ-007]") {
  Disk disk;
  auto world = std::make_unique<World>(3, log::make_fake_storage(), disk, 200);
  world->start(kAsking);
  for (int i = 0; i < 2'000'000 && !world->finished; ++i) world->step();
  REQUIRE(world->finished);
  const std::string other = std::string(kCopies).replace(0, 7, "name: p");
  ReplayRun run(*world, other, replay_of(*world, "p.second"));
  REQUIRE(run.step(2'000'000));
  const auto progress = run.pipeline->replay_progress();
  CHECK(progress.read == answered(200).size());
  const auto health = run.pipeline->health();
  CHECK(std::none_of(health.begin(), health.end(), [](const auto& h) { return h.name.rfind("stage", 0) == 0; }));
  world->close(run.pipeline, 0);
  CHECK(disk["copy"] == answered(200));
  world->close();
}

TEST_CASE("a stage that is put into a pipeline asks about nothing that the sinks have") {
  Disk disk;
  auto storage = log::make_fake_storage();
  const auto run = [&](const std::string& text, int total) {
    World world(9, storage, disk, total);
    world.start(text);
    for (int i = 0; i < 2'000'000 && !world.finished; ++i) world.step();
    REQUIRE(world.finished);
    world.close();
  };
  const std::string head = "name: p\nsources: [{numbers: {}}]\n";
  const std::string tail = "sinks: [{name: all, disk: {}}]\n";
  run(head + tail, 100);
  REQUIRE(disk["all"].size() == 100);
  run(head + "stages: [{name: first, ask: {}}]\n" + tail, 200);
  std::vector<std::string> wanted;
  for (int i = 0; i < 100; ++i) wanted.push_back(number_event(i));
  for (int i = 100; i < 200; ++i) {
    if ((1'000'000 + i) % 13 != 0 && (1'000'000 + i) % 5 != 0) wanted.push_back(number_event(i));
  }
  CHECK(disk["all"] == wanted);

  // Taken out, or called otherwise, it is missed.
  for (const std::string& stages : {std::string(), std::string("stages: [{name: other, ask: {}}]\n")}) {
    World world(9, storage, disk, 200);
    ConfigProblems problems;
    const auto plan = world.plan(head + stages + tail, problems);
    REQUIRE(plan != nullptr);
    const auto created = Pipeline::create(plan, world.environment());
    REQUIRE_FALSE(created);
    CHECK(created.error().message.find("has read the stream 'p.first'") != std::string::npos);
    CHECK(created.error().message.find("colloquium log forget p/all") != std::string::npos);
    REQUIRE(world.log->close());
  }
}

TEST_CASE("what an asynchronous stage can't be is refused before anything starts") {
  const auto stages = [](const std::string& text) {
    return "name: p\nsources: [{numbers: {}}]\nstages: " + text + "\nsinks: [{name: all, disk: {}}]\n";
  };
  CHECK(run_and_say(stages("[{ask: {}}]")) ==
        "stage ask needs a name: what it makes is kept in the stream 'p.<name>'");
  CHECK(run_and_say(stages("[{name: calls, ask: {}}]")).find("with the records of calls to models") !=
        std::string::npos);
  CHECK(run_and_say(stages("[{name: all, ask: {}}]")).find("would commit under one name") != std::string::npos);
  CHECK(run_and_say(stages("[{name: first, ask: {}}]") + "log: off\n") ==
        "stage first needs the log, which keeps what it makes; remove 'log: off'");
}

TEST_CASE("validate --explain names the legs of asynchronous stages") {
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 1);
  ConfigProblems problems;
  const auto plan = world.plan(kAsking, problems);
  REQUIRE(plan != nullptr);
  const std::string text = plan->explain();
  CHECK(text.find("leg p/first: stream p -> picky -> first (ask) -> stream p.first\n") != std::string::npos);
  CHECK(text.find("leg p/second: stream p.first -> picky-2 -> second (ask) -> stream p.second\n") !=
        std::string::npos);
  CHECK(text.find("leg p/all: stream p.second -> sink all (disk)\n") != std::string::npos);
  REQUIRE(world.log->close());
}
