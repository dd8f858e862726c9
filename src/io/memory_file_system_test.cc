#include "io/memory_file_system.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace colloquium::io {
namespace {

class Sequence final : public Random {
 public:
  explicit Sequence(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ ^ (state_ >> 29);
  }

 private:
  uint64_t state_;
};

Fault io_error() {
  return Fault{Error{ErrorCode::kIo, "injected"}};
}

}  // namespace

TEST_CASE("a crash forgets un-synced bytes") {
  MemoryFileSystem fs;
  {
    auto file = fs.open("/a", OpenMode::kCreate);
    REQUIRE((*file)->write_at(0, "durable"));
    REQUIRE((*file)->sync());
    REQUIRE(fs.sync_directory("/"));
    REQUIRE((*file)->write_at(0, "D"));
    REQUIRE((*file)->write_at(7, " not"));
    CHECK(*read_file(fs, "/a", 100) == "Durable not");
    fs.crash();
    CHECK((*file)->write_at(0, "x").error().code == ErrorCode::kIo);
  }
  CHECK(*read_file(fs, "/a", 100) == "durable");
}

TEST_CASE("a crash forgets names whose folder was not synced") {
  MemoryFileSystem fs;
  REQUIRE(fs.make_directories("/d"));
  {
    auto file = fs.open("/d/a", OpenMode::kCreate);
    REQUIRE((*file)->write_at(0, "x"));
    REQUIRE((*file)->sync());
  }
  fs.crash();
  CHECK(fs.list("/d")->empty());

  REQUIRE(write_file_atomically(fs, "/d/b", "kept"));
  REQUIRE(fs.rename("/d/b", "/d/c"));
  fs.crash();
  CHECK(*fs.list("/d") == std::vector<std::string>{"b"});
  REQUIRE(fs.remove("/d/b"));
  fs.crash();
  CHECK(*read_file(fs, "/d/b", 10) == "kept");
  REQUIRE(fs.remove("/d/b"));
  REQUIRE(fs.sync_directory("/d"));
  fs.crash();
  CHECK(fs.list("/d")->empty());
}

TEST_CASE("no two files or folders have one inode, not the root either") {
  MemoryFileSystem fs;
  REQUIRE(fs.make_directories("/a/b"));
  REQUIRE(write_file_atomically(fs, "/c", "1"));
  std::set<uint64_t> inodes;
  for (const char* path : {"/", "/a", "/a/b", "/c"}) CHECK(inodes.insert(fs.info(path)->inode).second);
  CHECK(*inodes.begin() == 1);
}

TEST_CASE("a second name is durable only after a sync of its folder, and takes no space") {
  MemoryFileSystem fs;
  fs.set_capacity(10);
  REQUIRE(fs.make_directories("/d"));
  REQUIRE(write_file_atomically(fs, "/a", "12345678"));
  REQUIRE(fs.link("/a", "/d/b"));
  CHECK(*fs.free_bytes("/") == 2);
  fs.crash();
  CHECK(fs.list("/d")->empty());
  REQUIRE(fs.link("/a", "/d/b"));
  REQUIRE(fs.sync_directory("/d"));
  REQUIRE(fs.remove("/a"));
  REQUIRE(fs.sync_directory("/"));
  fs.crash();
  CHECK(*read_file(fs, "/d/b", 100) == "12345678");
  CHECK(*fs.list("/") == std::vector<std::string>{"d"});
  fs.fail_at(fs.operations(), io_error());
  CHECK(fs.link("/d/b", "/a").error().message == "injected");
  CHECK_FALSE(fs.info("/a"));
}

TEST_CASE("a truncation is durable only after a sync") {
  MemoryFileSystem fs;
  REQUIRE(write_file_atomically(fs, "/a", "0123456789"));
  REQUIRE((*fs.open("/a", OpenMode::kReadWrite))->truncate(3));
  fs.crash();
  CHECK(*read_file(fs, "/a", 100) == "0123456789");
  auto file = fs.open("/a", OpenMode::kReadWrite);
  REQUIRE((*file)->truncate(3));
  REQUIRE((*file)->sync());
  fs.crash();
  CHECK(*read_file(fs, "/a", 100) == "012");
}

TEST_CASE("a crash with chance keeps subsets of what was on its way, and all of what was synced") {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFileSystem fs;
    REQUIRE(write_file_atomically(fs, "/a", std::string(1024, 's')));
    REQUIRE((*fs.open("/a", OpenMode::kReadWrite))->write_at(1024, std::string(1024, 'n')));
    Sequence chance(seed);
    fs.crash(&chance);
    const std::string content = *read_file(fs, "/a", 4096);
    REQUIRE(content.size() >= 1024);
    CHECK(content.substr(0, 1024) == std::string(1024, 's'));
    seen.insert(content);
  }
  CHECK(seen.size() > 4);
  CHECK(seen.count(std::string(1024, 's')) == 1);
}

TEST_CASE("the operation named fails, once, and the others do not") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  fs.fail_at(fs.operations() + 1, io_error());
  REQUIRE((*file)->write_at(0, "x"));
  CHECK((*file)->sync().error().message == "injected");
  REQUIRE((*file)->sync());
}

TEST_CASE("a failed sync can lose the bytes it did not sync") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  REQUIRE((*file)->write_at(0, "x"));
  Fault fault = io_error();
  fault.loses_dirty = true;
  fs.fail_at(fs.operations(), fault);
  CHECK_FALSE((*file)->sync());
  REQUIRE((*file)->sync());
  CHECK(read_file(fs, "/a", 10)->empty());
}

TEST_CASE("a sync that finds the disk full is no such thing to wait for") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  fs.set_hook([](const Operation& operation) -> std::optional<Fault> {
    const bool sync = operation.kind == OperationKind::kSync || operation.kind == OperationKind::kSyncDirectory;
    return sync ? std::optional(Fault{Error{ErrorCode::kNoSpace, "full", true}}) : std::nullopt;
  });
  for (const Status& failed : {(*file)->sync(), fs.sync_directory("/"), fs.make_directories("/x")}) {
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::kIo);
    CHECK_FALSE(failed.error().retryable);
    CHECK(failed.error().message == "full");
  }
}

TEST_CASE("a write can be torn") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  Fault fault = io_error();
  fault.written_bytes = 3;
  fs.fail_at(fs.operations(), fault);
  CHECK_FALSE((*file)->write_at(0, "abcdef"));
  CHECK(*read_file(fs, "/a", 10) == "abc");
}

TEST_CASE("a full disk takes what fits and refuses the rest") {
  MemoryFileSystem fs(10);
  auto file = fs.open("/a", OpenMode::kCreate);
  REQUIRE((*file)->write_at(0, "0123456"));
  const Status refused = (*file)->write_at(7, "789abc");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kNoSpace);
  CHECK(refused.error().retryable);
  CHECK(*read_file(fs, "/a", 20) == "0123456789");
  CHECK(*fs.free_bytes("/") == 0);
  REQUIRE((*file)->write_at(2, "xx"));  // no new space needed
  fs.set_capacity(20);
  REQUIRE((*file)->write_at(10, "abc"));
}

TEST_CASE("after the halt nothing happens any more") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  REQUIRE((*file)->write_at(0, "x"));
  fs.halt_at(fs.operations());
  CHECK_FALSE((*file)->write_at(1, "y"));
  CHECK_FALSE((*file)->sync());
  CHECK_FALSE(fs.open("/b", OpenMode::kCreate));
  fs.crash();
  CHECK(fs.list("/")->empty());
}

TEST_CASE("hooks see every operation with its path") {
  MemoryFileSystem fs;
  std::vector<std::string> seen;
  fs.set_hook([&](const Operation& operation) -> std::optional<Fault> {
    if (operation.kind == OperationKind::kSyncDirectory) seen.push_back(operation.path);
    return std::nullopt;
  });
  REQUIRE(fs.make_directories("/x/y"));
  REQUIRE(write_file_atomically(fs, "/x/y/f", "z"));
  CHECK(seen == std::vector<std::string>{"/", "/x", "/x/y"});
}

TEST_CASE("an opening that fails changes nothing, and counts for no operation") {
  MemoryFileSystem fs;
  REQUIRE(write_file_atomically(fs, "/a", "old"));
  const uint64_t before = fs.operations();
  std::vector<std::string> opened;
  fs.set_open_hook([&](const std::string& path) -> std::optional<Error> {
    opened.push_back(path);
    return Error{ErrorCode::kUnavailable, "no descriptor", true};
  });
  CHECK(fs.open("/a", OpenMode::kRead).error().code == ErrorCode::kUnavailable);
  CHECK(fs.open("/b", OpenMode::kOpenOrCreate).error().retryable);
  CHECK(fs.list("/").error().code == ErrorCode::kUnavailable);
  CHECK(fs.open_folder("/").error().code == ErrorCode::kUnavailable);
  CHECK(fs.make_directories("/c").error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(fs.info("/c"));
  CHECK(fs.sync_directory("/").error().code == ErrorCode::kIo);  // nobody may try it again
  CHECK(opened == std::vector<std::string>{"/a", "/b", "/", "/", "/", "/"});
  CHECK(write_file_atomically(fs, "/a", "new").error().code == ErrorCode::kUnavailable);
  CHECK(fs.operations() == before);
  CHECK(fs.info("/a"));
  fs.crash();
  CHECK(*read_file(fs, "/a", 10) == "old");
}

TEST_CASE("a file is replaced whole or not at all, whichever opening fails") {
  for (int at = 0; at < 3; ++at) {
    MemoryFileSystem fs;
    REQUIRE(write_file_atomically(fs, "/a", "old"));
    int openings = 0;
    fs.set_open_hook([&](const std::string&) -> std::optional<Error> {
      if (openings++ != at) return std::nullopt;
      return Error{ErrorCode::kUnavailable, "no descriptor", true};
    });
    const Status written = write_file_atomically(fs, "/a", "new");
    fs.crash();
    CHECK(*read_file(fs, "/a", 10) == (written ? "new" : "old"));
    CHECK(written.has_value() == (at == 2));
    if (!written) CHECK(written.error().code == ErrorCode::kUnavailable);
  }
}

TEST_CASE("a lock does not outlive a crash") {
  MemoryFileSystem fs;
  auto held = fs.lock("/LOCK");
  REQUIRE(held);
  fs.crash();
  auto next = fs.lock("/LOCK");
  REQUIRE(next);
  held->reset();  // of the dead process: must not free the new one
  CHECK_FALSE(fs.lock("/LOCK"));
}

TEST_CASE("a killed process leaves what it wrote to the kernel") {
  MemoryFileSystem fs;
  auto file = fs.open("/a", OpenMode::kCreate);
  REQUIRE((*file)->write_at(0, "written"));
  fs.kill();
  CHECK_FALSE((*file)->sync());
  CHECK(*read_file(fs, "/a", 10) == "written");
}

TEST_CASE("flipped bits are seen") {
  MemoryFileSystem fs;
  REQUIRE(write_file_atomically(fs, "/a", "abc"));
  fs.flip("/a", 1, 1);
  CHECK(*read_file(fs, "/a", 10) == "acc");
  fs.crash();
  CHECK(*read_file(fs, "/a", 10) == "acc");
}

TEST_CASE("a sector that was on its way may arrive in part, and any of the names") {
  std::set<std::string> contents;
  std::set<std::vector<std::string>> names;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    MemoryFileSystem fs;
    Sequence chance(seed);
    REQUIRE(write_file_atomically(fs, "/a", "old old old"));
    REQUIRE((*fs.open("/a", OpenMode::kReadWrite))->write_at(0, "new new new"));
    for (const char* name : {"/b", "/c", "/d"}) REQUIRE(fs.open(name, OpenMode::kCreate));
    fs.crash(&chance);
    contents.insert(*read_file(fs, "/a", 100));
    names.insert(*fs.list("/"));
  }
  CHECK(contents.count("old old old") == 1);
  CHECK(contents.count("new new new") == 1);
  CHECK(contents.count("new new old") == 1);
  CHECK(contents.count("old old new") == 1);
  CHECK(names.size() == 8);
}

TEST_CASE("a read can be wrong in a bit, from elsewhere or stale, once") {
  MemoryFileSystem fs;
  const std::string before = std::string(512, 'a') + std::string(512, 'b');
  REQUIRE(write_file_atomically(fs, "/a", before));
  auto file = fs.open("/a", OpenMode::kReadWrite);
  const std::string after = std::string(512, 'A') + std::string(512, 'B');
  REQUIRE((*file)->write_at(0, after));
  REQUIRE((*file)->sync());
  const auto read_with = [&](Misread misread) {
    fs.set_hook([=](const Operation& operation) -> std::optional<Fault> {
      if (operation.kind != OperationKind::kRead) return std::nullopt;
      Fault fault;
      fault.misread = misread;
      fault.where = 3;
      return fault;
    });
    std::string bytes(1024, '\0');
    REQUIRE((*file)->read_at(0, bytes));
    fs.set_hook(nullptr);
    return bytes;
  };
  CHECK(read_with(Misread::kFlippedBit) == "I" + after.substr(1));
  CHECK(read_with(Misread::kElsewhere).substr(0, 512) == after.substr(512));
  CHECK(read_with(Misread::kStale) == before.substr(0, 512) + after.substr(512));
  CHECK(*read_file(fs, "/a", 2000) == after);
}

TEST_CASE("a copy of a file system goes its own way") {
  MemoryFileSystem fs;
  REQUIRE(write_file_atomically(fs, "/a", "1"));
  REQUIRE((*fs.open("/a", OpenMode::kReadWrite))->write_at(0, "2"));
  MemoryFileSystem copy;
  copy.copy_from(fs);
  CHECK(copy.operations() == fs.operations());
  REQUIRE((*fs.open("/a", OpenMode::kReadWrite))->write_at(0, "3"));
  CHECK(*read_file(copy, "/a", 10) == "2");
  copy.crash();
  CHECK(*read_file(copy, "/a", 10) == "1");
  CHECK(*read_file(fs, "/a", 10) == "3");
}

}  // namespace colloquium::io
