#include "app/pipeline_set.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "loop/test_loop.h"

namespace colloquium::app {
namespace {

// What a fake pipeline is told and was told; outlives it.
struct Script {
  bool start_fails = false;
  bool closes_at_once = true;
  int starts = 0;
  int stops = 0;
  int64_t deadline_ms = -1;
  bool healthy = true;
  engine::PipelineOutcome outcome;
  Task finished;
  UniqueFunction<void(Error)> failed;
  Task closed;
  bool destroyed = false;
};

class FakePipeline final : public engine::Pipeline {
 public:
  explicit FakePipeline(Script& script) : script_(script) {}
  ~FakePipeline() override { script_.destroyed = true; }

  Status start(Task finished, UniqueFunction<void(Error)> failed) override {
    ++script_.starts;
    if (script_.start_fails) return fail(ErrorCode::kNotFound, "no such file");
    script_.finished = std::move(finished);
    script_.failed = std::move(failed);
    return {};
  }
  void stop(int64_t deadline_ms, Task closed) override {
    ++script_.stops;
    script_.deadline_ms = deadline_ms;
    script_.closed = std::move(closed);
    if (script_.closes_at_once) script_.closed();
  }
  bool ready() const override { return script_.starts > 0; }
  std::vector<engine::ComponentHealth> health() const override {
    return {{"sink all", script_.healthy, script_.healthy ? "" : "refused"}};
  }
  engine::PipelineOutcome outcome() const override { return script_.outcome; }

 private:
  Script& script_;
};

struct Fixture {
  ManualClock clock;
  loop::TestLoop loop{clock};
  Script one, two;
  int done = 0;
  std::optional<Error> failure;
  PipelineSet set{loop, 30'000, [this](std::optional<Error> error) {
                    ++done;
                    failure = std::move(error);
                  }};

  Fixture() {
    set.add("one", std::make_unique<FakePipeline>(one));
    set.add("two", std::make_unique<FakePipeline>(two));
  }
};

TEST_CASE("stop drains every pipeline to the deadline; done comes once, when the last is closed") {
  Fixture f;
  f.two.closes_at_once = false;
  REQUIRE(f.set.start().has_value());
  f.set.stop();
  f.set.stop();
  f.loop.run_until_idle();
  CHECK(f.one.stops == 1);
  CHECK(f.one.deadline_ms == 30'000);
  CHECK(f.one.destroyed);
  CHECK(f.done == 0);
  f.two.closed();
  f.loop.run_until_idle();
  CHECK(f.two.destroyed);
  CHECK(f.done == 1);
  CHECK_FALSE(f.failure.has_value());
}

TEST_CASE("a pipeline that finishes is closed while the other goes on") {
  Fixture f;
  REQUIRE(f.set.start().has_value());
  f.one.finished();
  f.loop.run_until_idle();
  CHECK(f.one.destroyed);
  CHECK(f.two.stops == 0);
  CHECK(f.done == 0);
  f.two.finished();
  f.loop.run_until_idle();
  CHECK(f.done == 1);
  CHECK_FALSE(f.failure.has_value());
}

TEST_CASE("a source that was not read to its end, and events that nothing keeps, are failures") {
  const auto ends_with = [](const engine::PipelineOutcome& outcome) {
    Fixture f;
    f.one.outcome = outcome;
    REQUIRE(f.set.start().has_value());
    f.one.finished();
    f.two.finished();
    f.loop.run_until_idle();
    CHECK(f.done == 1);
    return f.failure ? f.failure->message : std::string("none");
  };
  CHECK(ends_with({}) == "none");
  CHECK(ends_with({.dead_letters = 3, .dead_stream = "one.dead"}) == "none");
  CHECK(ends_with({.given_up = 1}) == "1 event was lost: given up, and with log: off nothing keeps them");
  CHECK(ends_with({.left_behind = 7}) ==
        "7 events were lost: not written in time, and with log: off nothing keeps them");
  CHECK(ends_with({.source_error = Error{ErrorCode::kIo, "cannot read"}}) == "cannot read");
}

TEST_CASE("events left behind by a stop are a failure; those that were given up before it are not") {
  Fixture f;
  f.one.outcome.given_up = 5;
  REQUIRE(f.set.start().has_value());
  f.set.stop();
  f.loop.run_until_idle();
  CHECK_FALSE(f.failure.has_value());
  Fixture g;
  g.two.outcome.left_behind = 2;
  REQUIRE(g.set.start().has_value());
  g.set.stop();
  g.loop.run_until_idle();
  REQUIRE(g.failure.has_value());
  CHECK(g.failure->message.starts_with("2 events were lost"));
}

TEST_CASE("a stop that comes between finishing and closing does not stop a pipeline twice") {
  Fixture f;
  REQUIRE(f.set.start().has_value());
  f.one.finished();
  f.set.stop();
  f.loop.run_until_idle();
  CHECK(f.one.stops == 1);
  CHECK(f.done == 1);
}

TEST_CASE("a pipeline that fails is closed, shows in the health, and its error is the result") {
  Fixture f;
  REQUIRE(f.set.start().has_value());
  f.one.failed(Error{ErrorCode::kNoSpace, "the disk is full"});
  f.loop.run_until_idle();
  CHECK(f.one.stops == 1);
  CHECK(f.one.deadline_ms == 0);
  CHECK(f.done == 0);
  const auto health = f.set.health();
  CHECK(health[0].status == admin::HealthStatus::kFailed);
  CHECK(health[0].detail == "the disk is full");
  f.set.stop();
  f.loop.run_until_idle();
  REQUIRE(f.failure.has_value());
  CHECK(f.failure->code == ErrorCode::kNoSpace);
}

TEST_CASE("if one cannot start, all are closed without draining, and nothing later is started") {
  Fixture f;
  f.one.start_fails = true;
  const Status started = f.set.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().message == "no such file");
  f.loop.run_until_idle();
  CHECK(f.two.starts == 0);
  CHECK(f.one.stops == 1);
  CHECK(f.two.stops == 1);
  // Told apart from a drain whose time is over: nothing was to run, so nothing is to be said of a rest.
  CHECK(f.two.deadline_ms < 0);
  CHECK(f.done == 1);
  CHECK_FALSE(f.failure.has_value());
}

TEST_CASE("stopping a set without pipelines is done too") {
  ManualClock clock;
  loop::TestLoop loop(clock);
  int done = 0;
  PipelineSet set(loop, 1000, [&done](std::optional<Error>) { ++done; });
  set.stop();
  set.stop();
  loop.run_until_idle();
  CHECK(done == 1);
}

TEST_CASE("health tells what starts, works, retries and stops [REQ-118]") {
  Fixture f;
  f.two.healthy = false;
  f.two.closes_at_once = false;
  CHECK(f.set.health()[0].status == admin::HealthStatus::kStarting);
  REQUIRE(f.set.start().has_value());
  auto health = f.set.health();
  REQUIRE(health.size() == 4);
  CHECK(health[0].name == "pipeline one");
  CHECK(health[0].status == admin::HealthStatus::kOk);
  CHECK(health[3].name == "two: sink all");
  CHECK(health[3].status == admin::HealthStatus::kDegraded);
  CHECK(health[3].detail == "refused");
  CHECK(admin::Health::is_ready(health));
  f.set.stop();
  f.loop.run_until_idle();
  health = f.set.health();
  CHECK_FALSE(admin::Health::is_ready(health));
  f.two.closed();
  f.loop.run_until_idle();
  CHECK(f.done == 1);
}

}  // namespace
}  // namespace colloquium::app
