#include "log/space_guard.h"

#include <catch2/catch.hpp>

#include "io/file_system.h"

namespace colloquium::log {
namespace {

// A disk that has what it is told to have, and counts how often it is asked.
class ToldDisk final : public io::FileSystem {
 public:
  Result<uint64_t> free_bytes(const std::string&) const override {
    ++asked;
    return free;
  }
  Result<uint64_t> total_bytes(const std::string&) const override { return uint64_t{1000} << 20; }
  Result<std::unique_ptr<io::File>> open(const std::string&, io::OpenMode, int) override { return none(); }
  Result<io::FileInfo> info(const std::string&) const override { return none(); }
  Result<std::vector<std::string>> list(const std::string&) const override { return none(); }
  Status make_directories(const std::string&) override { return none(); }
  Status rename(const std::string&, const std::string&) override { return none(); }
  Status link(const std::string&, const std::string&) override { return none(); }
  Status remove(const std::string&) override { return none(); }
  Result<std::unique_ptr<io::FileLock>> lock(const std::string&) override { return none(); }

  uint64_t free = uint64_t{500} << 20;
  mutable int asked = 0;

 private:
  Status sync_folder(const std::string&) override { return none(); }
  static tl::unexpected<Error> none() { return fail(ErrorCode::kInternal, "a disk without files"); }
};

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int64_t kMs = 1'000'000;

}  // namespace

TEST_CASE("before a write the disk is asked once a millisecond") {
  ToldDisk disk;
  SpaceGuard guard(disk, "data", 64 * kMiB, 0);
  for (int i = 0; i < 1000; ++i) guard.check_before(100, 5 * kMs + i * 1000);
  CHECK(disk.asked == 1);
  guard.check_before(100, 6 * kMs);
  CHECK(disk.asked == 2);
  disk.free = 10 * kMiB;
  guard.check_before(100, 6 * kMs + 999'999);
  CHECK_FALSE(guard.full());
  guard.check_before(100, 7 * kMs);
  CHECK(guard.full());
}

TEST_CASE("a share of the reserve is written without asking, and no more") {
  ToldDisk disk;
  SpaceGuard guard(disk, "data", 64 * kMiB, 0);
  guard.check_before(0, 5 * kMs);
  REQUIRE(disk.asked == 1);
  disk.free = 64 * kMiB - 1;
  guard.check_before(kMiB - 1, 5 * kMs);
  CHECK_FALSE(guard.full());
  guard.check_before(1, 5 * kMs);
  CHECK(guard.full());
  // And counted anew from there.
  disk.free = 500 * kMiB;
  guard.check();
  const int asked = disk.asked;
  guard.check_before(kMiB - 1, 5 * kMs);
  CHECK(disk.asked == asked);
}

TEST_CASE("while it is full every write asks, and a margin over the reserve ends it") {
  ToldDisk disk;
  SpaceGuard guard(disk, "data", 64 * kMiB, 0.1);
  disk.free = 163 * kMiB;
  guard.check();
  REQUIRE(guard.full());
  CHECK(guard.error().code == ErrorCode::kNoSpace);
  disk.free = 171 * kMiB;
  guard.check_before(1, 0);
  CHECK(guard.full());
  disk.free = 172 * kMiB;
  guard.check_before(1, 0);
  CHECK_FALSE(guard.full());
}

TEST_CASE("want of descriptors is over when it is looked again, want of room is not") {
  ToldDisk disk;
  SpaceGuard guard(disk, "data", 64 * kMiB, 0);
  guard.note_full({ErrorCode::kUnavailable, "too many open files", true, {}});
  REQUIRE(guard.refusal());
  CHECK(guard.refusal()->code == ErrorCode::kUnavailable);
  guard.check();
  CHECK_FALSE(guard.refusal());
  guard.note_full({ErrorCode::kNoSpace, "no space", true, {}});
  disk.free = 70 * kMiB;
  guard.check();
  CHECK(guard.full());
}

}  // namespace colloquium::log
