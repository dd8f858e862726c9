// Replays of a pipeline on one thread, with a seed that chooses what moves next: beside the pipeline that writes
// the stream, and crashed at random moments again and again.
#include "engine/replay.h"

#include <catch2/catch.hpp>

#include "engine/replay_pace.h"
#include "engine/test_world.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

// A replay of all that stream p has now.
std::shared_ptr<Replay> replay_of(World& world, const std::string& generation) {
  auto replay = std::make_shared<Replay>();
  replay->generation = generation;
  replay->stream = "p";
  const log::StreamId stream = *world.log->open_stream({.name = "p", .partitions = 1});
  replay->spans = {{0, 0, world.log->stream_info(stream)->partitions[0].next_offset}};
  replay->open = [&log = *world.log, stream](int32_t partition, int64_t from) {
    return log.read(stream, partition, from, true);
  };
  return replay;
}

struct ReplayRun {
  ReplayRun(World& in_world, const std::string& text, std::shared_ptr<const Replay> replay, bool stored = true)
      : world(in_world) {
    Environment environment = world.environment();
    environment.replay = std::move(replay);
    if (!stored) environment.log = nullptr;
    pipeline = world.create(text, environment);
    REQUIRE(pipeline->start([this] { finished = true; }, [this](Error error) { failure = error; }));
  }
  void run() {
    for (int i = 0; i < 2'000'000 && !finished && !failure; ++i) world.step();
    if (failure) FAIL(failure->describe());
    REQUIRE(finished);
  }
  World& world;
  std::unique_ptr<Pipeline> pipeline;
  bool finished = false;
  std::optional<Error> failure;
};

std::unique_ptr<World> filled(uint64_t seed, const std::shared_ptr<log::FakeStorage>& storage, Disk& disk,
                              int total) {
  auto world = std::make_unique<World>(seed, storage, disk, total);
  world->start(kTwoSinks);
  for (int i = 0; i < 2'000'000 && !world->finished; ++i) world->step();
  REQUIRE(world->finished);
  return world;
}

constexpr char kOther[] =
    "name: q\nsources: [{numbers: {}}]\nstages: [{picky: {}}]\nsinks: [{name: copy, disk: {}}]\n";

std::vector<std::string> twice(const std::vector<std::string>& lines) {
  std::vector<std::string> out = lines;
  out.insert(out.end(), lines.begin(), lines.end());
  return out;
}

}  // namespace

TEST_CASE("a replay into another pipeline gives it every event, and leaves the running generation where it is",
          "[REQ-007]") {
  Disk disk;
  auto world = filled(1, log::make_fake_storage(), disk, 300);
  const auto before = world->log->leg_state("p/all");
  REQUIRE(before);
  ReplayRun replay(*world, kOther, replay_of(*world, "one"));
  replay.run();
  const ReplayProgress progress = replay.pipeline->replay_progress();
  CHECK(progress.read == 300);
  CHECK(progress.delivered.at(0).events == expected(300, true).size());
  world->close(replay.pipeline, 0);
  CHECK(world->outcome.dead_letters == 27);
  CHECK(world->outcome.dead_stream == "q.dead");
  CHECK(stored(*world->log, "q.dead").size() == 27);
  CHECK(disk["copy"] == expected(300, true));
  CHECK(disk["all"] == expected(300, true));
  const auto after = world->log->leg_state("p/all");
  REQUIRE(after);
  CHECK(after->positions.at(0).next_offset == before->positions.at(0).next_offset);
  CHECK(after->sink_token == before->sink_token);
  // Nothing of the replay is kept but what its sink's own pipeline has to know.
  CHECK_FALSE(world->log->leg_state("q/copy@replay-one"));
  CHECK_FALSE(world->log->leg_state("q@replay-one"));
  REQUIRE(world->log->leg_state("q/copy"));
  CHECK(world->log->leg_state("q/copy")->positions.empty());
  world->close();
}

TEST_CASE("a replay of a stream that is being written ends where the stream ended when it began", "[REQ-007]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    World world(seed, log::make_fake_storage(), disk, 3000);
    world.start(kTwoSinks);
    for (int i = 0; i < 500; ++i) world.step();
    const auto part = replay_of(world, "busy");
    REQUIRE(part->spans[0].to > 0);
    ReplayRun replay(world, kOther, part);
    replay.run();
    const size_t read = replay.pipeline->replay_progress().read;
    CHECK(read < 3000);
    world.close(replay.pipeline, 0);
    CHECK(disk["copy"] == expected(static_cast<int>(read), true));
    for (int i = 0; i < 2'000'000 && !world.finished; ++i) world.step();
    REQUIRE(world.finished);
    CHECK(disk["all"] == expected(3000, true));
    CHECK(disk["odd"] == odd(expected(3000, true)));
    world.close();
  }
}

TEST_CASE("a replay into the same sinks appends, and the pipeline goes on behind it", "[REQ-007]") {
  Disk disk;
  auto storage = log::make_fake_storage();
  auto world = filled(5, storage, disk, 200);
  world->close(world->pipeline, 0);
  const auto before = world->log->leg_state("p/odd");
  ReplayRun replay(*world, kTwoSinks, replay_of(*world, "same"));
  replay.run();
  world->close(replay.pipeline, 0);
  CHECK(disk["all"] == twice(expected(200, true)));
  CHECK(disk["odd"] == twice(odd(expected(200, true))));
  const auto after = world->log->leg_state("p/odd");
  CHECK(after->positions.at(0).next_offset == before->positions.at(0).next_offset);
  CHECK(after->sink_token == std::to_string(disk["odd"].size()));
  REQUIRE(world->log->close());
  // The running generation finds nothing behind its token that it would cut off.
  World next(6, storage, disk, 200);
  next.start(kTwoSinks);
  for (int i = 0; i < 2'000'000 && !next.finished; ++i) next.step();
  next.close();
  CHECK(disk["all"] == twice(expected(200, true)));
}

TEST_CASE("crashed at any moment and gone on with, a replay gives every event once", "[REQ-007]") {
  static std::vector<std::unique_ptr<World>>& graveyard = *new std::vector<std::unique_ptr<World>>();
  int crashed = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    auto storage = log::make_fake_storage();
    auto world = filled(seed, storage, disk, 600);
    const auto before = world->log->leg_state("p/all");
    world->close();
    SeededRandom chance(seed * 7);
    for (int life = 0;; ++life) {
      world = std::make_unique<World>(seed * 100 + static_cast<uint64_t>(life), storage, disk, 600);
      auto part = replay_of(*world, "again");
      const Status restored = restore_replay(*world->log, "p", *part);
      if (!restored) REQUIRE(restored.error().code == ErrorCode::kNotFound);
      // What is not stored was not begun, or is through: the crash came before that was told.
      if (!restored && disk["all"].size() > expected(600, true).size()) break;
      REQUIRE(part->spans[0].from == 0);
      ReplayRun replay(*world, kTwoSinks, part);
      const uint64_t steps = life == 10 ? 1'000'000 : chance.next() % 40;
      for (uint64_t i = 0; i < steps && !replay.finished && !replay.failure; ++i) world->step();
      if (replay.failure) FAIL(replay.failure->describe());
      if (replay.finished) {
        world->close(replay.pipeline, 0);
        break;
      }
      REQUIRE(life < 10);
      ++crashed;
      world->pipeline = std::move(replay.pipeline);
      graveyard.push_back(std::move(world));
    }
    CHECK(disk["all"] == twice(expected(600, true)));
    CHECK(disk["odd"] == twice(odd(expected(600, true))));
    CHECK(stored(*world->log, "p.dead").size() == 2 * 54);
    CHECK(world->log->leg_state("p/all")->positions.at(0).next_offset == before->positions.at(0).next_offset);
    CHECK_FALSE(world->log->leg_state("p@replay-again"));
    CHECK_FALSE(world->log->leg_state("p/all@replay-again"));
    REQUIRE(world->log->close());
  }
  CHECK(crashed > 60);
}

TEST_CASE("a replay that is stopped commits what it has written, and goes on from there", "[REQ-007]") {
  Disk disk;
  auto world = filled(9, log::make_fake_storage(), disk, 500);
  {
    auto slowly = replay_of(*world, "half");
    slowly->pace = std::make_shared<ReplayPace>(100, 0);
    ReplayRun replay(*world, kOther, slowly);
    while (disk["copy"].empty()) world->step();
    REQUIRE_FALSE(replay.finished);
    world->close(replay.pipeline, 1000);
    CHECK_FALSE(replay.finished);
  }
  const size_t written = disk["copy"].size();
  CHECK(written < expected(500, true).size());
  auto part = replay_of(*world, "half");
  REQUIRE(restore_replay(*world->log, "q", *part));
  ReplayRun replay(*world, kOther, part);
  replay.run();
  CHECK(replay.pipeline->replay_progress().delivered.at(0).events + written == expected(500, true).size());
  world->close(replay.pipeline, 0);
  CHECK(disk["copy"] == expected(500, true));
  world->close();
}

TEST_CASE("a replay without a place to keep its progress tells its dead letters", "[REQ-007]") {
  Disk disk;
  auto world = filled(3, log::make_fake_storage(), disk, 100);
  const size_t dead_before = stored(*world->log, "p.dead").size();
  const log::LogStats before = world->log->stats();
  auto part = replay_of(*world, "bare");
  std::vector<std::string> told;
  part->tell_dead_letter = [&](std::string_view envelope) { told.emplace_back(envelope); };
  ReplayRun replay(*world, kTwoSinks, part, false);
  replay.run();
  world->close(replay.pipeline, 0);
  CHECK(told.size() == 9);
  CHECK(told.at(0).find("eleven") != std::string::npos);
  CHECK(world->outcome.dead_letters == 9);
  CHECK(world->outcome.given_up == 0);
  CHECK(disk["all"] == twice(expected(100, true)));
  CHECK(stored(*world->log, "p.dead").size() == dead_before);
  CHECK(world->log->stats().commits == before.commits);
  world->close();
}

TEST_CASE("what is stored of a replay is read back, and nothing else is taken for it", "[REQ-007]") {
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 1);
  Replay replay;
  replay.generation = "g";
  CHECK(restore_replay(*world.log, "p", replay).error().code == ErrorCode::kNotFound);
  replay.stream = "orders";
  replay.partitions = 4;
  replay.spans = {{0, 5, 9}, {3, 0, 1}};
  for (const bool good : {true, false}) {
    log::CommitRequest request;
    request.leg = replay_leg("p", "g");
    request.sink_token = good ? replay_description(replay) : "1 orders 4 2 0 5";
    bool done = false;
    world.log->commit(std::move(request), [&](Status status) { done = status.has_value(); });
    while (!done) world.step();
    Replay back;
    back.generation = "g";
    const Status restored = restore_replay(*world.log, "p", back);
    REQUIRE(restored.has_value() == good);
    if (!good) CHECK(restored.error().code == ErrorCode::kCorrupt);
    if (good) CHECK(replay_description(back) == replay_description(replay));
    if (good) CHECK(back.resumed);
  }
  REQUIRE(world.log->close());
}
