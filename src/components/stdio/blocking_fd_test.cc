#include "components/stdio/blocking_fd.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "base/thread_executor.h"

namespace colloquium::components {
namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(int i) {
    if (ends[i] >= 0) ::close(std::exchange(ends[i], -1));
  }
  int ends[2];
};

TEST_CASE("a read gives what is there, then the end") {
  Pipe pipe;
  auto fd = BlockingFd::create(pipe.ends[0], BlockingFd::Use::kRead, "the test's input").value();
  CHECK_FALSE(fd->readable());
  REQUIRE(::write(pipe.ends[1], "abc", 3) == 3);
  CHECK(fd->readable());
  char into[10];
  CHECK(fd->read(into).value() == 3);
  CHECK(std::string(into, 3) == "abc");
  pipe.close_end(1);
  CHECK(fd->readable());
  CHECK(fd->read(into).value() == 0);
}

TEST_CASE("a read that waits is interrupted by another thread") {
  Pipe pipe;
  auto fd = BlockingFd::create(pipe.ends[0], BlockingFd::Use::kRead, "the test's input").value();
  ThreadExecutor executor;
  auto ended = executor.make_signal();
  ErrorCode code = ErrorCode::kInternal;
  auto reader = executor.make_queue("reader", 1, 1);
  REQUIRE(reader->post([&] {
    char into[10];
    const auto got = fd->read(into);
    if (!got) code = got.error().code;
    ended->set();
  }));
  fd->interrupt();
  REQUIRE(ended->wait());
  CHECK(code == ErrorCode::kCancelled);
}

TEST_CASE("a write into a full pipe waits without being stuck, and says how far it came") {
  Pipe pipe;
  auto fd = BlockingFd::create(pipe.ends[1], BlockingFd::Use::kWrite, "the test's output").value();
  ThreadExecutor executor;
  size_t written = 0;
  Status status;
  {
    auto writer = executor.make_queue("writer", 1, 1);
    REQUIRE(writer->post([&] { status = fd->write(std::string(1 << 20, 'x'), written); }));
    // Nobody reads on, so that it must fill up and wait.
    char into[4096];
    REQUIRE(::read(pipe.ends[0], into, sizeof into) > 0);
    fd->interrupt();
  }
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kCancelled);
  CHECK(written > 0);
  CHECK(written < (1 << 20));
}

TEST_CASE("a write reaches a reader whole") {
  Pipe pipe;
  auto fd = BlockingFd::create(pipe.ends[1], BlockingFd::Use::kWrite, "the test's output").value();
  const std::string text(300'000, 'y');
  std::string got;
  {
    ThreadExecutor executor;
    auto writer = executor.make_queue("writer", 1, 1);
    REQUIRE(writer->post([&] {
      size_t written = 0;
      (void)fd->write(text, written);
      pipe.close_end(1);
    }));
    char into[8192];
    for (ssize_t n = 0; (n = ::read(pipe.ends[0], into, sizeof into)) > 0;)
      got.append(into, static_cast<size_t>(n));
  }
  CHECK(got == text);
}

TEST_CASE("a write nobody reads any more says so") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  auto fd = BlockingFd::create(pipe.ends[1], BlockingFd::Use::kWrite, "standard output").value();
  pipe.close_end(0);
  size_t written = 0;
  const Status status = fd->write("x", written);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(status.error().retryable);
  CHECK_THAT(status.error().message, Catch::Contains("standard output") && Catch::Contains("reader has gone"));
}

TEST_CASE("a full disk is worth a retry") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  auto fd = BlockingFd::create(full, BlockingFd::Use::kWrite, "standard output").value();
  size_t written = 0;
  const Status status = fd->write("x", written);
  ::close(full);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kNoSpace);
  CHECK(status.error().retryable);
}

TEST_CASE("a closed descriptor is refused with what to do") {
  Pipe pipe;
  const int closed = pipe.ends[0];
  pipe.close_end(0);
  const auto fd = BlockingFd::create(closed, BlockingFd::Use::kRead, "standard input");
  REQUIRE_FALSE(fd);
  CHECK_THAT(fd.error().message, Catch::Contains("standard input is closed") && Catch::Contains("/dev/null"));
}

TEST_CASE("a descriptor that is open the other way round is as good as closed") {
  Pipe pipe;
  const auto input = BlockingFd::create(pipe.ends[1], BlockingFd::Use::kRead, "standard input");
  REQUIRE_FALSE(input);
  CHECK_THAT(input.error().message, Catch::Contains("not open for reading"));
  const auto output = BlockingFd::create(pipe.ends[0], BlockingFd::Use::kWrite, "standard output");
  REQUIRE_FALSE(output);
  CHECK_THAT(output.error().message, Catch::Contains("not open for writing"));
  const int both = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  CHECK(BlockingFd::create(both, BlockingFd::Use::kRead, "a terminal"));
  CHECK(BlockingFd::create(both, BlockingFd::Use::kWrite, "a terminal"));
  ::close(both);
}

}  // namespace
}  // namespace colloquium::components
