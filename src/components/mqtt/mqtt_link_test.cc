#include "components/mqtt/mqtt_link.h"

#include <catch2/catch.hpp>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "components/mqtt/mqtt_sink.h"
#include "components/mqtt/mqtt_source.h"
#include "config/yaml.h"
#include "loop/uv_loop.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

// Nobody listens on port 1 of this machine.
const std::string kNobody = "{url: \"mqtt://127.0.0.1:1\", reconnect: {initial: 10ms, max: 10ms}, ";

class Fixture {
 public:
  Fixture() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
    services.provide<Executor>(&executor);
  }
  ~Fixture() {
    loop->close();
    set_log_writer(nullptr);
  }

  ParsedConfig parse(const Descriptor& descriptor, const std::string& yaml) {
    ConfigProblems problems;
    const auto node = config::load_yaml(yaml, "p.yaml", problems);
    REQUIRE(node);
    ParsedConfig config = descriptor.parse(*node, problems);
    REQUIRE(problems.empty());
    return config;
  }
  std::unique_ptr<Source> source(const std::string& yaml) {
    SourceContext context{{*loop, clock, random, services, "p", "in", ""},
                          intake,
                          false,
                          [] {},
                          [this](const Error& error) { failure = error.message; }};
    return mqtt_source().create_source(parse(mqtt_source(), yaml), std::move(context)).value();
  }
  std::unique_ptr<Sink> sink(const std::string& yaml) {
    return mqtt_sink()
        .create_sink(parse(mqtt_sink(), yaml), {*loop, clock, random, services, "p", "out", ""})
        .value();
  }
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop->run();
  }
  template <class Component>
  void close(Component& component) {
    bool closed = false;
    component.close([&closed] { closed = true; });
    CHECK_FALSE(closed);
    run_until([&closed] { return closed; });
  }

  std::string log;
  std::string failure;
  SystemClock clock;
  SeededRandom random{1};
  Services services;
  ThreadExecutor executor;
  std::unique_ptr<loop::UvLoop> loop = loop::UvLoop::create(executor).value();
  FakeIntake intake{*loop};

 private:
  void look_again(std::function<bool()> done) {
    timer_ = loop->start_timer(1, [this, done] {
      const auto fired = std::move(timer_);
      if (done()) return loop->stop();
      look_again(done);
    });
  }
  std::unique_ptr<Timer> timer_;
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("what was made and never started may go, or be closed first") {
  Fixture f;
  f.source(kNobody + "topics: [a]}");
  f.sink(kNobody + "topic: a}");
  const auto source = f.source(kNobody + "topics: [a]}");
  f.close(*source);
  const auto sink = f.sink(kNobody + "topic: a}");
  f.close(*sink);
}

TEST_CASE("a broker that is not there is tried again, and the wait for it ends with the source", "[REQ-003]") {
  Fixture f;
  const auto source = f.source(kNobody + "topics: [a]}");
  REQUIRE(source->start(""));
  f.run_until([&] { return count(f.log, "tried again: connecting to mqtt://127.0.0.1:1: no connection") >= 3; });
  CHECK(f.failure.empty());
  source->stop_intake();
  f.close(*source);
}

TEST_CASE("of several addresses the next one is tried") {
  Fixture f;
  const auto source = f.source(
      "{url: \"mqtt://127.0.0.1:1,mqtt://127.0.0.1:2\", reconnect: {initial: 10ms, max: 10ms}, topics: [a]}");
  REQUIRE(source->start(""));
  f.run_until([&] { return count(f.log, "127.0.0.1:1: no connection") >= 2; });
  CHECK(count(f.log, "127.0.0.1:2: no connection") >= 1);
  f.close(*source);
}

TEST_CASE("while the pipeline takes nothing, the source stays away from the broker") {
  Fixture f;
  f.intake.set_ready(false);
  const auto source = f.source(kNobody + "topics: [a]}");
  REQUIRE(source->start(""));
  CHECK(count(f.log, "tried again") == 0);
  f.intake.set_ready(true);
  f.run_until([&] { return count(f.log, "tried again") >= 1; });
  f.close(*source);
}

TEST_CASE("without a connection a sink's events are written again later") {
  Fixture f;
  const auto sink = f.sink(kNobody + "topic: a}");
  REQUIRE(sink->start());
  BatchBuilder builder;
  builder.add("1", {}, {});
  std::vector<EventOutcome> outcomes;
  sink->write(builder.seal(std::make_shared<BatchOrigin>(), 0),
              [&outcomes](std::vector<EventOutcome> all) { outcomes = std::move(all); });
  f.run_until([&] { return !outcomes.empty(); });
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK_FALSE(outcomes[0].is_attempt);
  CHECK_FALSE(sink->broken());
  f.close(*sink);
}

TEST_CASE("names that are made up are unlike each other and short enough for every broker") {
  SeededRandom random{7};
  const std::string one = random_client_id(random);
  CHECK(one.size() == 23);
  CHECK(one != random_client_id(random));
}

}  // namespace
}  // namespace colloquium::components
