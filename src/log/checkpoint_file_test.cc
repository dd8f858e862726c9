#include "log/checkpoint_file.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "io/memory_file_system.h"

namespace colloquium::log {

TEST_CASE("a checkpoint comes back byte for byte, under any name") {
  io::MemoryFileSystem fs;
  REQUIRE(make_checkpoint_folder(fs, "data"));
  CHECK_FALSE(read_checkpoint(fs, "data", "dedupe/orders.abc/hook"));
  const std::string bytes("\0\xff\n some bytes", 14);
  REQUIRE(write_checkpoint(fs, "data", "dedupe/orders.abc/hook", bytes));
  REQUIRE(write_checkpoint(fs, "data", "dedupe/orders.abc/hoo", "other"));
  REQUIRE(write_checkpoint(fs, "data", "../up and % ü", ""));
  CHECK(read_checkpoint(fs, "data", "dedupe/orders.abc/hook") == bytes);
  CHECK(read_checkpoint(fs, "data", "dedupe/orders.abc/hoo") == "other");
  CHECK(read_checkpoint(fs, "data", "../up and % ü") == "");
  CHECK(fs.list("data/checkpoints")->size() == 3);
}

TEST_CASE("a checkpoint with any bit flipped, or cut anywhere, is not there") {
  const std::string path = checkpoint_path("data", "c");
  const uint64_t size = 12 + 5;
  for (uint64_t bit = 0; bit < size * 8; ++bit) {
    io::MemoryFileSystem fs;
    REQUIRE(make_checkpoint_folder(fs, "data"));
    REQUIRE(write_checkpoint(fs, "data", "c", "12345"));
    fs.flip(path, bit / 8, static_cast<uint8_t>(1u << (bit % 8)));
    CHECK_FALSE(read_checkpoint(fs, "data", "c"));
  }
  for (uint64_t length = 0; length < size; ++length) {
    io::MemoryFileSystem fs;
    REQUIRE(make_checkpoint_folder(fs, "data"));
    REQUIRE(write_checkpoint(fs, "data", "c", "12345"));
    REQUIRE((*fs.open(path, io::OpenMode::kReadWrite))->truncate(length));
    CHECK_FALSE(read_checkpoint(fs, "data", "c"));
  }
}

TEST_CASE("wherever the power goes while a checkpoint is replaced, the old one or the new one is there") {
  int old_ones = 0, new_ones = 0;
  for (uint64_t stop = 0;; ++stop) {
    io::MemoryFileSystem fs;
    REQUIRE(make_checkpoint_folder(fs, "data"));
    REQUIRE(write_checkpoint(fs, "data", "c", "old"));
    fs.halt_at(fs.operations() + stop);
    const bool done = write_checkpoint(fs, "data", "c", "new").has_value();
    SeededRandom chance(stop);
    fs.crash(&chance);
    const auto found = read_checkpoint(fs, "data", "c");
    REQUIRE(found);
    ++(*found == "new" ? new_ones : old_ones);
    CHECK((*found == "new" || (*found == "old" && !done)));
    if (done) break;
  }
  CHECK(old_ones > 1);
  CHECK(new_ones >= 1);
}

}  // namespace colloquium::log
