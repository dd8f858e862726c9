// What every FileSystem promises, run over all three.
#include "io/file_system.h"

#include <catch2/catch.hpp>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "io/forgetful_file_system.h"
#include "io/memory_file_system.h"
#include "io/path.h"
#include "tests/temporary_directory.h"

namespace colloquium::io {
namespace {

struct Posix {
  TemporaryDirectory directory;
  FileSystem& fs = posix_file_system();
  std::string root = directory.path();
};
struct Memory {
  MemoryFileSystem fs;
  std::string root = "/";
};
struct Forgetful {
  TemporaryDirectory directory;
  ForgetfulFileSystem fs{posix_file_system()};
  std::string root = directory.path();
};

std::string read_all(const FileSystem& fs, const std::string& path) {
  const Result<std::string> content = read_file(fs, path, 1 << 20);
  REQUIRE(content);
  return *content;
}

}  // namespace

TEMPLATE_TEST_CASE("a file holds what was written at each position", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string path = join(t.root, "a");
  auto file = t.fs.open(path, OpenMode::kCreate);
  REQUIRE(file);
  const std::vector<std::string_view> pieces = {"hello", "", " ", "world"};
  REQUIRE((*file)->write_at(0, pieces));
  REQUIRE((*file)->write_at(6, "There"));
  REQUIRE((*file)->write_at(13, "!"));
  std::string expected = "hello There";
  expected.append(2, '\0').append("!");
  CHECK(read_all(t.fs, path) == expected);
  REQUIRE((*file)->sync());
  CHECK(read_all(t.fs, path) == expected);
  CHECK((*file)->info()->size == 14);
  char buffer[64];
  CHECK(*(*file)->read_at(6, buffer) == 8);
  CHECK(*(*file)->read_at(14, buffer) == 0);
  CHECK(*(*file)->read_at(99, buffer) == 0);
}

TEMPLATE_TEST_CASE("more pieces than one system call takes are all written", "", Posix, Memory, Forgetful) {
  TestType t;
  auto file = t.fs.open(join(t.root, "a"), OpenMode::kOpenOrCreate);
  REQUIRE(file);
  std::vector<std::string> words;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    words.push_back(std::to_string(i));
    expected += words.back();
  }
  const std::vector<std::string_view> pieces(words.begin(), words.end());
  REQUIRE((*file)->write_at(0, pieces));
  CHECK(read_all(t.fs, join(t.root, "a")) == expected);
}

TEMPLATE_TEST_CASE("truncating cuts and extends, before and after a sync", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string path = join(t.root, "a");
  auto file = t.fs.open(path, OpenMode::kOpenOrCreate);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, "0123456789"));
  if (GENERATE(true, false)) REQUIRE((*file)->sync());
  REQUIRE((*file)->truncate(4));
  CHECK(read_all(t.fs, path) == "0123");
  REQUIRE((*file)->write_at(6, "x"));
  REQUIRE((*file)->truncate(9));
  std::string expected = "0123";
  expected.append(2, '\0').append("x").append(2, '\0');
  CHECK(read_all(t.fs, path) == expected);
  REQUIRE((*file)->sync());
  CHECK(read_all(t.fs, path) == expected);
  CHECK(t.fs.info(path)->size == 9);
}

TEMPLATE_TEST_CASE("modes of opening keep their promises", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string path = join(t.root, "a");
  CHECK(t.fs.open(path, OpenMode::kRead).error().code == ErrorCode::kNotFound);
  CHECK(t.fs.open(path, OpenMode::kReadWrite).error().code == ErrorCode::kNotFound);
  CHECK(t.fs.open(path, OpenMode::kCreate));
  CHECK(t.fs.open(path, OpenMode::kCreate).error().code == ErrorCode::kAlreadyExists);
  CHECK(t.fs.open(path, OpenMode::kOpenOrCreate));
  CHECK(t.fs.open(path, OpenMode::kReadWrite));
  CHECK(t.fs.open(join(t.root, "no/such/folder"), OpenMode::kCreate).error().code == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("folders are made, listed, renamed and removed", "", Posix, Memory, Forgetful) {
  TestType t;
  REQUIRE(t.fs.make_directories(join(t.root, "x/y/z")));
  REQUIRE(t.fs.make_directories(join(t.root, "x/y/z")));
  REQUIRE(t.fs.open(join(t.root, "x/b"), OpenMode::kCreate));
  REQUIRE(t.fs.open(join(t.root, "x/a"), OpenMode::kCreate));
  CHECK(*t.fs.list(join(t.root, "x")) == std::vector<std::string>{"a", "b", "y"});
  CHECK(t.fs.info(join(t.root, "x/y"))->is_directory);
  REQUIRE(t.fs.rename(join(t.root, "x/a"), join(t.root, "x/b")));
  CHECK(*t.fs.list(join(t.root, "x")) == std::vector<std::string>{"b", "y"});
  CHECK_FALSE(t.fs.remove(join(t.root, "x/y")));
  REQUIRE(t.fs.remove(join(t.root, "x/b")));
  CHECK(t.fs.info(join(t.root, "x/b")).error().code == ErrorCode::kNotFound);
  CHECK(t.fs.remove(join(t.root, "x/b")).error().code == ErrorCode::kNotFound);
  CHECK(t.fs.list(join(t.root, "nowhere")).error().code == ErrorCode::kNotFound);
  REQUIRE(t.fs.sync_directory(join(t.root, "x")));
}

TEMPLATE_TEST_CASE("a linked file has two names, and lives as long as one of them", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string first = join(t.root, "first");
  const std::string second = join(t.root, "folder/second");
  REQUIRE(t.fs.make_directories(join(t.root, "folder")));
  REQUIRE(write_file_atomically(t.fs, first, "one"));
  REQUIRE(t.fs.link(first, second));
  CHECK(t.fs.info(first)->inode == t.fs.info(second)->inode);
  CHECK(t.fs.info(first)->links == 2);
  CHECK(read_all(t.fs, second) == "one");
  REQUIRE((*t.fs.open(first, OpenMode::kReadWrite))->write_at(3, " two"));
  CHECK(read_all(t.fs, second) == "one two");
  REQUIRE(write_file_atomically(t.fs, first, "other"));  // the name goes to another file
  CHECK(read_all(t.fs, second) == "one two");
  REQUIRE(t.fs.remove(first));
  CHECK(read_all(t.fs, second) == "one two");
  CHECK(t.fs.link(first, join(t.root, "third")).error().code == ErrorCode::kNotFound);
  CHECK(t.fs.link(second, join(t.root, "nowhere/third")).error().code == ErrorCode::kNotFound);
  REQUIRE(write_file_atomically(t.fs, first, "again"));
  CHECK(t.fs.link(second, first).error().code == ErrorCode::kAlreadyExists);
  CHECK_FALSE(t.fs.link(join(t.root, "folder"), join(t.root, "third")));
  CHECK(read_all(t.fs, first) == "again");
}

TEMPLATE_TEST_CASE("a folder is removed with all that is in it, and one that is not there is no failure", "",
                   Posix, Memory, Forgetful) {
  TestType t;
  REQUIRE(t.fs.make_directories(join(t.root, "x/y")));
  REQUIRE(write_file_atomically(t.fs, join(t.root, "x/y/a"), "1"));
  REQUIRE(write_file_atomically(t.fs, join(t.root, "x/b"), "2"));
  REQUIRE(write_file_atomically(t.fs, join(t.root, "c"), "3"));
  REQUIRE(remove_tree(t.fs, join(t.root, "x")));
  CHECK(*t.fs.list(t.root) == std::vector<std::string>{"c"});
  REQUIRE(remove_tree(t.fs, join(t.root, "x")));
}

TEMPLATE_TEST_CASE("a small file is replaced as a whole", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string path = join(t.root, "meta");
  REQUIRE(write_file_atomically(t.fs, path, "one, which is longer"));
  REQUIRE(write_file_atomically(t.fs, path, "two"));
  CHECK(read_all(t.fs, path) == "two");
  CHECK(*t.fs.list(t.root) == std::vector<std::string>{"meta"});
  CHECK(read_file(t.fs, path, 2).error().code == ErrorCode::kLimit);
}

TEST_CASE("what is no file of bytes is not read whole, but refused") {
  TemporaryDirectory directory;
  const std::string pipe = directory.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  // Nobody writes to it: opening it would wait for ever.
  const auto got = read_file(posix_file_system(), pipe, 100);
  CHECK(got.error().code == ErrorCode::kInvalidInput);
  CHECK(got.error().message.find("no file of bytes") != std::string::npos);
}

TEST_CASE("a path beside a file starts at its folder, and has one spelling") {
  CHECK(beside("a/b.json", "c.json") == "a/c.json");
  CHECK(beside("b.json", "c.json") == "c.json");
  CHECK(beside("b.json", "./x/../c.json") == "c.json");
  CHECK(beside("a/b/c.json", "../d.json") == "a/d.json");
  CHECK(beside("b.json", "../../d.json") == "../../d.json");
  CHECK(beside("/a/b.json", "c/d.json") == "/a/c/d.json");
  CHECK(beside("a/b.json", "/x//y.json") == "/x/y.json");
}

TEMPLATE_TEST_CASE("a file beside another is read", "", Posix, Memory) {
  TestType t;
  REQUIRE(write_file_atomically(t.fs, join(t.root, "lib.json"), "1"));
  std::string found, problem;
  CHECK(read_beside(t.fs, "lib.json", join(t.root, "main.json"), 10, found, problem) == "1");
  CHECK(found == join(t.root, "lib.json"));
  CHECK_FALSE(read_beside(t.fs, "none.json", join(t.root, "main.json"), 10, found, problem));
  CHECK(problem.find("none.json") != std::string::npos);
}

TEMPLATE_TEST_CASE("a lock is held once and free again when its holder goes", "", Posix, Memory, Forgetful) {
  TestType t;
  const std::string path = join(t.root, "LOCK");
  auto first = t.fs.lock(path);
  REQUIRE(first);
  const auto second = t.fs.lock(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kConflict);
  first->reset();
  CHECK(t.fs.lock(path));
}

TEMPLATE_TEST_CASE("space on the disk is told", "", Posix, Memory, Forgetful) {
  TestType t;
  CHECK(*t.fs.free_bytes(t.root) > 0);
  CHECK(*t.fs.free_bytes(t.root) <= *t.fs.total_bytes(t.root));
}

TEST_CASE("errors say what was attempted, on what, why, and what to do") {
  const auto missing = posix_file_system().open("/nowhere/at/all", OpenMode::kRead);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "cannot open '/nowhere/at/all': No such file or directory; check the path");
  const auto full = posix_file_system().open("/dev/full", OpenMode::kReadWrite);
  REQUIRE(full);
  const Status written = (*full)->write_at(0, "x");
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ErrorCode::kNoSpace);
  CHECK(written.error().retryable);
}

TEST_CASE("an opening without a free descriptor does nothing, and may be tried again") {
  Posix t;
  const std::string path = join(t.root, "file");
  REQUIRE(write_file_atomically(t.fs, path, "old"));
  auto folder = t.fs.open_folder(t.root);
  REQUIRE(folder);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto opened = t.fs.open(path, OpenMode::kRead);
  const auto listed = t.fs.list(t.root);
  const Status written = write_file_atomically(t.fs, path, "new");
  const Status synced = t.fs.sync_directory(t.root);
  const Status synced_open = (*folder)->sync();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kUnavailable);
  CHECK(opened.error().retryable);
  CHECK(opened.error().message.find("ulimit -n") != std::string::npos);
  CHECK(listed.error().code == ErrorCode::kUnavailable);
  CHECK(written.error().code == ErrorCode::kUnavailable);
  CHECK(synced.error().code == ErrorCode::kIo);  // what was changed before may not last
  CHECK_FALSE(synced.error().retryable);
  CHECK(synced_open);
  CHECK(t.fs.list(t.root)->size() == 1);
  CHECK(read_all(t.fs, path) == "old");
}

TEST_CASE("a lock held by another process is refused") {
  const TemporaryDirectory directory;
  const std::string path = join(directory.path(), "LOCK");
  int to_child[2], to_parent[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(to_parent) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = posix_file_system().lock(path);
    const char answer = held ? 'y' : 'n';
    char ignored = 0;
    if (::write(to_parent[1], &answer, 1) != 1 || ::read(to_child[0], &ignored, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char answer = 0;
  REQUIRE(::read(to_parent[0], &answer, 1) == 1);
  REQUIRE(answer == 'y');
  CHECK(posix_file_system().lock(path).error().code == ErrorCode::kConflict);
  REQUIRE(::write(to_child[1], "x", 1) == 1);
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(posix_file_system().lock(path));
  for (const int end : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(end);
}

TEST_CASE("paths are joined and cut at slashes") {
  CHECK(join("a", "b") == "a/b");
  CHECK(join("a/", "b") == "a/b");
  CHECK(join("", "b") == "b");
  CHECK(parent_of("a/b") == "a");
  CHECK(parent_of("/a") == "/");
  CHECK(parent_of("a") == ".");
  CHECK(parent_of("/a/b/") == "/a");
}

}  // namespace colloquium::io
