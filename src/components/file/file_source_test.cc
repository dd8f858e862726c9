#include "components/file/file_source.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/logging.h"
#include "io/file_system.h"
#include "io/memory_file_system.h"
#include "loop/test_loop.h"
#include "tests/fake_intake.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

formats::SourceFormatSetting csv() {
  formats::SourceFormatSetting setting;
  ConfigProblems none;
  ConfigNode name;
  name.kind = ConfigNode::Kind::kString;
  name.text = "csv";
  ConfigType<formats::SourceFormatSetting>::describe("format", {}).read(name, "format", &setting, none);
  REQUIRE(none.empty());
  return setting;
}

// One run of a source over a file of the test.
class Run {
 public:
  Run(io::FileSystem& fs, const std::string& path, formats::SourceFormatSetting format)
      : Run(fs, path, false, 1 << 20, std::move(format)) {}
  Run(io::FileSystem& fs, const std::string& path, bool from_start = false, int64_t max_event = 1 << 20,
      formats::SourceFormatSetting format = {}) {
    SourceContext context{
        {loop, clock, random, services, "p", "in", ""}, intake, from_start, [this] { ++finished; }};
    FileSourceConfig config;
    config.path = path;
    config.max_event = {max_event};
    config.format = std::move(format);
    source = std::make_unique<FileSource>(std::move(context), config, fs);
  }
  ~Run() {
    if (source) close();
  }
  // Reads to the end; what was accepted.
  std::string all(const std::string& cursor = "") {
    const Status started = source->start(cursor);
    REQUIRE(started);
    loop.run_until_idle();
    CHECK(finished == 1);
    return intake.accepted;
  }
  void close() {
    bool closed = false;
    source->close([&] { closed = true; });
    CHECK_FALSE(closed);
    loop.run_until_idle();
    CHECK(closed);
    source.reset();
  }

  ManualClock clock;
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  FakeIntake intake{loop};
  int finished = 0;
  std::unique_ptr<FileSource> source;
};

class Fixture {
 public:
  Fixture() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
  }
  ~Fixture() { set_log_writer(nullptr); }
  void write(std::string_view content) {
    auto file = fs.open("in", io::OpenMode::kOpenOrCreate).value();
    REQUIRE(file->truncate(0));
    REQUIRE(file->write_at(0, content));
  }
  io::MemoryFileSystem fs;
  std::string log;
};

// About `size` bytes of numbered lines.
std::string lines(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  return text;
}

TEST_CASE("a file is read once, whole, in bodies of whole lines", "[REQ-004]") {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/in.ndjson";
  const std::string content = lines(5 << 20) + "\"no line break\"";
  {
    auto file = io::posix_file_system().open(path, io::OpenMode::kCreate).value();
    REQUIRE(file->write_at(0, content));
  }
  Run run(io::posix_file_system(), path);
  CHECK(run.all() == content);
  REQUIRE(run.intake.emitted.size() >= 6);
  int64_t next = 0;
  for (size_t i = 0; i < run.intake.emitted.size(); ++i) {
    const RawBatch& batch = run.intake.emitted[i];
    CHECK(batch.position == next);
    next += static_cast<int64_t>(batch.body->size());
    CHECK(batch.format == BodyFormat::kNdjson);
    CHECK(batch.bad_event == BadEventPolicy::kDeadLetter);
    CHECK(batch.order_key == run.intake.emitted[0].order_key);
    CHECK_FALSE(batch.cursor.empty());
    if (i + 1 < run.intake.emitted.size()) CHECK(batch.body->back() == '\n');
  }
}

TEST_CASE("after a restart a source goes on behind what was accepted", "[REQ-004]") {
  Fixture f;
  const std::string content = lines(3 << 20);
  f.write(content);
  std::string cursor;
  std::string before;
  {
    Run run(f.fs, "in");
    run.intake.hold();
    REQUIRE(run.source->start(""));
    run.loop.run_until_idle();
    run.intake.accept();
    cursor = run.intake.cursor;
    before = run.intake.accepted;
    CHECK(run.finished == 0);
  }
  Run again(f.fs, "in");
  CHECK(before + again.all(cursor) == content);
  CHECK(again.intake.emitted.front().position == static_cast<int64_t>(before.size()));
  CHECK_THAT(f.log, Catch::Contains("going on where the last run stopped"));
}

TEST_CASE("a file that was read to its end is not read again, unless from the start") {
  Fixture f;
  f.write("1\n2\n");
  Run first(f.fs, "in");
  CHECK(first.all() == "1\n2\n");
  const std::string cursor = first.intake.cursor;
  Run second(f.fs, "in");
  CHECK(second.all(cursor).empty());
  CHECK_THAT(f.log, Catch::Contains("--from-start") && Catch::Contains("path=in"));
  Run third(f.fs, "in", true);
  CHECK(third.all(cursor) == "1\n2\n");
  // The log knows the positions of the first run; those of this one must not look the same.
  CHECK(third.intake.emitted[0].position > 4);
  Run fourth(f.fs, "in");
  CHECK(fourth.all(third.intake.cursor).empty());
}

TEST_CASE("a file that grew is continued") {
  Fixture f;
  f.write("1\n2\n");
  Run first(f.fs, "in");
  first.all();
  f.write("1\n2\n3\n");
  Run second(f.fs, "in");
  CHECK(second.all(first.intake.cursor) == "3\n");
}

TEST_CASE("another file under the same name is read from its start, at higher positions") {
  Fixture f;
  f.write("1\n2\n3\n");
  Run first(f.fs, "in");
  first.all();
  const char* content = GENERATE("9\n8\n7\n6\n", "1\n", "1\n2\n4\n5\n");
  f.write(content);
  Run second(f.fs, "in");
  CHECK(second.all(first.intake.cursor) == content);
  CHECK(second.intake.emitted[0].position > 6);
  CHECK_THAT(f.log, Catch::Contains("reading it from its start"));
}

TEST_CASE("an empty file finishes without an event") {
  Fixture f;
  f.write("");
  Run run(f.fs, "in");
  CHECK(run.all().empty());
  CHECK(run.intake.emitted.empty());
}

TEST_CASE("at most four chunks are at the door, and nothing goes there while it is not ready") {
  Fixture f;
  const std::string content = lines(8 << 20);
  f.write(content);
  Run run(f.fs, "in");
  run.intake.hold();
  run.intake.set_ready(false);
  REQUIRE(run.source->start(""));
  run.loop.run_until_idle();
  CHECK(run.intake.under_way() == 0);
  run.intake.set_ready(true);
  run.loop.run_until_idle();
  CHECK(run.intake.under_way() == 4);
  run.intake.accept();
  run.loop.run_until_idle();
  CHECK(run.intake.under_way() == 4);
  while (run.intake.under_way() > 0) {
    run.intake.accept();
    run.loop.run_until_idle();
  }
  CHECK(run.intake.accepted == content);
  CHECK(run.finished == 1);
}

TEST_CASE("what the door turns away is offered again in order, and nothing is skipped") {
  Fixture f;
  const std::string content = lines(6 << 20);
  f.write(content);
  Run run(f.fs, "in");
  run.intake.hold();
  REQUIRE(run.source->start(""));
  run.loop.run_until_idle();
  run.intake.accept();
  run.loop.run_until_idle();
  REQUIRE(run.intake.under_way() == 4);
  const size_t emitted = run.intake.emitted.size();
  const int64_t first_refused = run.intake.emitted[emitted - 4].position;
  run.intake.refuse(ErrorCode::kNoSpace, 300);
  run.loop.advance(1000);
  CHECK(run.intake.under_way() == 3);  // nothing new while some are still out
  while (run.intake.under_way() > 0) run.intake.refuse(ErrorCode::kUnavailable, 0);
  run.loop.advance(299);
  CHECK(run.intake.under_way() == 0);
  run.loop.advance(1);
  CHECK(run.intake.under_way() == 4);
  CHECK(run.intake.emitted[emitted].position == first_refused);
  while (run.intake.under_way() > 0) {
    run.intake.accept();
    run.loop.run_until_idle();
  }
  CHECK(run.intake.accepted == content);
  CHECK(run.finished == 1);
  CHECK_THAT(f.log, Catch::Contains("offered again until it is"));
}

TEST_CASE("a line longer than max_event becomes one bad event and reading goes on behind it") {
  Fixture f;
  const std::string longline(3 << 20, '9');
  f.write("1\n" + longline + "\n2\n");
  Run run(f.fs, "in", false, 1000);
  run.all();
  REQUIRE(run.intake.emitted.size() == 3);
  CHECK(run.intake.emitted[1].body->size() == 1001);
  CHECK(run.intake.emitted[1].body->back() == '\x01');
  CHECK(*run.intake.emitted[2].body == "2\n");
  CHECK(run.intake.emitted[2].position == static_cast<int64_t>(longline.size() + 3));
  // The cursor behind the long line still finds the file.
  Run again(f.fs, "in");
  CHECK(again.all(run.intake.emitted[1].cursor) == "2\n");
}

TEST_CASE("a line longer than a chunk and within max_event is one event") {
  Fixture f;
  const std::string longline(3 << 20, '9');
  f.write("1\n" + longline + "\n2\n");
  Run run(f.fs, "in", false, 4 << 20);
  CHECK(run.all() == "1\n" + longline + "\n2\n");
}

TEST_CASE("a failed read is tried again") {
  Fixture f;
  f.write("1\n");
  Run run(f.fs, "in");
  REQUIRE(run.source->start(""));
  f.fs.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kRead) return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "the disk reported an error", false, {}}};
  });
  run.loop.run_until_idle();
  CHECK(run.intake.emitted.empty());
  CHECK_THAT(f.log, Catch::Contains("the disk reported an error"));
  f.fs.set_hook(nullptr);
  run.loop.advance(1000);
  CHECK(run.intake.accepted == "1\n");
  CHECK(run.finished == 1);
}

TEST_CASE("a CSV file is read behind its header, and resumed with it") {
  Fixture f;
  f.write("a,b\n1,2\n");
  const auto run = [&](const std::string& cursor) {
    auto next = std::make_unique<Run>(f.fs, "in", csv());
    next->all(cursor);
    return next;
  };
  const auto first = run("");
  REQUIRE(first->intake.emitted.size() == 1);
  CHECK(first->intake.accepted == "1,2\n");
  CHECK(first->intake.emitted[0].position == 4);
  f.write("a,b\n1,2\n3,4\n");
  const auto second = run(first->intake.cursor);
  CHECK(second->intake.accepted == "3,4\n");
  CHECK(second->intake.emitted[0].position == 8);
  std::vector<char> json;
  CHECK_FALSE(second->intake.emitted[0].decoder->decode("3,4", json));
  CHECK(std::string(json.begin(), json.end()) == R"({"a":"3","b":"4"})");
}

TEST_CASE("a source does not start on a missing file, a folder, or a foreign cursor") {
  Fixture f;
  Run missing(f.fs, "nothing/here");
  const Status not_found = missing.source->start("");
  REQUIRE_FALSE(not_found);
  CHECK(not_found.error().code == ErrorCode::kNotFound);
  CHECK_THAT(not_found.error().message, Catch::Contains("nothing/here"));
  REQUIRE(f.fs.make_directories("folder"));
  Run folder(f.fs, "folder");
  CHECK_THAT(folder.source->start("").error().message, Catch::Contains("not a file of bytes"));
  f.write("1\n");
  Run foreign(f.fs, "in");
  CHECK(foreign.source->start("kafka 1").error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a stopped source emits nothing more, and late acknowledgements do no harm") {
  Fixture f;
  f.write(lines(6 << 20));
  Run run(f.fs, "in");
  run.intake.hold();
  REQUIRE(run.source->start(""));
  run.loop.run_until_idle();
  const size_t emitted = run.intake.emitted.size();
  run.source->stop_intake();
  run.intake.accept();
  run.intake.refuse(ErrorCode::kUnavailable, 0);
  run.loop.advance(5000);
  CHECK(run.intake.emitted.size() == emitted);
  run.close();
  while (run.intake.under_way() > 0) run.intake.accept();
  CHECK(run.finished == 0);
}

TEST_CASE("a source closes while a read is under way, and a busy pool only delays") {
  Fixture f;
  f.write("1\n");
  {
    Run run(f.fs, "in");
    REQUIRE(run.source->start(""));
    CHECK(run.loop.offload_depth() == 1);
    run.close();
    CHECK(run.intake.emitted.empty());
  }
  Run run(f.fs, "in");
  run.loop.set_offload_capacity(0);
  REQUIRE(run.source->start(""));
  run.loop.advance(100);
  CHECK(run.intake.emitted.empty());
  run.loop.set_offload_capacity(1);
  run.loop.advance(100);
  CHECK(run.intake.accepted == "1\n");
}

}  // namespace
}  // namespace colloquium::components
