#include "components/exec/exec_source.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "components/exec/exec_fixture_test.h"
#include "config/yaml.h"
#include "metrics/registry.h"
#include "tests/fake_intake.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

ParsedConfig parsed(const std::string& yaml, ConfigProblems& problems) {
  const auto node = config::load_yaml("exec: " + yaml, "p.yaml", problems);
  REQUIRE(node);
  return exec_source().parse(*node->find("exec"), problems);
}

class Fixture : public ExecLoop {
 public:
  explicit Fixture(const std::string& yaml, const std::string& base_dir = "") {
    services.provide<loop::UvLoop>(loop.get());
    services.provide(&registry);
    ConfigProblems problems;
    const ParsedConfig config = parsed(yaml, problems);
    REQUIRE(problems.empty());
    SourceContext context{{*loop, clock, random, services, "p", "in", base_dir},
                          intake,
                          false,
                          [this] { finished = true; },
                          [this](Error error) { failure = error.message; }};
    source = exec_source().create_source(config, std::move(context)).value();
  }
  ~Fixture() { close(); }
  void close() {
    if (!source) return;
    bool closed = false;
    source->close([&] { closed = true; });
    CHECK_FALSE(closed);
    run_until([&] { return closed; });
    source.reset();
  }

  SystemClock clock;
  SeededRandom random{1};
  Services services;
  metrics::Registry registry;
  FakeIntake intake{*loop};
  std::unique_ptr<Source> source;
  bool finished = false;
  std::string failure;
};

TEST_CASE("a program's lines come in, its last words with them, and its clean end is the source's") {
  Fixture f(R"({command: [sh, -c, "echo 1; echo '{\"a\":2}'; echo why >&2; printf 3"]})");
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.finished; });
  CHECK(f.intake.accepted == "1\n{\"a\":2}\n3");
  CHECK(f.logged("why"));
  CHECK(f.failure.empty());
}

TEST_CASE("a program that fails is started again, and half a line is none") {
  const TemporaryDirectory folder;
  Fixture f(R"({command: [sh, -c, "if [ -e seen ]; then echo 2; else touch seen; echo 1; printf 9; exit 4; fi"],
               restart: {initial: 1ms}})",
            folder.path());
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.finished; });
  CHECK(f.intake.accepted == "1\n2\n");
  CHECK(f.logged("exit status 4"));
  CHECK(f.logged("left out"));
}

TEST_CASE("positions rise over all children") {
  Fixture f("{command: [echo, '17'], restart: {policy: always, initial: 1ms}}");
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.intake.emitted.size() >= 3; });
  for (size_t i = 0; i < 3; ++i) CHECK(f.intake.emitted[i].position == static_cast<int64_t>(3 * i));
  CHECK_FALSE(f.finished);
}

TEST_CASE("with restart: never a failure ends the run") {
  Fixture f("{command: [sh, -c, 'echo 1; exit 5'], restart: never}");
  REQUIRE(f.source->start(""));
  f.run_until([&] { return !f.failure.empty(); });
  CHECK_THAT(f.failure, Catch::Contains("exit status 5"));
  CHECK(f.intake.accepted == "1\n");
  CHECK_FALSE(f.finished);
}

TEST_CASE("a program that is not there is told at the start") {
  Fixture f("{command: [./no-such-program]}");
  const Status started = f.source->start("");
  REQUIRE_FALSE(started);
  CHECK_THAT(started.error().message, Catch::Contains("no-such-program"));
}

TEST_CASE("while the door is shut the program has to wait") {
  const TemporaryDirectory folder;
  Fixture f("{command: [sh, -c, 'yes 1 | head -n 1000000; touch over']}", folder.path());
  f.intake.set_ready(false);
  REQUIRE(f.source->start(""));
  int turns = 0;
  f.run_until([&] { return ++turns > 50; });
  CHECK(f.intake.emitted.empty());
  CHECK(::access((folder.path() + "/over").c_str(), F_OK) != 0);
  f.intake.set_ready(true);
  f.run_until([&] { return f.finished; });
  CHECK(f.intake.accepted.size() == 2'000'000);
}

TEST_CASE("with overflow the program need not wait, and the newest lines stay") {
  Fixture f("{command: [seq, '1', '200000'], overflow: {policy: drop_old, buffer: 128KiB}}");
  f.intake.set_ready(false);
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.logged("old events are dropped"); });
  f.intake.set_ready(true);
  f.run_until([&] { return f.finished; });
  CHECK(f.intake.accepted.ends_with("199999\n200000\n"));
  const auto accepted = std::count(f.intake.accepted.begin(), f.intake.accepted.end(), '\n');
  CHECK_THAT(f.registry.text(),
             Catch::Contains("reason=\"drop_old\"} " + std::to_string(200'000 - accepted) + "\n"));
}

TEST_CASE("what the door turned away is offered again before the next") {
  Fixture f("{command: [seq, '1', '100000']}");
  f.intake.hold();
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.refuse(ErrorCode::kUnavailable, 5);
  f.run_until([&] { return f.intake.under_way() == 1; });
  CHECK(*f.intake.emitted[0].body == *f.intake.emitted[1].body);
  f.run_until([&] {
    if (f.intake.under_way() > 0) f.intake.accept();
    return f.finished;
  });
  CHECK(f.intake.accepted.starts_with("1\n2\n"));
  CHECK(f.intake.accepted.ends_with("99999\n100000\n"));
  CHECK(f.intake.accepted.size() == 588'895);
}

TEST_CASE("a program that does not listen to SIGTERM is killed after stop_timeout") {
  Fixture f("{command: [sh, -c, \"trap '' TERM; echo 1; while :; do sleep 600; done\"], stop_timeout: 20ms}");
  REQUIRE(f.source->start(""));
  f.run_until([&] { return !f.intake.accepted.empty(); });
  f.source->stop_intake();
  const size_t before = f.intake.emitted.size();
  f.close();
  CHECK(f.intake.emitted.size() == before);
}

TEST_CASE("a program that is told to end has its last words, however long the door takes") {
  Fixture f(R"({command: [sh, -c, "trap 'echo 3; echo 4; printf 5; exit 0' TERM; echo 1; echo 2; while :; do sleep 0.01; done"]})");
  f.intake.set_ready(false);
  REQUIRE(f.source->start(""));
  int turns = 0;
  f.run_until([&] { return ++turns > 20; });
  f.source->stop_intake();
  bool offered = false;
  f.source->when_offered([&] { offered = true; });
  turns = 0;
  f.run_until([&] { return ++turns > 20; });
  CHECK_FALSE(offered);
  f.intake.set_ready(true);
  f.run_until([&] { return offered; });
  CHECK(f.intake.accepted == "1\n2\n3\n4\n");
  CHECK(f.logged("left out"));  // nobody knows whether the last one is whole
  f.close();
  CHECK(f.intake.accepted == "1\n2\n3\n4\n");
}

TEST_CASE("what a program said and nobody took is counted when the source closes") {
  Fixture f("{command: [sh, -c, 'echo 1; echo 2; echo 3; exec sleep 600']}");
  f.intake.set_ready(false);
  REQUIRE(f.source->start(""));
  f.run_until([&] { return f.registry.text().find("reason=\"stop\"} 0\n") != std::string::npos; });
  int turns = 0;
  f.run_until([&] { return ++turns > 50; });
  f.source->stop_intake();
  bool closed = false;
  f.source->close([&] { closed = true; });
  f.run_until([&] { return closed; });
  CHECK(f.intake.emitted.empty());
  CHECK_THAT(f.registry.text(), Catch::Contains("reason=\"stop\"} 3\n"));
  f.source.reset();
}

TEST_CASE("settings that make no sense are told") {
  ConfigProblems problems;
  parsed("{command: []}", problems);
  CHECK(problems.size() == 1);
  parsed("{command: ['']}", problems);
  REQUIRE(problems.size() == 2);
  CHECK_THAT(problems[1].message, Catch::Contains("name of a program"));
  problems.clear();
  CHECK(exec_source().source_traits(parsed("{command: [a]}", problems)).finite);
  CHECK_FALSE(exec_source().source_traits(parsed("{command: [a], restart: always}", problems)).finite);
  CHECK(problems.empty());
}

}  // namespace
}  // namespace colloquium::components
