#include "io/byte_stream.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file_system.h"
#include "tests/temporary_directory.h"

namespace colloquium::io {
namespace {

struct NamedPipe {
  NamedPipe() : path(directory.path() + "/pipe") { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }

  TemporaryDirectory directory;
  std::string path;
};

}  // namespace

TEST_CASE("a pipe is read to its end, by its name or by its descriptor") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "abc", 3) == 3);
  ::close(ends[1]);  // gone before anybody reads
  CHECK(read_stream("/dev/fd/" + std::to_string(ends[0]), 3).value_or("") == "abc");
  CHECK(read_stream("/proc/self/fd/" + std::to_string(ends[0]), 3).value_or("none").empty());
  ::close(ends[0]);
  CHECK(read_stream("/dev/fd/" + std::to_string(ends[0]), 3).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a named pipe's writer is waited for, at the beginning and while it writes") {
  const NamedPipe pipe;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int out = ::open(pipe.path.c_str(), O_WRONLY);
    bool good = true;
    for (int i = 0; i < 30'000 && good; ++i) good = ::write(out, "0123456789", 10) == 10;
    ::_exit(good ? 0 : 1);
  }
  const auto got = read_stream(pipe.path, 1'000'000);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  REQUIRE(got);
  CHECK(got->size() == 300'000);
}

TEST_CASE("a pipe that nobody writes to is given up") {
  const NamedPipe pipe;
  auto stream = ByteStream::open(pipe.path, 20);
  REQUIRE(stream);
  char bytes[4];
  const auto got = stream->read(bytes);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == ErrorCode::kTimeout);
  CHECK(got.error().message.find("nobody has written to this pipe for 20 ms") != std::string::npos);
}

TEST_CASE("files are read as ever, and no more than is expected of anything") {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/file";
  REQUIRE(write_file_atomically(posix_file_system(), file, "12345"));
  CHECK(read_stream(file, 5).value_or("") == "12345");
  CHECK(read_stream(file, 4).error().code == ErrorCode::kLimit);
  CHECK(read_stream("/dev/zero", 1000).error().code == ErrorCode::kLimit);
  CHECK(read_stream(directory.path(), 5).error().message.find("it is a folder") != std::string::npos);
  CHECK(read_stream(file + "2", 5).error().code == ErrorCode::kNotFound);
  auto stream = ByteStream::open(file);
  REQUIRE(stream);
  char bytes[4];
  CHECK(stream->read(bytes).value_or(0) == 4);
  CHECK(stream->read(bytes).value_or(0) == 1);
  CHECK(stream->read(bytes).value_or(9) == 0);
}

}  // namespace colloquium::io
