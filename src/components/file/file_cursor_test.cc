#include "components/file/file_cursor.h"

#include <catch2/catch.hpp>

#include "io/file_system.h"
#include "io/memory_file_system.h"

namespace colloquium::components {
namespace {

struct Fixture {
  void write(std::string_view content) {
    auto file = fs.open("f", io::OpenMode::kOpenOrCreate).value();
    REQUIRE(file->truncate(0));
    REQUIRE(file->write_at(0, content));
  }
  std::unique_ptr<io::File> open() { return fs.open("f", io::OpenMode::kRead).value(); }
  // What a source would store after reading `offset` bytes of the file as it is.
  FileCursor cursor_at(uint64_t offset) {
    auto file = open();
    FileCursor cursor;
    cursor.size = file->info()->size;
    cursor.offset = offset;
    cursor.head = read_fingerprint(*file, 0, std::min<uint64_t>(cursor.size, kFingerprintBytes)).value();
    const uint64_t tail = std::min<uint64_t>(offset, kFingerprintBytes);
    cursor.tail = read_fingerprint(*file, offset - tail, tail).value();
    return cursor;
  }
  io::MemoryFileSystem fs;
};

TEST_CASE("a cursor survives its text") {
  FileCursor cursor;
  cursor.inode = 18'446'744'073'709'551'615u;
  cursor.size = 5000;
  cursor.base = 1'073'741'824;
  cursor.offset = 4096;
  cursor.head = {1024, 0xfedcba9876543210u};
  cursor.tail = {7, 1};
  const std::string text = cursor.encode();
  CHECK(text == "file 1 18446744073709551615 5000 1073741824 4096 1024:fedcba9876543210 7:1");
  const auto read = FileCursor::decode(text);
  REQUIRE(read);
  CHECK(read->encode() == text);
}

TEST_CASE("what is no cursor of this version is refused with what to do") {
  const char* text =
      GENERATE("", "file", "file 2 1 2 3 4 5:6 0:8", "file 1 1 2 3 4 5:6", "file 1 1 2 3 4 5:6 0:8 9",
               "file 1 x 2 3 4 5:6 0:8", "file 1 1 2 3 4 5 0:8", "file 1 1 2 3 4 9999:6 0:8",
               "file 1 1 2 -3 4 5:6 0:8", "file 1 1 2 3 4 5:6 5:8", "kafka 1 1 2 3 4 5:6 0:8");
  const auto cursor = FileCursor::decode(text);
  REQUIRE_FALSE(cursor);
  CHECK(cursor.error().code == ErrorCode::kCorrupt);
  CHECK_THAT(cursor.error().message, Catch::Contains("another name"));
}

TEST_CASE("a file that grew is the same file") {
  Fixture f;
  f.write("{\"a\":1}\n");
  const FileCursor cursor = f.cursor_at(8);
  f.write("{\"a\":1}\n{\"a\":2}\n");
  CHECK(cursor.speaks_of(*f.open()).value());
}

TEST_CASE("a file that was cut, rewritten at its head or before the offset is another one") {
  Fixture f;
  std::string content(5000, 'x');
  f.write(content);
  const FileCursor cursor = f.cursor_at(4000);
  CHECK(cursor.speaks_of(*f.open()).value());
  SECTION("cut") {
    content.resize(3999);
  }
  SECTION("head") {
    content[1023] = 'y';
  }
  SECTION("before the offset") {
    content[3000] = 'y';
  }
  f.write(content);
  CHECK_FALSE(cursor.speaks_of(*f.open()).value());
}

TEST_CASE("what neither fingerprint covers does not make it another file") {
  Fixture f;
  std::string content(5000, 'x');
  f.write(content);
  const FileCursor cursor = f.cursor_at(4000);
  content[4000] = 'y';
  f.write(content);
  CHECK(cursor.speaks_of(*f.open()).value());
}

TEST_CASE("the next file's positions begin above every position of this one") {
  FileCursor cursor;
  cursor.base = 100;
  cursor.size = 50;
  cursor.offset = 60;
  CHECK(cursor.next_base() > 160);
}

}  // namespace
}  // namespace colloquium::components
