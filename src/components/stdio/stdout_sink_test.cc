#include "components/stdio/stdout_sink.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "components/stdio/blocking_fd.h"
#include "loop/test_loop.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

// A sink on a descriptor of the test.
class Fixture {
 public:
  explicit Fixture(int fd, const formats::SinkFormatSetting& format = {}) {
    ComponentContext context{loop, clock, random, services, "p", "out", "."};
    sink = std::make_unique<StdoutSink>(std::move(context),
                                        BlockingFd::create(fd, BlockingFd::Use::kWrite, "standard output").value(),
                                        formats::BatchText::create(*format.format, nullptr).value());
    REQUIRE(sink->restore(""));
    REQUIRE(sink->start());
  }
  ~Fixture() {
    if (sink) close();
  }
  void close() {
    bool closed = false;
    sink->close([&] { closed = true; });
    CHECK_FALSE(closed);
    loop.run_until_idle();
    CHECK(closed);
    sink.reset();
  }
  void write(const std::vector<std::string>& values) {
    const size_t index = results.size();
    results.emplace_back();
    done.push_back(false);
    sink->write(batch_of(values), [this, index](std::vector<EventOutcome> outcomes) {
      results[index] = std::move(outcomes);
      done[index] = true;
    });
  }

  ManualClock clock;
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  std::unique_ptr<StdoutSink> sink;
  std::vector<std::vector<EventOutcome>> results;
  std::vector<bool> done;
};

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(int i) {
    if (ends[i] >= 0) ::close(std::exchange(ends[i], -1));
  }
  std::string read_all() {
    std::string text;
    char into[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], into, sizeof into)) > 0;) text.append(into, static_cast<size_t>(n));
    return text;
  }
  int ends[2];
};

TEST_CASE("events are written as lines, in order") {
  Pipe pipe;
  Fixture f(pipe.ends[1]);
  f.write({"{\"a\": 1}", "[\n1,\n2\n]"});
  f.write({"\"x\""});
  f.loop.run_until_idle();
  CHECK(pipe.read_all() == "{\"a\": 1}\n[1,2]\n\"x\"\n");
  CHECK(f.done == std::vector<bool>{true, true});
  CHECK(f.results[0].empty());
  CHECK(f.sink->guarantee() == Guarantee::kAtLeastOnce);
  CHECK_FALSE(f.sink->has_token());
}

TEST_CASE("batches that wait are written by one call, and a busy pool only delays") {
  Pipe pipe;
  Fixture f(pipe.ends[1]);
  f.loop.set_offload_capacity(0);
  f.write({"1"});
  f.write({"2"});
  f.loop.advance(50);
  CHECK(f.done == std::vector<bool>{false, false});
  f.loop.set_offload_capacity(1);
  f.loop.advance(50);
  CHECK(pipe.read_all() == "1\n2\n");
  CHECK(f.done == std::vector<bool>{true, true});
}

TEST_CASE("when the reader has gone, every write is refused and the sink is broken") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  Fixture f(pipe.ends[1]);
  CHECK_FALSE(f.sink->broken());
  pipe.close_end(0);
  f.write({"1", "2"});
  f.loop.run_until_idle();
  REQUIRE(f.results[0].size() == 2);
  CHECK(f.results[0][0].outcome == Outcome::kRetry);
  CHECK_FALSE(f.results[0][1].error.retryable);
  REQUIRE(f.sink->broken());
  CHECK_THAT(f.sink->broken()->message, Catch::Contains("reader has gone"));
  f.write({"3"});
  f.loop.run_until_idle();
  CHECK(f.results[1][0].outcome == Outcome::kRetry);
}

// A file may grow to a limit only: the write stops in the middle of a line and goes on when there is room.
TEST_CASE("a line torn by a full disk is finished before its event is written again") {
  char path[] = "/tmp/colloquium-stdout-XXXXXX";
  const int file = mkostemp(path, O_CLOEXEC);
  REQUIRE(file >= 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 7;
  {
    Fixture f(file);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    f.write({"11", "22"});
    f.write({"33"});
    f.loop.run_until_idle();
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(f.results[0].empty());
    REQUIRE(f.results[1].size() == 1);
    CHECK(f.results[1][0].outcome == Outcome::kRetry);
    CHECK_FALSE(f.sink->broken());
    f.write({"33"});
    f.loop.run_until_idle();
    CHECK(f.results[2].empty());
  }
  char into[100];
  const ssize_t got = pread(file, into, sizeof into, 0);
  CHECK(std::string(into, static_cast<size_t>(got)) == "11\n22\n33\n33\n");
  ::close(file);
  ::unlink(path);
}

TEST_CASE("closing ends what waits with a retry") {
  Pipe pipe;
  Fixture f(pipe.ends[1]);
  f.loop.set_offload_capacity(0);
  f.write({"1"});
  f.close();
  REQUIRE(f.results[0].size() == 1);
  CHECK(f.results[0][0].outcome == Outcome::kRetry);
  CHECK(f.results[0][0].error.code == ErrorCode::kCancelled);
  CHECK(pipe.read_all().empty());
}

}  // namespace
}  // namespace colloquium::components
