#include "components/stdio/stdin_source.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <string>
#include <unistd.h>

#include "base/logging.h"
#include "base/thread_executor.h"
#include "components/stdio/blocking_fd.h"
#include "loop/test_loop.h"
#include "metrics/registry.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

// A source on a pipe that the test writes to.
class Fixture {
 public:
  explicit Fixture(int64_t max_event = 1 << 20, formats::SourceFormatSetting format = {}) {
    services.provide(&registry);
    REQUIRE(pipe2(ends_, O_CLOEXEC) == 0);
    make(ends_[0], {{max_event}, std::move(format), {}});
  }
  // Another input than the test's.
  void use(int input, config::OverflowSettings overflow) { make(input, {{1 << 20}, {}, overflow}); }
  void make(int fd, StdinConfig config) {
    SourceContext context{{loop, clock, random, services, "p", "in", "."},
                          intake,
                          false,
                          [this] { ++finished; },
                          [this](Error error) { failure = std::move(error); }};
    auto input = BlockingFd::create(fd, BlockingFd::Use::kRead, "the test's input").value();
    source = std::make_unique<StdinSource>(std::move(context), config, std::move(input));
  }
  ~Fixture() {
    if (source) close();
    end_input();
    ::close(ends_[0]);
  }
  void write(std::string_view text) {
    REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  void close() {
    bool closed = false;
    source->close([&] { closed = true; });
    CHECK_FALSE(closed);
    loop.run_until_idle();
    CHECK(closed);
    source.reset();
  }

  ManualClock clock;
  SeededRandom random{1};
  Services services;
  metrics::Registry registry;
  loop::TestLoop loop{clock};
  FakeIntake intake{loop};
  int finished = 0;
  std::optional<Error> failure;
  std::unique_ptr<StdinSource> source;

 private:
  int ends_[2];
};

TEST_CASE("standard input comes in as whole lines until it ends", "[REQ-005]") {
  Fixture f;
  f.write("{\"a\":1}\n\n[2]\n\"no line break\"");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  CHECK(f.intake.accepted == "{\"a\":1}\n\n[2]\n\"no line break\"");
  CHECK(f.finished == 1);
  CHECK_FALSE(f.failure.has_value());
  REQUIRE(f.intake.emitted.size() == 2);
  CHECK(*f.intake.emitted[0].body == "{\"a\":1}\n\n[2]\n");
  CHECK(f.intake.emitted[0].format == BodyFormat::kNdjson);
  CHECK(f.intake.emitted[0].bad_event == BadEventPolicy::kDeadLetter);
  CHECK(f.intake.emitted[0].cursor.empty());
  CHECK(f.intake.emitted[1].position == 13);
}

TEST_CASE("with overflow the input is read while the door is shut, and what is dropped is counted") {
  constexpr int kLines = 500'000;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), std::fclose);
  for (int i = 0; i < kLines; ++i) std::fprintf(input.get(), "%07d\n", i);
  for (const OverflowPolicy policy : {OverflowPolicy::kDropNew, OverflowPolicy::kDropOld}) {
    std::rewind(input.get());
    Fixture f;
    f.use(fileno(input.get()), {policy, {2 << 20}});
    f.intake.set_ready(false);
    REQUIRE(f.source->start(""));
    f.loop.run_until_idle();
    CHECK(f.finished == 0);
    f.intake.set_ready(true);
    f.loop.run_until_idle();
    CHECK(f.finished == 1);
    CHECK(f.intake.accepted.starts_with("0000000\n") == (policy == OverflowPolicy::kDropNew));
    CHECK(f.intake.accepted.ends_with("0499999\n") == (policy == OverflowPolicy::kDropOld));
    const size_t dropped = kLines - f.intake.accepted.size() / 8;
    CHECK(dropped > kLines / 3);
    CHECK_THAT(f.registry.text(), Catch::Contains("colloquium_source_dropped_total{") &&
                                      Catch::Contains("} " + std::to_string(dropped) + "\n"));
  }
}

TEST_CASE("an input that cannot be read is a failure, not an end") {
  Fixture f;
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(folder >= 0);
  std::optional<Error> failure;
  int finished = 0;
  {
    SourceContext context{{f.loop, f.clock, f.random, f.services, "p", "in", "."},
                          f.intake,
                          false,
                          [&] { ++finished; },
                          [&](Error error) { failure = std::move(error); }};
    auto input = BlockingFd::create(folder, BlockingFd::Use::kRead, "standard input").value();
    StdinSource source(std::move(context), StdinConfig{}, std::move(input));
    REQUIRE(source.start(""));
    f.loop.run_until_idle();
    source.close([] {});
    f.loop.run_until_idle();
  }
  ::close(folder);
  CHECK(finished == 0);
  REQUIRE(failure.has_value());
  CHECK_THAT(failure->message, Catch::Contains("cannot read standard input"));
  CHECK(f.intake.emitted.empty());
}

TEST_CASE("an empty input finishes without an event") {
  Fixture f;
  f.end_input();
  REQUIRE(f.source->start(""));
  CHECK(f.finished == 0);
  f.loop.run_until_idle();
  CHECK(f.intake.emitted.empty());
  CHECK(f.finished == 1);
}

TEST_CASE("nothing is emitted while the door is not ready", "[REQ-005]") {
  Fixture f;
  f.intake.set_ready(false);
  f.write("1\n2\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  CHECK(f.intake.emitted.empty());
  CHECK(f.finished == 0);
  f.intake.set_ready(true);
  f.loop.run_until_idle();
  CHECK(f.intake.accepted == "1\n2\n");
  CHECK(f.finished == 1);
}

TEST_CASE("one body is at the door at a time, and a refused one is offered again first") {
  std::vector<std::string> lines;
  set_log_writer([&](std::string_view line) { lines.emplace_back(line); });
  Fixture f;
  f.intake.hold();
  f.write("1\n2");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  CHECK(f.intake.under_way() == 1);
  f.intake.refuse(ErrorCode::kNoSpace, 250);
  f.loop.run_until_idle();
  CHECK(f.intake.under_way() == 0);
  f.loop.advance(249);
  CHECK(f.intake.under_way() == 0);
  f.loop.advance(1);
  CHECK(f.intake.under_way() == 1);
  f.intake.refuse(ErrorCode::kUnavailable, 0);
  f.loop.advance(1000);
  f.intake.accept();
  f.loop.run_until_idle();
  f.intake.accept();
  f.loop.run_until_idle();
  set_log_writer(nullptr);
  CHECK(f.intake.accepted == "1\n2");
  CHECK(f.finished == 1);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("offered again") && Catch::Contains("source=in"));
}

TEST_CASE("a line beyond max_event that came in one read is left to the door") {
  Fixture f(10);
  f.write("1\n" + std::string(50, '2') + "\n3\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  CHECK(f.intake.accepted == "1\n" + std::string(50, '2') + "\n3\n");
}

TEST_CASE("a busy offload pool only delays") {
  Fixture f;
  f.loop.set_offload_capacity(0);
  f.write("1\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.advance(100);
  CHECK(f.intake.emitted.empty());
  f.loop.set_offload_capacity(10);
  f.loop.advance(100);
  CHECK(f.intake.accepted == "1\n");
  CHECK(f.finished == 1);
}

TEST_CASE("a stopped source emits nothing more and closes although its input is silent") {
  Fixture f;
  REQUIRE(f.source->start(""));
  f.source->stop_intake();
  f.write("1\n");
  f.close();
  CHECK(f.intake.emitted.empty());
  CHECK(f.finished == 0);
}

// A file, so that no read waits, of which two bodies are read ahead.
std::unique_ptr<std::FILE, int (*)(std::FILE*)> many_lines() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), std::fclose);
  for (int i = 0; i < 500'000; ++i) std::fprintf(input.get(), "%07d\n", i);
  std::rewind(input.get());
  return input;
}

TEST_CASE("what was read before a stop is still offered until it is taken") {
  const auto input = many_lines();
  Fixture f;
  f.use(fileno(input.get()), {});
  f.intake.hold();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  REQUIRE(f.intake.under_way() == 1);
  f.source->stop_intake();
  bool offered = false;
  f.source->when_offered([&] { offered = true; });
  f.intake.refuse(ErrorCode::kUnavailable, 5);
  f.loop.advance(5);
  for (int bodies = 0; bodies < 2; ++bodies) {
    CHECK_FALSE(offered);
    REQUIRE(f.intake.under_way() == 1);
    f.intake.accept();
    f.loop.run_until_idle();
  }
  CHECK(offered);
  CHECK(f.intake.under_way() == 0);
  CHECK(f.intake.accepted.starts_with("0000000\n0000001\n"));
  CHECK(f.intake.accepted.size() % 8 == 0);
  CHECK(f.finished == 0);
}

TEST_CASE("what was read and is never taken is counted when the source closes") {
  const auto input = many_lines();
  Fixture f;
  f.use(fileno(input.get()), {});
  f.intake.hold();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  f.source->stop_intake();
  bool offered = false;
  f.source->when_offered([&] { offered = true; });
  bool closed = false;
  f.source->close([&] { closed = true; });
  f.loop.run_until_idle();
  CHECK(closed);
  CHECK_FALSE(offered);
  // The one at the door may still be taken.
  const auto left = [&](size_t bytes) { return Catch::Contains("reason=\"stop\"} " + std::to_string(bytes / 8) + "\n"); };
  const size_t at_door = f.intake.emitted[0].body->size();
  const auto waiting = static_cast<size_t>(lseek(fileno(input.get()), 0, SEEK_CUR)) / 8 * 8 - at_door;
  CHECK(waiting > 0);
  CHECK_THAT(f.registry.text(), left(waiting));
  f.intake.refuse(ErrorCode::kUnavailable, 5);
  CHECK_THAT(f.registry.text(), left(waiting + at_door));
  f.source.reset();
}

TEST_CASE("an acknowledgement after the source has gone does no harm") {
  Fixture f;
  f.intake.hold();
  f.write("1\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  f.close();
  f.intake.accept();
  CHECK(f.finished == 0);
}

TEST_CASE("standard input belongs to one source at a time") {
  {
    auto first = StdinClaim::take("p/one");
    REQUIRE(first);
    const auto second = StdinClaim::take("p/two");
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::kConflict);
    CHECK(second.error().context == "p/two");
  }
  CHECK(StdinClaim::take("p/three"));
}

TEST_CASE("the stdin descriptor says that it ends and cannot be read again") {
  const SourceTraits traits = stdin_source().source_traits(std::make_shared<const StdinConfig>(StdinConfig{{77}}));
  CHECK(traits.finite);
  CHECK_FALSE(traits.rereadable);
  CHECK(traits.max_event_bytes == 77);
}

TEST_CASE("a format with a header reads it from the first body") {
  formats::SourceFormatSetting csv;
  for (const formats::FormatDescriptor* format : formats::formats()) {
    ConfigProblems none;
    if (format->name == "csv") csv.format = format->source(ConfigNode(), "format", none);
  }
  Fixture f(1 << 20, csv);
  f.write("a,b\n1,2\n3,4\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  REQUIRE(f.intake.emitted.size() == 1);
  CHECK(f.intake.emitted[0].records_begin == 4);
  std::vector<char> json;
  CHECK_FALSE(f.intake.emitted[0].decoder->decode("3,4", json));
  CHECK(std::string(json.begin(), json.end()) == R"({"a":"3","b":"4"})");
  CHECK(f.finished == 1);
}

TEST_CASE("a header that is none ends the source with what is wrong") {
  formats::SourceFormatSetting csv;
  for (const formats::FormatDescriptor* format : formats::formats()) {
    ConfigProblems none;
    if (format->name == "csv") csv.format = format->source(ConfigNode(), "format", none);
  }
  Fixture f(1 << 20, csv);
  f.write("a,a\n1,2\n");
  f.end_input();
  REQUIRE(f.source->start(""));
  f.loop.run_until_idle();
  REQUIRE(f.failure);
  CHECK_THAT(f.failure->message, Catch::Contains("'a' is named twice"));
  CHECK(f.intake.emitted.empty());
}

}  // namespace
}  // namespace colloquium::components
