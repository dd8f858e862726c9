// A whole pipeline on one thread, over the in-memory log, with a seed that chooses what moves next: run to its
// end, and crashed at random moments again and again.
#include "engine/pipeline.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "engine/test_world.h"

using namespace colloquium;
using namespace colloquium::engine;

TEST_CASE("a finite pipeline runs to its end: every sink has what is meant for it, in order",
          "[REQ-009][REQ-019]") {
  Disk disk;
  run_with_crashes(
      kTwoSinks, 1, 0, disk, [](World& world) { CHECK(stored(*world.log, "p.dead").size() == 18); }, 200);
  CHECK(disk["all"] == expected(200, true));
  CHECK(disk["odd"] == odd(expected(200, true)));
}

constexpr int kTotal = 1500;
constexpr size_t kDead = 136;  // those that eleven divides

TEST_CASE("crashed at any moment, a logged pipeline loses and repeats nothing", "[REQ-008][REQ-174]") {
  int crashed = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    crashed += run_with_crashes(
        kTwoSinks, seed, 12, disk,
        [](World& world) {
          REQUIRE(stored(*world.log, "p").size() == kTotal);
          REQUIRE(stored(*world.log, "p.dead").size() == kDead);
        },
        kTotal);
    REQUIRE(disk["all"] == expected(kTotal, true));
    REQUIRE(disk["odd"] == odd(expected(kTotal, true)));
  }
  CHECK(crashed > 150);
}

TEST_CASE("crashed at any moment, a pipeline without log loses and repeats nothing either", "[REQ-008][REQ-174]") {
  int crashed = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    crashed += run_with_crashes(
        std::string(kTwoSinks) + "log: off\n", seed, 12, disk,
        [](World& world) { REQUIRE(stored(*world.log, "p.dead").size() == kDead); }, kTotal, 100);
    REQUIRE(disk["all"] == expected(kTotal, true));
    REQUIRE(disk["odd"] == odd(expected(kTotal, true)));
  }
  CHECK(crashed > 150);
}

TEST_CASE("crashed at any moment, several partitions keep their order and their events", "[REQ-008][REQ-009]") {
  int crashed = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Disk disk;
    crashed += run_with_crashes(
        std::string(kTwoSinks) + "log: {partitions: 3, partition_by: ['%', [$input, /n], 5]}\n", seed, 12, disk,
        [](World&) {}, kTotal);
    REQUIRE(disk["all"].size() == expected(kTotal, true).size());
    std::map<int, std::string> last;
    std::set<std::string> seen;
    for (const std::string& line : disk["all"]) {
      REQUIRE(seen.insert(line).second);
      const int key = std::stoi(line.substr(5)) % 5;
      REQUIRE(last[key] < line);
      last[key] = line;
    }
  }
  CHECK(crashed > 150);
}

TEST_CASE("another run of a finished pipeline writes nothing again") {
  Disk disk;
  auto storage = log::make_fake_storage();
  for (int life = 0; life < 2; ++life) {
    World world(7 + static_cast<uint64_t>(life), storage, disk, 100);
    world.start(kTwoSinks);
    for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
    REQUIRE(world.finished);
    world.close();
    CHECK(disk["all"] == expected(100, true));
  }
}

TEST_CASE("a source is told whether an acknowledgement outlives the process") {
  for (const auto& [log, from_memory] : {std::pair("{ack: durable}", false), std::pair("{ack: written}", false),
                                         std::pair("{ack: queued}", true), std::pair("\"off\"", true)}) {
    Disk disk;
    World world(3, log::make_fake_storage(), disk, 10);
    world.start("name: p\nlog: " + std::string(log) +
                "\nsources: [{numbers: {}}]\nsinks: [{name: all, disk: {}}]\n");
    CHECK(world.acks_from_memory == from_memory);
    for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
    REQUIRE(world.finished);
    world.close();
  }
}

TEST_CASE("the door takes events up to the length the source declares") {
  constexpr int64_t kEvent = 13;  // {"n":1000000}
  for (const int64_t longest : {kEvent, kEvent - 1}) {
    Disk disk;
    World world(3, log::make_fake_storage(), disk, 10);
    world.max_event_bytes = longest;
    world.start("name: p\nsources: [{numbers: {}}]\nsinks: [{name: all, disk: {}}]\n");
    for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
    REQUIRE(world.finished);
    CHECK(stored(*world.log, "p.dead").size() == (longest == kEvent ? 0 : 10));
    world.close();
    CHECK(disk["all"].size() == (longest == kEvent ? 10 : 0));
  }
}

TEST_CASE("a plan says its legs and its promises", "[REQ-110]") {
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 1);
  ConfigProblems problems;
  const auto plan = world.plan(kTwoSinks, problems);
  REQUIRE(plan != nullptr);
  const std::string text = plan->explain();
  CHECK(text.find("leg p: source numbers -> stream p (1 partition, lz4, ack durable)") != std::string::npos);
  CHECK(text.find("leg p/odd: stream p -> picky -> when -> sink odd (disk)") != std::string::npos);
  REQUIRE(plan->promises().size() == 2);
  CHECK(plan->promises()[0] == "numbers -> all: exactly once");
  REQUIRE(world.log->close());
}

TEST_CASE("all wrong expressions are reported at once, with their places", "[REQ-094]") {
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 1);
  ConfigProblems problems;
  const auto plan = world.plan(
      "name: p\nlog: {partition_by: [nope, 1]}\nsources: [{numbers: {}}]\n"
      "sinks:\n  - name: a\n    when: ['==', 1]\n    disk: {}\n  - name: b\n    when: [$, /nothing]\n    disk: "
      "{}\n",
      problems);
  CHECK(plan == nullptr);
  std::set<int> lines;
  for (const auto& problem : problems) lines.insert(problem.mark.line);
  CHECK(lines == std::set<int>{2, 6, 9});
  REQUIRE(world.log->close());
}

constexpr char kUnlogged[] = "name: p\nlog: off\nsources: [{numbers: {}}]\nsinks: [{disk: {}}]\n";

TEST_CASE("without a log, events that were given up are counted as kept nowhere") {
  Disk disk;
  World world(3, log::make_fake_storage(), disk, 200);
  world.rereadable = false;
  world.start("name: p\nlog: off\nsources: [{numbers: {}}]\nstages: [{picky: {}}]\nsinks: [{disk: {}}]\n");
  for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
  REQUIRE(world.finished);
  uint64_t elevens = 0;
  for (int n = 1'000'000; n < 1'000'200; ++n) elevens += n % 11 == 0 ? 1 : 0;
  world.close();
  CHECK(world.outcome.given_up == elevens);
  CHECK(world.outcome.dead_letters == 0);
  CHECK(world.outcome.left_behind == 0);
  CHECK(world.outcome.dead_stream.empty());
}

TEST_CASE("without a log, a sink that keeps the progress is told of all it need not keep any more", "[REQ-008]") {
  // Nothing of the one is stored; of the other only how far its sources have come.
  const auto sources = GENERATE(std::string("[{fleeting: {}}]"), std::string("[{fleeting: {}}, {numbers: {}}]"));
  Disk disk;
  World world(5, log::make_fake_storage(), disk, 200);
  world.keeps_progress = true;
  world.start("name: p\nlog: off\nsources: " + sources + "\nsinks: [{disk: {}}]\n");
  for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
  REQUIRE(world.finished);
  world.close();
  const std::string prefix = "disk@progress/";
  size_t partitions = 0;
  for (const auto& [name, next] : disk) {
    if (!name.starts_with(prefix)) continue;
    ++partitions;
    INFO(name);
    CHECK(world.settled[name.substr(prefix.size())] >= std::stoll(next.at(0)));
  }
  CHECK(partitions == (sources.find("numbers") == std::string::npos ? 1 : 2));
  CHECK(world.settled.size() == partitions);
}

TEST_CASE("with dead letters nothing counts as lost") {
  Disk disk;
  World world(4, log::make_fake_storage(), disk, 100);
  world.start("name: p\nsources: [{numbers: {}}]\nstages: [{picky: {}}]\nsinks: [{disk: {}}]\n");
  for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
  world.close();
  CHECK(world.outcome.given_up == 0);
  CHECK(world.outcome.dead_letters == 9);
  CHECK(world.outcome.dead_stream == "p.dead");
}

TEST_CASE("without a log, a stop whose time is over counts exactly the events that are in no sink") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Disk disk;
    World world(seed, log::make_fake_storage(), disk, 100'000);
    world.rereadable = false;
    world.start(kUnlogged);
    for (int i = 0; i < 2'000; ++i) world.step();
    world.close(0);
    CHECK(world.outcome.left_behind > 0);
    CHECK(disk["disk"].size() + world.outcome.left_behind == world.accepted);
  }
  // What can be read again is read again.
  Disk disk;
  World world(1, log::make_fake_storage(), disk, 100'000);
  world.start(kUnlogged);
  for (int i = 0; i < 2'000; ++i) world.step();
  world.close(0);
  CHECK(world.outcome.left_behind == 0);
}

TEST_CASE("a source that cannot read on ends like others, but shows in outcome and health") {
  Disk disk;
  World world(5, log::make_fake_storage(), disk, 50);
  world.source_error = Error{ErrorCode::kIo, "cannot read on", false, {}};
  world.start("name: p\nsources: [{numbers: {}}]\nsinks: [{disk: {}}]\n");
  for (int i = 0; i < 1'000'000 && !world.finished; ++i) world.step();
  REQUIRE(world.finished);
  const auto health = world.pipeline->health();
  CHECK_FALSE(health[0].healthy);
  CHECK(health[0].detail == "cannot read on");
  world.close();
  CHECK(disk["disk"].size() == 50);
  REQUIRE(world.outcome.source_error.has_value());
  CHECK(world.outcome.source_error->message == "cannot read on");
}
