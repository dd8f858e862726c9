#include "components/kafka/group_progress.h"

#include <catch2/catch.hpp>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "loop/test_loop.h"

namespace colloquium::components {
namespace {

class StoredIntake final : public Intake {
 public:
  void emit(RawBatch, AckFn) override {}
  bool ready() const override { return true; }
  void when_ready(Task) override {}
  Intake& part(const std::string&) override { return *this; }
  std::string stored_cursor() const override { return stored; }

  std::string stored;
};

// A source with one partition, which has read offsets 0 to 2 as one run.
class Scene {
 public:
  Scene() {
    set_log_level(LogLevel::kOff);
    partition.intake = &intake;
    partition.ours = true;
    for (int64_t offset = 0; offset < 3; ++offset) REQUIRE_FALSE(partition.part.add(offset, {}));
    REQUIRE(partition.part.cut());
  }
  ~Scene() { set_log_level(LogLevel::kInfo); }

  void accept() { (void)partition.part.acknowledged(partition.part.last_run(), true); }
  std::vector<int64_t> untold() const {
    std::vector<int64_t> offsets;
    for (const TopicPartition& one : progress.untold()) offsets.push_back(one.offset);
    return offsets;
  }
  void answer(Status status) {
    REQUIRE(done);
    std::exchange(done, nullptr)(std::move(status));
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  Services services;
  ComponentContext context{loop, clock, random, services, "p", "in", ""};
  StoredIntake intake;
  SourcePartitions partitions;
  SourcePartition& partition = partitions.try_emplace(PartitionPlace("t", 0), "t-0").first->second;
  int calls = 0;  // that wait for the brokers
  std::vector<std::string> told;
  UniqueFunction<void(Status)> done;
  GroupProgress progress{
      context,
      partitions,
      {.on_thread =
           [this](std::function<Status(GroupConsumer&)>, UniqueFunction<void(Status)> when_done) {
             ++calls;
             done = std::move(when_done);
           },
       .tell = [this](const Error& error) { told.push_back(error.message); }}};
};

using Offsets = std::vector<int64_t>;
const std::vector<TopicPartition> kAll{{"t", 0}};

TEST_CASE("the group is told of what is accepted and stored, once", "[REQ-017]") {
  Scene scene;
  CHECK(scene.untold().empty());
  scene.accept();
  CHECK(scene.untold().empty());
  // Without a log: what the sinks have, which may be less.
  scene.intake.stored = "2";
  CHECK(scene.untold() == Offsets{2});
  scene.intake.stored = "3";
  CHECK(scene.untold() == Offsets{3});
  scene.progress.commit();
  scene.progress.commit();
  CHECK(scene.calls == 1);
  scene.answer(fail(ErrorCode::kUnavailable, "nobody there"));
  CHECK(scene.told == std::vector<std::string>{"nobody there"});
  CHECK(scene.untold() == Offsets{3});
  scene.progress.commit();
  scene.answer({});
  CHECK(scene.untold().empty());
  CHECK(scene.progress.commits().value() == 1);
  scene.progress.commit();
  CHECK(scene.calls == 2);
}

TEST_CASE("a partition is given up once all that was read of it is accepted and stored", "[REQ-017]") {
  Scene scene;
  scene.progress.give_up(kAll, false);
  CHECK(scene.progress.ours().empty());
  CHECK(scene.progress.gives_up());
  scene.accept();
  scene.progress.look();
  CHECK(scene.calls == 0);
  scene.loop.advance(100);
  CHECK(scene.calls == 0);
  // Nobody tells of this.
  scene.intake.stored = "3";
  scene.loop.advance(100);
  CHECK(scene.calls == 1);
  CHECK_FALSE(scene.progress.gives_up());
  scene.loop.advance(20'000);
  CHECK(scene.calls == 1);
}

TEST_CASE("the group does not wait without end for what is given up, and what comes later counts no more") {
  Scene scene;
  scene.progress.give_up(kAll, false);
  scene.loop.advance(9'000);
  CHECK(scene.calls == 0);
  scene.loop.advance(2'000);
  CHECK(scene.calls == 1);
  scene.intake.stored = "3";
  scene.accept();
  CHECK_FALSE(scene.partition.part.accepted());
}

TEST_CASE(
    "a partition of which nothing was read is given up at once, also when it was to be read from the start") {
  Scene scene;
  scene.partition.part.begin(PartCursor{0, 100});
  scene.intake.stored = "50";
  scene.progress.give_up(kAll, false);
  CHECK(scene.calls == 1);
}

TEST_CASE("a source that stops waits for nothing that it gives up") {
  Scene scene;
  scene.progress.give_up(kAll, true);
  scene.progress.stop();
  CHECK_FALSE(scene.progress.gives_up());
  scene.loop.advance(20'000);
  CHECK(scene.calls == 0);
}

}  // namespace
}  // namespace colloquium::components
