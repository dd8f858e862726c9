#include "components/file/file_sink.h"

#include <catch2/catch.hpp>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/logging.h"
#include "io/file_system.h"
#include "io/memory_file_system.h"
#include "loop/test_loop.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

// One run of a sink.
class Run {
 public:
  Run(io::FileSystem& fs, const std::string& path) {
    ComponentContext context{loop, clock, random, services, "p", "out", ""};
    FileSinkConfig config;
    config.path = path;
    sink = std::make_unique<FileSink>(std::move(context), config, fs,
                                      formats::BatchText::create(*config.format.format, nullptr).value());
  }
  ~Run() {
    if (sink) close();
  }
  void begin(const std::string& committed = "") {
    const Status restored = sink->restore(committed);
    REQUIRE(restored);
    REQUIRE(sink->start());
  }
  // Writes are numbered by the order of their calls.
  void write(const std::vector<std::string>& values) {
    const size_t index = results.size();
    results.emplace_back();
    sink->write(batch_of(values), [this, index](std::vector<EventOutcome> outcomes) {
      results[index] = std::move(outcomes);
      order += "w" + std::to_string(index) + " ";
    });
  }
  void ask_token() {
    sink->token([this](Result<std::string> got) {
      token = std::move(got);
      order += "t ";
    });
  }
  // Everything written so far is committed; its token.
  std::string commit() {
    ask_token();
    loop.run_until_idle();
    REQUIRE(token);
    return *token;
  }
  void close() {
    bool closed = false;
    sink->close([&] { closed = true; });
    CHECK_FALSE(closed);
    loop.run_until_idle();
    CHECK(closed);
    sink.reset();
  }

  ManualClock clock;
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  std::unique_ptr<FileSink> sink;
  std::vector<std::vector<EventOutcome>> results;
  std::string order;
  Result<std::string> token;
};

struct Fixture {
  std::string content(const std::string& path = "out") const { return io::read_file(fs, path, 1 << 20).value(); }
  io::MemoryFileSystem fs;
};

TEST_CASE("events are appended as lines, in call order, into folders that are made", "[REQ-018]") {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/a/b/out.ndjson";
  Run run(io::posix_file_system(), path);
  run.begin();
  run.write({"{\"a\": 1}", "[\n1,\n2\n]"});
  run.write({"3"});
  run.commit();
  run.write({"4"});
  run.loop.run_until_idle();
  CHECK(run.order == "w0 w1 t w2 ");
  CHECK(run.results[0].empty());
  CHECK(io::read_file(io::posix_file_system(), path, 1000).value() == "{\"a\": 1}\n[1,2]\n3\n4\n");
  CHECK(run.sink->has_token());
  CHECK(run.sink->guarantee() == Guarantee::kExactlyOnce);
}

// A sink over a file with the lines 1, 2, 3, of which only 1 is committed; gives the token.
std::string leave_uncommitted(const std::string& path) {
  Run run(io::posix_file_system(), path);
  run.begin();
  run.write({"1"});
  std::string token = run.commit();
  run.write({"2", "3"});
  run.loop.run_until_idle();
  return token;
}

std::string text_of(const std::string& path) {
  return io::read_file(io::posix_file_system(), path, 1000).value();
}

TEST_CASE("after a restart what was not committed is recognised when it comes again", "[REQ-018]") {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/out";
  const std::string token = leave_uncommitted(path);
  CHECK(text_of(path) == "1\n2\n3\n");
  std::string log;
  set_log_writer([&](std::string_view line) { log += line; });
  Run run(io::posix_file_system(), path);
  run.begin(token);
  set_log_writer(nullptr);
  CHECK_THAT(log, Catch::Contains("behind what was committed") && Catch::Contains("bytes=4"));
  run.write({"2"});
  CHECK(run.commit() != token);
  CHECK(text_of(path) == "1\n2\n3\n");
  run.write({"3", "4"});
  run.commit();
  CHECK(text_of(path) == "1\n2\n3\n4\n");
}

TEST_CASE("lines that somebody else put behind the committed ones are moved, never thrown away", "[REQ-018]") {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/out";
  const std::string token = leave_uncommitted(path);
  Run run(io::posix_file_system(), path);
  run.begin(token);
  run.write({"2", "5"});
  run.commit();
  run.write({"6"});
  run.commit();
  CHECK(text_of(path) == "1\n2\n5\n6\n");
  // All of the tail from the first write that differs on.
  CHECK(text_of(path + ".uncommitted-2") == "2\n3\n");
}

TEST_CASE("lines that come again in another order stand in the file once, and nothing is left beside it") {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/out";
  const std::string token = leave_uncommitted(path);
  Run run(io::posix_file_system(), path);
  run.begin(token);
  run.write({"3"});
  run.commit();
  CHECK(text_of(path + ".uncommitted-2") == "2\n3\n");
  run.write({"2"});
  run.commit();
  CHECK(text_of(path) == "1\n3\n2\n");
  CHECK_FALSE(io::posix_file_system().info(path + ".uncommitted-2").has_value());
}

TEST_CASE("a token is given only when what it covers survives the power going") {
  Fixture f;
  std::string token;
  {
    Run run(f.fs, "folder/out");
    run.begin();
    run.write({"1", "2"});
    token = run.commit();
    run.write({"3"});
    run.loop.run_until_idle();
  }
  f.fs.crash();
  CHECK_THAT(f.content("folder/out"), Catch::StartsWith("1\n2\n"));
  Run run(f.fs, "folder/out");
  run.begin(token);
  CHECK(f.content("folder/out") == "1\n2\n");
}

TEST_CASE("without writes a token costs no sync and is the same") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.write({"1"});
  const std::string first = run.commit();
  const uint64_t operations = f.fs.operations();
  CHECK(run.commit() == first);
  CHECK(f.fs.operations() == operations);
}

TEST_CASE("the first token speaks of a file that was there before, and appends to it") {
  Fixture f;
  auto file = f.fs.open("out", io::OpenMode::kCreate).value();
  REQUIRE(file->write_at(0, std::string_view("\"before\"\n")));
  Run run(f.fs, "out");
  run.begin();
  const std::string token = run.commit();
  CHECK_THAT(token, Catch::StartsWith("file 1 ") && Catch::EndsWith(" 9"));
  run.write({"1"});
  run.loop.run_until_idle();
  CHECK(f.content() == "\"before\"\n1\n");
}

TEST_CASE("a line that someone else left without its end is ended first") {
  Fixture f;
  auto file = f.fs.open("out", io::OpenMode::kCreate).value();
  REQUIRE(file->write_at(0, std::string_view("\"torn")));
  Run run(f.fs, "out");
  run.begin();
  run.write({"1"});
  run.loop.run_until_idle();
  CHECK(f.content() == "\"torn\n1\n");
}

TEST_CASE("a full disk makes every event wait, and leaves no part of a line") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.write({"\"first\""});
  run.loop.run_until_idle();
  f.fs.set_capacity(12);
  run.write({"\"second\"", "\"third\""});
  run.write({"\"fourth\""});
  run.loop.run_until_idle();
  REQUIRE(run.results[1].size() == 2);
  for (const EventOutcome& outcome : run.results[1]) {
    CHECK(outcome.outcome == Outcome::kRetry);
    CHECK(outcome.error.code == ErrorCode::kNoSpace);
  }
  CHECK(run.results[2].size() == 1);
  CHECK(f.content() == "\"first\"\n");
  CHECK_FALSE(run.sink->broken());
  f.fs.set_capacity(1000);
  run.write({"\"second\"", "\"third\""});
  run.loop.run_until_idle();
  CHECK(run.results[3].empty());
  CHECK(f.content() == "\"first\"\n\"second\"\n\"third\"\n");
}

TEST_CASE("what a failed write left is cut off later if it could not be cut off at once") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.write({"1"});
  run.loop.run_until_idle();
  f.fs.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    const Error error{ErrorCode::kIo, "the disk reported an error", false, {}};
    if (operation.kind == io::OperationKind::kWrite) return io::Fault{.error = error, .written_bytes = 2};
    if (operation.kind == io::OperationKind::kTruncate) return io::Fault{.error = error};
    return std::nullopt;
  });
  run.write({"234"});
  run.loop.run_until_idle();
  CHECK(run.results[1].size() == 1);
  CHECK(f.content() == "1\n23");
  run.write({"234"});
  run.loop.run_until_idle();
  CHECK(run.results[2].size() == 1);
  f.fs.set_hook(nullptr);
  run.write({"5"});
  const std::string token = run.commit();
  CHECK(f.content() == "1\n5\n");
  CHECK_THAT(token, Catch::EndsWith(" 4"));
}

TEST_CASE("a failed sync breaks the sink for good") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.write({"1"});
  run.loop.run_until_idle();
  f.fs.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kSync) return std::nullopt;
    return io::Fault{.error = Error{ErrorCode::kIo, "the disk reported an error", false, {}}, .loses_dirty = true};
  });
  run.ask_token();
  run.loop.run_until_idle();
  CHECK_FALSE(run.token);
  REQUIRE(run.sink->broken());
  f.fs.set_hook(nullptr);
  run.ask_token();
  run.loop.run_until_idle();
  REQUIRE_FALSE(run.token);
  CHECK_THAT(run.token.error().message, Catch::Contains("the disk reported an error"));
}

TEST_CASE("a sink refuses a file that is not as the commit left it, and leaves it alone") {
  Fixture f;
  std::string token;
  {
    Run run(f.fs, "out");
    run.begin();
    run.write({"1", "2", "3"});
    token = run.commit();
  }
  std::string expected;
  std::string left;
  SECTION("gone") {
    REQUIRE(f.fs.remove("out"));
    expected = "is gone";
  }
  SECTION("replaced") {
    REQUIRE(f.fs.remove("out"));
    auto other = f.fs.open("out", io::OpenMode::kCreate).value();
    REQUIRE(other->write_at(0, std::string_view("another file, longer\n")));
    expected = "was replaced";
    left = "another file, longer\n";
  }
  SECTION("cut") {
    REQUIRE(f.fs.open("out", io::OpenMode::kReadWrite).value()->truncate(3));
    expected = "has 3 bytes, but 6 were committed";
    left = "1\n2";
  }
  Run run(f.fs, "out");
  const Status restored = run.sink->restore(token);
  REQUIRE_FALSE(restored);
  CHECK_THAT(restored.error().message, Catch::Contains("'out'") && Catch::Contains(expected) &&
                                           Catch::Contains("give the sink another name"));
  if (!left.empty()) CHECK(f.content() == left);
  if (left.empty()) CHECK_FALSE(f.fs.info("out"));
}

TEST_CASE("what is no token of this version is refused") {
  Fixture f;
  const char* text = GENERATE("x", "file 2 1 2", "file 1 1", "file 1 1 2 3", "file 1 -1 2", "file 1 1 2x");
  Run run(f.fs, "out");
  const Status restored = run.sink->restore(text);
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("one file belongs to one sink") {
  TemporaryDirectory folder;
  Run first(io::posix_file_system(), folder.path() + "/out");
  first.begin();
  Run second(io::posix_file_system(), folder.path() + "/out");
  const Status restored = second.sink->restore("");
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == ErrorCode::kConflict);
  CHECK_THAT(restored.error().message, Catch::Contains("another sink or process"));
  first.close();
  Run third(io::posix_file_system(), folder.path() + "/out");
  third.begin();
}

TEST_CASE("a sink does not start where it may not write, nor on a folder") {
  Fixture f;
  f.fs.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kOpen) return std::nullopt;
    return io::Fault{Error{ErrorCode::kPermission, "cannot open '" + operation.path + "'", false, {}}};
  });
  Run forbidden(f.fs, "out");
  const Status restored = forbidden.sink->restore("");
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == ErrorCode::kPermission);
  CHECK_THAT(restored.error().message, Catch::Contains("'out'"));
  f.fs.set_hook(nullptr);
  REQUIRE(f.fs.make_directories("folder"));
  Run folder(f.fs, "folder");
  CHECK_THAT(folder.sink->restore("").error().message, Catch::Contains("not a file of bytes"));
}

TEST_CASE("closing ends what waits with a retry, and waits for what is under way") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.write({"1"});
  run.write({"2"});
  run.ask_token();
  run.close();
  CHECK(run.results[0].empty());
  REQUIRE(run.results[1].size() == 1);
  CHECK(run.results[1][0].outcome == Outcome::kRetry);
  REQUIRE_FALSE(run.token);
  CHECK(run.token.error().code == ErrorCode::kCancelled);
  CHECK(f.content() == "1\n");
}

TEST_CASE("a busy offload pool only delays, and keeps the order") {
  Fixture f;
  Run run(f.fs, "out");
  run.begin();
  run.loop.set_offload_capacity(0);
  run.write({"1"});
  run.write({"2"});
  run.ask_token();
  run.loop.advance(100);
  CHECK(run.order.empty());
  run.loop.set_offload_capacity(1);
  run.loop.advance(100);
  CHECK(run.order == "w0 w1 t ");
  CHECK(f.content() == "1\n2\n");
}

// Whenever the power goes, what the last token covers is there, and only that after the restart.
TEST_CASE("a crash at any operation leaves every committed line exactly once", "[REQ-018]") {
  for (uint64_t halt = 0; halt < 40; ++halt) {
    Fixture f;
    SeededRandom chance(halt);
    std::string token;
    size_t committed = 0;
    {
      f.fs.halt_at(halt);
      Run run(f.fs, "folder/out");
      if (run.sink->restore("")) {
        for (size_t i = 0; i < 6; ++i) {
          run.write({std::to_string(i)});
          run.ask_token();
          run.loop.run_until_idle();
          if (!run.token || !run.results.back().empty()) break;
          token = *run.token;
          committed = i + 1;
        }
      }
    }
    f.fs.crash(&chance);
    if (committed == 0) continue;
    Run run(f.fs, "folder/out");
    run.begin(token);
    for (size_t i = committed; i < 6; ++i) run.write({std::to_string(i)});
    run.commit();
    INFO("halt at " << halt << ", committed " << committed);
    CHECK(f.content("folder/out") == "0\n1\n2\n3\n4\n5\n");
  }
}

}  // namespace
}  // namespace colloquium::components
