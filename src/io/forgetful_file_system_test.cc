#include "io/forgetful_file_system.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/path.h"
#include "tests/temporary_directory.h"

namespace colloquium::io {
namespace {

std::string on_disk(const std::string& path) {
  return *read_file(posix_file_system(), path, 1 << 20);
}

}  // namespace

TEST_CASE("only synced bytes reach the disk") {
  const TemporaryDirectory directory;
  const std::string path = join(directory.path(), "a");
  ForgetfulFileSystem fs(posix_file_system());
  auto file = fs.open(path, OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, "first"));
  CHECK(on_disk(path).empty());
  CHECK(*read_file(fs, path, 100) == "first");
  REQUIRE((*file)->sync());
  CHECK(on_disk(path) == "first");
  REQUIRE((*file)->write_at(5, " second"));
  REQUIRE((*file)->write_at(1, "I"));
  CHECK(on_disk(path) == "first");
  CHECK(*read_file(fs, path, 100) == "fIrst second");
  REQUIRE((*file)->sync());
  CHECK(on_disk(path) == "fIrst second");
}

TEST_CASE("closing a file does not sync it, and does not lose it either") {
  const TemporaryDirectory directory;
  const std::string path = join(directory.path(), "a");
  {
    ForgetfulFileSystem fs(posix_file_system());
    {
      auto file = fs.open(path, OpenMode::kCreate);
      REQUIRE((*file)->write_at(0, "unsynced"));
    }
    CHECK(*read_file(fs, path, 100) == "unsynced");
    CHECK(fs.info(path)->size == 8);
  }
  CHECK(on_disk(path).empty());  // the "process" is gone
}

TEST_CASE("un-synced bytes follow a renamed file and die with a removed one") {
  const TemporaryDirectory directory;
  const std::string a = join(directory.path(), "a");
  const std::string b = join(directory.path(), "b");
  ForgetfulFileSystem fs(posix_file_system());
  auto file = fs.open(a, OpenMode::kCreate);
  REQUIRE((*file)->write_at(0, "moved"));
  REQUIRE(fs.rename(a, b));
  CHECK(*read_file(fs, b, 100) == "moved");
  REQUIRE(fs.remove(b));
  REQUIRE(fs.open(b, OpenMode::kCreate));
  CHECK(read_file(fs, b, 100)->empty());
}

TEST_CASE("overlapping writes and cuts agree with a plain string") {
  const TemporaryDirectory directory;
  const std::string path = join(directory.path(), "a");
  ForgetfulFileSystem fs(posix_file_system());
  auto file = fs.open(path, OpenMode::kCreate);
  std::string model;
  uint64_t state = 42;
  const auto below = [&](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  for (int step = 0; step < 3000; ++step) {
    if (below(10) == 0) {
      REQUIRE((*file)->sync());
      REQUIRE(on_disk(path) == model);
    } else if (below(8) == 0) {
      const uint64_t size = below(300);
      REQUIRE((*file)->truncate(size));
      model.resize(size);
    } else {
      const uint64_t at = below(280);
      const std::string bytes(1 + below(40), static_cast<char>('a' + step % 26));
      REQUIRE((*file)->write_at(at, bytes));
      if (model.size() < at + bytes.size()) model.resize(at + bytes.size());
      model.replace(at, bytes.size(), bytes);
    }
    REQUIRE(*read_file(fs, path, 1000) == model);
  }
}

}  // namespace colloquium::io
