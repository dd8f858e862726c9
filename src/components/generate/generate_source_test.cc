#include "components/generate/generate_source.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "config/yaml.h"
#include "loop/test_loop.h"
#include "metrics/registry.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

ParsedConfig parsed(const std::string& yaml, ConfigProblems& problems) {
  const auto node = config::load_yaml("generate: " + yaml, "p.yaml", problems);
  REQUIRE(node);
  return generate_source().parse(*node->find("generate"), problems);
}

class Fixture {
 public:
  explicit Fixture(const std::string& yaml, bool from_start = false) {
    ConfigProblems problems;
    const ParsedConfig config = parsed(yaml, problems);
    REQUIRE(problems.empty());
    services.provide(&registry);
    SourceContext context{
        {loop, clock, random, services, "p", "in", "."}, intake, from_start, [this] { ended = true; }, nullptr};
    source = generate_source().create_source(config, std::move(context)).value();
  }
  ~Fixture() {
    bool closed = false;
    source->close([&] { closed = true; });
    loop.run_until_idle();
    CHECK(closed);
  }
  size_t lines() const {
    return static_cast<size_t>(std::count(intake.accepted.begin(), intake.accepted.end(), '\n'));
  }

  // Value of the only series of that metric.
  uint64_t metric(const std::string& name) const {
    const std::string text = registry.text();
    const size_t at = text.find("\n" + name + "{");
    return at == text.npos ? 0 : std::stoull(text.substr(text.find("} ", at) + 2));
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  Services services;
  metrics::Registry registry;
  FakeIntake intake{loop};
  std::unique_ptr<Source> source;
  bool ended = false;
};

std::string numbers(int from, int to) {
  std::string out;
  for (int n = from; n < to; ++n) out += std::to_string(n) + "\n";
  return out;
}

TEST_CASE("as many events as counted, in order, and then it has ended") {
  Fixture f("{template: '{{n}}', count: 500000, rate: 0}");
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  CHECK(f.intake.accepted == numbers(0, 500'000));
  CHECK(f.ended);
}

TEST_CASE("it goes on behind its cursor, with the same events at the same positions") {
  const std::string settings = "{template: {n: '{{n}}', x: '{{int 1 1000}}'}, count: 900000, rate: 0}";
  Fixture whole(settings);
  REQUIRE(whole.source->start(""));
  whole.loop.run_until_idle();
  REQUIRE(whole.intake.emitted.size() > 2);
  const RawBatch& first = whole.intake.emitted[0];

  Fixture rest(settings);
  REQUIRE(rest.source->start(first.cursor));
  rest.loop.run_until_idle();
  CHECK(*first.body + rest.intake.accepted == whole.intake.accepted);
  CHECK(rest.intake.emitted[0].position == whole.intake.emitted[1].position);
  CHECK(rest.ended);
}

TEST_CASE("from the start it begins at event 0 again, above the positions it had") {
  const std::string cursor = to_text({100, 5000});
  Fixture done("{template: '{{n}}', count: 100, rate: 0}");
  REQUIRE(done.source->start(cursor));
  done.loop.run_until_idle();
  CHECK(done.intake.emitted.empty());
  CHECK(done.ended);

  Fixture again("{template: '{{n}}', count: 100, rate: 0}", true);
  REQUIRE(again.source->start(cursor));
  again.loop.run_until_idle();
  CHECK(again.intake.accepted == numbers(0, 100));
  CHECK(again.intake.emitted[0].position > 5000);
}

TEST_CASE("a rate is kept, and so is an interval") {
  Fixture rate("{template: '{{n}}', rate: 200}");
  REQUIRE(rate.source->start(""));
  rate.loop.run_until_idle();
  CHECK(rate.lines() == 1);
  rate.loop.advance(1000);
  CHECK(rate.lines() >= 198);
  CHECK(rate.lines() <= 202);

  Fixture interval("{template: '{{n}}', interval: 1m}");
  REQUIRE(interval.source->start(""));
  interval.loop.advance(59'000);
  CHECK(interval.lines() == 1);
  interval.loop.advance(62'000);
  CHECK(interval.lines() == 3);
}

TEST_CASE("what a full pipeline did not take is made up for one second, not for all the time") {
  Fixture f("{template: '{{n}}', rate: 100}");
  REQUIRE(f.source->start(""));
  f.intake.set_ready(false);
  f.loop.advance(60'000);
  const size_t before = f.lines();
  f.intake.set_ready(true);
  f.loop.advance(20);
  CHECK(f.lines() - before <= 220);
  f.loop.advance(1000);
  CHECK(f.lines() - before >= 195);
}

TEST_CASE("with overflow events are made all the same, and those dropped and accepted are all that were made") {
  for (const std::string policy : {"drop_new", "drop_old"}) {
    INFO(policy);
    Fixture f(
        "{template: {n: '{{n}}', pad: '{{hex 32}}{{hex 32}}{{hex 32}}{{hex 32}}'}, count: 10000, rate: 1000, "
        "overflow: {policy: " +
        policy + ", buffer: 64KiB}}");
    REQUIRE(f.source->start(""));
    f.loop.run_until_idle();
    f.intake.set_ready(false);
    f.loop.advance(9'000);
    CHECK(f.metric("colloquium_source_dropped_total") > 8'000);
    CHECK(f.registry.text().find("reason=\"" + policy + "\"") != std::string::npos);
    f.intake.set_ready(true);
    f.loop.advance(2'000);
    CHECK(f.ended);
    CHECK(f.lines() + f.metric("colloquium_source_dropped_total") == 10'000);
    const bool has_first_that_waited = f.intake.accepted.find("{\"n\":20,") != std::string::npos;
    CHECK(has_first_that_waited == (policy == "drop_new"));
    CHECK(f.intake.accepted.find("{\"n\":9999,") != std::string::npos);
    CHECK(f.intake.cursor == to_text({10'000, f.intake.emitted.back().position +
                                                  static_cast<int64_t>(f.intake.emitted.back().body->size())}));
  }
}

TEST_CASE("what the door turned away comes again, nothing is skipped, and order holds") {
  Fixture f("{template: '{{n}}', count: 900000, rate: 0}");
  f.intake.hold();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  REQUIRE(f.intake.under_way() == 4);
  f.intake.accept();
  f.loop.run_until_idle();
  for (size_t left = f.intake.under_way(); left > 0; --left) f.intake.refuse(ErrorCode::kUnavailable, 50);
  f.loop.advance(49);
  CHECK(f.intake.under_way() == 0);
  f.loop.advance(1);
  while (f.intake.under_way() > 0) {
    f.intake.accept();
    f.loop.run_until_idle();
  }
  CHECK(f.intake.accepted == numbers(0, 900'000));
  CHECK(f.ended);
}

TEST_CASE("after stop_intake nothing more is emitted") {
  Fixture f("{template: '{{n}}', rate: 1000}");
  REQUIRE(f.source->start(""));
  f.loop.advance(100);
  f.source->stop_intake();
  f.source->stop_intake();
  const size_t before = f.intake.emitted.size();
  f.loop.advance(1000);
  CHECK(f.intake.emitted.size() == before);
  CHECK_FALSE(f.ended);
}

TEST_CASE("a cursor is read back as it was written, and nothing else is") {
  const auto read = generate_cursor_of(to_text({18'446'744'073'709'551'615u, 7}));
  REQUIRE(read);
  CHECK(read->next == 18'446'744'073'709'551'615u);
  CHECK(read->position == 7);
  for (const char* text : {"generate 1 ", "generate 1 5", "generate 1 5 x", "generate 1 5 6 7", "generate 1 5 -1",
                           "generate 2 5 6", "file 1 5 6", "generate 1 99999999999999999999999 1"}) {
    INFO(text);
    CHECK_FALSE(generate_cursor_of(text));
  }
}

TEST_CASE("settings that make no sense are told") {
  const auto problem = [](const std::string& yaml) {
    ConfigProblems problems;
    parsed(yaml, problems);
    return problems.empty() ? std::string() : problems.front().describe();
  };
  CHECK(problem("{}").empty());
  CHECK(problem("{rate: 0.5, start_time: '2024-02-29T23:59:59Z'}").empty());
  CHECK_THAT(problem("{rate: -1}"), Catch::Contains("rate"));
  CHECK_THAT(problem("{rate: 5, interval: 1s}"), Catch::Contains("one of them"));
  CHECK(problem("{rate: 5, overflow: drop_old}").empty());
  CHECK_THAT(problem("{rate: 0, overflow: drop_new}"), Catch::Contains("none to drop"));
  CHECK_THAT(problem("{overflow: throw}"), Catch::Contains("drop_old"));
  for (const char* time : {"2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+"}) {
    CHECK_THAT(problem("{start_time: '" + std::string(time) + "'}"), Catch::Contains("start_time"));
  }
  ConfigProblems problems;
  CHECK(generate_source().source_traits(parsed("{count: 1}", problems)).finite);
  CHECK_FALSE(generate_source().source_traits(parsed("{}", problems)).finite);
  CHECK(generate_source().source_traits(parsed("{}", problems)).rereadable);
}

}  // namespace
}  // namespace colloquium::components
