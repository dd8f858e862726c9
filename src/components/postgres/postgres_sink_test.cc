// PostgresSink where no server answers, and its settings. What a server makes of it:
// tests/acceptance/postgres_test.py.
#include "components/postgres/postgres_sink.h"

#include <catch2/catch.hpp>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "config/yaml.h"
#include "loop/test_loop.h"
#include "tests/silent_port.h"

namespace colloquium::components {
namespace {

ParsedConfig parsed(const std::string& yaml, ConfigProblems& problems) {
  const auto node = config::load_yaml("postgres: " + yaml, "p.yaml", problems);
  REQUIRE(node);
  return postgres_sink().parse(*node->find("postgres"), problems);
}

std::string problems_of(const std::string& yaml) {
  ConfigProblems problems;
  const ParsedConfig config = parsed(yaml, problems);
  postgres_sink().check_scripts(config, {}, problems);
  std::string all;
  for (const ConfigProblem& problem : problems) all += problem.describe() + "\n";
  return all;
}

class Fixture {
 public:
  explicit Fixture(int port, const std::string& more = "") {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
    services.provide<Executor>(&executor);
    ComponentContext context{loop, clock, random, services, "p", "out", "."};
    ConfigProblems problems;
    const ParsedConfig config =
        parsed("{host: 127.0.0.1, port: " + std::to_string(port) +
                   ", user: someone, password: hunter2, table: t, tls: {mode: disable}" + more + "}",
               problems);
    REQUIRE(problems.empty());
    sink = postgres_sink().create_sink(config, context).value();
    REQUIRE(sink->restore(""));
    REQUIRE(sink->start());
  }
  ~Fixture() {
    close();
    set_log_writer(nullptr);
  }
  void recover() {
    sink->progress()->recover("p/out", {"s.abcdefgh-0"}, [this](Result<std::vector<SinkProgress>> progress) {
      recovered = progress ? "progress" : progress.error().describe();
    });
  }
  void close() {
    if (!sink) return;
    bool closed = false;
    sink->close([&] { closed = true; });
    loop.run_until([&] { return closed; });
    sink.reset();
  }

  std::string log;
  ManualClock manual;
  SystemClock clock;
  SeededRandom random{1};
  ThreadExecutor executor;
  Services services;
  loop::TestLoop loop{manual};
  std::unique_ptr<Sink> sink;
  std::string recovered;
};

std::shared_ptr<const Batch> one_event() {
  BatchBuilder builder;
  builder.add("1", {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

TEST_CASE("a server that is not there is waited for, and the sink can be closed meanwhile") {
  const SilentPort port(false);
  Fixture f(port.number());
  f.recover();
  f.loop.run_until([&] { return !f.log.empty(); });
  CHECK(f.recovered.empty());
  CHECK_THAT(f.log, Catch::Contains("refused"));
  // The next attempt is due after a pause.
  const std::string before = f.log;
  f.loop.advance(2000);
  f.loop.run_until([&] { return f.log != before; });
  CHECK_FALSE(f.sink->broken());
  f.close();
  CHECK_THAT(f.recovered, Catch::Contains("being closed"));
  CHECK_THAT(f.log, !Catch::Contains("hunter2"));
}

TEST_CASE("a frozen server does not hold up closing") {
  const SilentPort port(true);
  Fixture f(port.number(), ", connect_timeout: 10m");
  f.recover();
  f.close();
  CHECK_THAT(f.recovered, Catch::Contains("being closed"));
}

TEST_CASE("a frozen server is given up when connect_timeout has passed") {
  const SilentPort port(true);
  Fixture f(port.number(), ", connect_timeout: 100ms");
  f.recover();
  f.loop.run_until([&] { return !f.log.empty(); });
  CHECK_THAT(f.log, Catch::Contains("no answer in time"));
}

TEST_CASE("a write that finds no server is to be tried again, and is no attempt of its events") {
  const SilentPort port(false);
  Fixture f(port.number());
  std::vector<EventOutcome> outcomes;
  f.sink->write(one_event(), [&](std::vector<EventOutcome> got) { outcomes = std::move(got); });
  f.loop.run_until([&] { return !outcomes.empty(); });
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].outcome == Outcome::kRetry);
  CHECK_FALSE(outcomes[0].is_attempt);
  CHECK_THAT(outcomes[0].error.message, Catch::Contains("refused") && !Catch::Contains("hunter2"));
}

TEST_CASE("the sink says what it promises") {
  const SilentPort port(false);
  Fixture f(port.number());
  CHECK(f.sink->guarantee() == Guarantee::kExactlyOnce);
  CHECK(f.sink->progress() != nullptr);
  CHECK_FALSE(f.sink->has_token());
}

TEST_CASE("settings that can't work are refused, and never show a password") {
  CHECK(problems_of("{table: t}").empty());
  CHECK(problems_of("{url: \"postgresql://u:p%40w@h:5432,h2/d?sslmode=require\", table: t}").empty());
  CHECK_THAT(problems_of("{url: \"mysql://u:hunter2@h/d\", table: t}"),
             Catch::Contains("url is no address") && !Catch::Contains("hunter2"));
  CHECK_THAT(problems_of("{url: \"postgresql://u:hunter2@h:port/d?x=y\", table: t}"),
             Catch::Contains("url is no address") && !Catch::Contains("hunter2"));
  CHECK_THAT(problems_of("{table: t, mode: upsert}"), Catch::Contains("needs key"));
  CHECK_THAT(problems_of("{table: t, key: [a]}"), Catch::Contains("add mode: upsert"));
  CHECK_THAT(problems_of("{table: t, mode: upsert, key: [b], columns: {a: =$input}}"),
             Catch::Contains("'b', which is not among columns"));
  CHECK_THAT(problems_of("{table: t, tls: {certificate: c.pem}}"), Catch::Contains("together"));
  CHECK_THAT(problems_of("{table: t, columns: {a: =$inptu}}"), Catch::Contains("inptu"));
  CHECK_THAT(problems_of("{table: t, columns: {a: =nope($input)}}"), Catch::Contains("nope"));
}

TEST_CASE("libpq is told what the settings say, with what was named by itself behind the url") {
  ConfigProblems problems;
  const ParsedConfig config =
      parsed("{url: \"postgresql://u@h/d\", port: 7, tls: {mode: verify-full, ca: ca.pem}, table: t}", problems);
  const PgSettings settings = pg_settings(config_of<PostgresConfig>(config), "/pipelines", "p/out");
  const auto value = [&](const std::string& keyword) {
    std::string found;
    for (const auto& [name, text] : settings) {
      if (name == keyword) found = text;
    }
    return found;
  };
  CHECK(settings.front().first == "dbname");
  CHECK(value("port") == "7");
  CHECK(value("sslmode") == "verify-full");
  CHECK(value("sslrootcert") == "/pipelines/ca.pem");
  CHECK(value("application_name") == "colloquium p/out");
}

}  // namespace
}  // namespace colloquium::components
