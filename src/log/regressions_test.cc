// What the simulator (tests/sim) found wrong once, each by name and in small.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/batch_cursor.h"
#include "log/epochs.h"
#include "log/layout.h"
#include "log/record_batch.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

using contract::encoded;
using contract::values;

// One machine, with one log after the other.
struct Scene {
  ManualClock clock;
  SimExecutor executor{3, clock};
  SeededRandom random{9};
  io::MemoryFileSystem files;
  LogOptions options;
  std::vector<Error> failures;
  std::unique_ptr<SegmentLog> log;

  Status open() {
    log.reset();
    failures.clear();
    LogOptions copy = options;
    copy.directory = "data";
    copy.files = &files;
    copy.executor = &executor;
    copy.clock = &clock;
    copy.random = &random;
    copy.on_failure = [this](const Error& error) { failures.push_back(error); };
    TRY_ASSIGN(log, SegmentLog::open(std::move(copy)));
    return Status();
  }
  StreamId stream(const std::string& name = "s") { return *log->open_stream({name, 1}); }
  Result<AppendResult> append(const std::string& value) {
    return contract::append(*log, executor, stream(), 0, encoded(values({value})));
  }
  Status commit(const std::string& token, bool with_output = false) {
    CommitRequest request;
    request.leg = "p/leg";
    request.sink_token = token;
    if (with_output) request.outputs.push_back({stream(), 0, encoded(values({token}))});
    return contract::commit(*log, executor, std::move(request));
  }
  // The power goes, or only the process.
  void stop(bool power) {
    files.halt_at(0);
    log.reset();
    executor.run_until_idle();
    if (power) {
      files.crash();
    } else {
      files.kill();
    }
  }
  // The next operation of that kind on such a file finds the disk full.
  void fill_at(io::OperationKind kind, const std::string& part) {
    files.set_hook([=, hit = false](const io::Operation& operation) mutable -> std::optional<io::Fault> {
      if (hit || operation.kind != kind || operation.path.find(part) == std::string::npos) return std::nullopt;
      hit = true;
      return io::Fault{Error{ErrorCode::kNoSpace, "full", true}};
    });
  }
};

}  // namespace

TEST_CASE("a log that goes without being closed still does what its thread has begun") {
  Scene scene;
  scene.options.group_bytes = 1;
  REQUIRE(scene.open());
  const StreamId stream = scene.stream();
  int told = 0;
  for (int i = 0; i < 3; ++i) {
    scene.log->append(stream, 0, encoded(values({"1"})), AckLevel::kDurable,
                      [&](const Result<AppendResult>&) { ++told; });
  }
  scene.log.reset();
  CHECK(told == 1);
  scene.files.kill();
  REQUIRE(scene.open());
  CHECK(contract::read_all(*scene.log, scene.stream(), 0).size() == 1);
}

TEST_CASE("an incarnation that was cut does not write again after a clean stop either") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.fill_at(io::OperationKind::kWrite, "s/0");
  REQUIRE(scene.append("2").error().code == ErrorCode::kNoSpace);
  REQUIRE(scene.log->close());
  REQUIRE(scene.open());
  CHECK(scene.log->recovery().clean);
  CHECK(EpochTable::read(scene.files, epochs_path(partition_directory("data", "s", 0)))->current() == 1);
  REQUIRE(scene.append("3"));
}

TEST_CASE("a sync mark whose header alone is damaged still says that what is before it was synced") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.clock.advance_ms(5000);
  scene.log->tick();
  scene.executor.run_until_idle();
  scene.stop(false);
  const std::string path = segment_path(partition_directory("data", "s", 0), 0, "log");
  const uint64_t size = scene.files.info(path)->size;
  REQUIRE(size > kSyncMarkBytes + kHeaderBytes);
  scene.files.flip(path, 20, 0xff);                         // in the event's batch
  scene.files.flip(path, size - kSyncMarkBytes + 4, 0x10);  // in the mark's offset
  const Status opened = scene.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kCorrupt);
  CHECK(scene.files.info(path)->size == size);
}

TEST_CASE("a commit that found the disk full is in no checkpoint of a later journal segment") {
  Scene scene;
  scene.options.journal_segment_bytes = 500;
  REQUIRE(scene.open());
  REQUIRE(scene.commit("1"));
  scene.fill_at(io::OperationKind::kWrite, "journal");
  REQUIRE(scene.commit("2", true).error().code == ErrorCode::kNoSpace);
  scene.files.set_hook(nullptr);
  for (int i = 0; i < 20; ++i) {
    CommitRequest request;
    request.leg = "p/other";
    request.sink_token = std::to_string(i);
    REQUIRE(contract::commit(*scene.log, scene.executor, std::move(request)));
  }
  scene.stop(false);
  const auto segments = list_segments(scene.files, journal_directory("data"));
  REQUIRE(segments);
  REQUIRE(segments->back() > 0);  // the first one is gone, and a checkpoint in its place
  REQUIRE(scene.open());
  CHECK(scene.log->leg_state("p/leg")->sink_token == "1");
  CHECK(scene.log->leg_state("p/other")->sink_token == "19");
  CHECK(contract::read_all(*scene.log, scene.stream(), 0).empty());
}

TEST_CASE(
    "what is queued behind an append that found the disk full fails with it, although there is space again") {
  Scene scene;
  scene.options.group_bytes = 1;
  REQUIRE(scene.open());
  const StreamId stream = scene.stream();
  scene.fill_at(io::OperationKind::kWrite, "s/0");
  std::vector<Result<AppendResult>> results;
  bool full_when_told = true;
  for (int i = 0; i < 3; ++i) {
    scene.log->append(stream, 0, encoded(values({"1"})), AckLevel::kDurable, [&](Result<AppendResult> result) {
      full_when_told = full_when_told && scene.log->full();
      results.push_back(std::move(result));
    });
  }
  scene.executor.run_until_idle();
  REQUIRE(results.size() == 3);
  for (const auto& result : results) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::kNoSpace);
  }
  CHECK(full_when_told);
  scene.log->tick();
  scene.executor.run_until_idle();
  REQUIRE(scene.append("2"));
  CHECK(contract::read_all(*scene.log, stream, 0).size() == 1);
}

TEST_CASE("a sync of the journal that finds the disk full ends the log like any other that fails") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.commit("1"));
  scene.fill_at(io::OperationKind::kSync, "journal");
  const Status failed = scene.commit("2");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kIo);
  CHECK(scene.failures.size() == 1);
  CHECK_FALSE(scene.commit("3"));
  scene.stop(true);
  REQUIRE(scene.open());
  CHECK(scene.log->leg_state("p/leg")->sink_token == "1");
}

TEST_CASE("a folder's sync that finds the disk full ends the log like any other that fails") {
  Scene scene;
  scene.options.segment_bytes = 60;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  const StreamId stream = scene.stream();
  const auto append = [&] {
    return contract::append(*scene.log, scene.executor, stream, 0, encoded(values({"3"})));
  };
  SECTION("of a new segment") {
    scene.fill_at(io::OperationKind::kSyncDirectory, "s/0");
  }
  SECTION("of an incarnation") {
    scene.fill_at(io::OperationKind::kWrite, "s/0");
    REQUIRE(scene.append("2").error().code == ErrorCode::kNoSpace);
    scene.fill_at(io::OperationKind::kSyncDirectory, "s/0");
    scene.log->tick();
    scene.executor.run_until_idle();
  }
  const auto failed = append();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kIo);
  CHECK_FALSE(failed.error().retryable);
  CHECK(scene.failures.size() == 1);
  CHECK_FALSE(append());
  scene.stop(true);
  REQUIRE(scene.open());
  CHECK(contract::read_all(*scene.log, scene.stream(), 0).size() == 1);
}

TEST_CASE("a log whose directory is not its own any more ends") {
  Scene scene;
  bool ours = true;
  scene.options.still_ours = [&ours] { return ours ? Status() : fail(ErrorCode::kConflict, "LOCK was deleted"); };
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.log->tick();
  scene.executor.run_until_idle();
  REQUIRE(scene.failures.empty());
  ours = false;
  scene.log->tick();
  scene.executor.run_until_idle();
  REQUIRE(scene.failures.size() == 1);
  CHECK(scene.failures[0].message == "LOCK was deleted");
  CHECK_FALSE(scene.commit("1"));
}

TEST_CASE("a log that could not be closed says so again") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.path.find("CLEAN") == std::string::npos) return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "injected"}};
  });
  const Status closed = scene.log->close();
  REQUIRE_FALSE(closed);
  REQUIRE_FALSE(scene.log->close());
  CHECK(scene.log->close().error().message == closed.error().message);
}

TEST_CASE("a stop whose files are not as it left them is not told as clean") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  REQUIRE(scene.commit("1"));
  REQUIRE(scene.log->close());
  const std::string folder = GENERATE(journal_directory("data"), partition_directory("data", "s", 0));
  const std::string path = segment_path(folder, 0, "log");
  const uint64_t size = scene.files.info(path)->size;
  REQUIRE((*scene.files.open(path, io::OpenMode::kReadWrite))->write_at(size, "more"));
  REQUIRE(scene.open());
  CHECK_FALSE(scene.log->recovery().clean);
  CHECK(scene.log->recovery().notes.size() == 1);
  REQUIRE(scene.log->close());
  REQUIRE(scene.open());
  CHECK(scene.log->recovery().clean);
}

TEST_CASE("streams that are made later take their share of the memory from the others") {
  Scene scene;
  scene.options.memory_bytes_total = 200'000;
  REQUIRE(scene.open());
  std::string text(1002, 'x');
  text.front() = text.back() = '"';
  for (int i = 0; i < 20; ++i) REQUIRE(scene.append(text));
  const StreamId stream = scene.stream();
  const auto reads = [&] {
    size_t count = 0;
    scene.files.set_hook([&count](const io::Operation& operation) -> std::optional<io::Fault> {
      if (operation.kind == io::OperationKind::kRead) ++count;
      return std::nullopt;
    });
    CHECK(contract::read_all(*scene.log, stream, 0).size() == 20);
    scene.files.set_hook(nullptr);
    return count;
  };
  CHECK(reads() == 0);
  for (int i = 0; i < 40; ++i) scene.stream("s" + std::to_string(i));
  CHECK(reads() > 0);
}

TEST_CASE("names that a killed process has not synced are synced by the next start") {
  uint64_t operations = 1;
  for (uint64_t at = 0; at < operations; ++at) {
    INFO("killed before operation " << at);
    Scene scene;
    scene.files.halt_at(at);
    if (scene.open()) (void)scene.log->open_stream({"s", 1});
    if (at == 0) {
      Scene whole;
      REQUIRE(whole.open());
      whole.stream();
      operations = whole.files.operations();
    }
    scene.stop(false);
    REQUIRE(scene.open());
    REQUIRE(scene.append("1"));
    REQUIRE(scene.commit("1"));
    scene.stop(true);
    REQUIRE(scene.open());
    CHECK(contract::read_all(*scene.log, scene.stream(), 0).size() == 1);
    CHECK(scene.log->leg_state("p/leg").has_value());
  }
  CHECK(operations > 20);
}

TEST_CASE("a name whose sync failed ends the log, and is synced by the next start") {
  // The folder of the first partition, what was there, and at last the meta file's name.
  const int which = GENERATE(0, 1, 2);
  const ErrorCode code = GENERATE(ErrorCode::kIo, ErrorCode::kNoSpace);
  Scene scene;
  REQUIRE(scene.open());
  scene.files.set_hook([=, left = which](const io::Operation& operation) mutable -> std::optional<io::Fault> {
    const bool meta = operation.kind == io::OperationKind::kSyncDirectory && operation.path.ends_with("streams/s");
    if (!meta || left-- != 0) return std::nullopt;
    return io::Fault{Error{code, "injected", code == ErrorCode::kNoSpace}};
  });
  REQUIRE_FALSE(scene.log->open_stream({"s", 1}));
  // The same again would find the name there, and nobody has stored it.
  REQUIRE_FALSE(scene.log->open_stream({"s", 1}));
  CHECK(scene.failures.size() == 1);
  CHECK_FALSE(scene.log->close());
  scene.stop(false);
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.stop(true);
  REQUIRE(scene.open());
  CHECK(contract::read_all(*scene.log, scene.stream(), 0).size() == 1);
}

TEST_CASE("a journal segment that was begun in vain is passed over, and one before it removed") {
  Scene scene;
  scene.options.journal_segment_bytes = 50;
  REQUIRE(scene.open());
  REQUIRE(scene.commit("1"));
  scene.fill_at(io::OperationKind::kTruncate, "journal");
  REQUIRE(scene.commit("2").error().code == ErrorCode::kNoSpace);
  // A mark behind the commit: the next roll begins at a higher offset.
  scene.clock.advance_ms(2000);
  scene.log->tick();
  scene.executor.run_until_idle();
  scene.files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    const bool write =
        operation.kind == io::OperationKind::kWrite && operation.path.find("journal") != std::string::npos;
    return write ? std::optional(io::Fault{Error{ErrorCode::kIo, "dead"}}) : std::nullopt;
  });
  REQUIRE_FALSE(scene.commit("3"));
  // The one before was removed when it failed, so that it does not stand in the middle.
  REQUIRE(list_segments(scene.files, journal_directory("data"))->size() == 2);
  scene.stop(false);
  // Programs of before left several.
  if (GENERATE(false, true)) {
    const int64_t base = list_segments(scene.files, journal_directory("data"))->back();
    REQUIRE(base > 1);
    REQUIRE(scene.files.open(segment_path(journal_directory("data"), base - 1, "log"), io::OpenMode::kCreate));
  }
  const Status opened = scene.open();
  INFO((opened ? std::string() : opened.error().describe()));
  REQUIRE(opened);
  CHECK(scene.log->leg_state("p/leg")->sink_token == "1");
  CHECK(list_segments(scene.files, journal_directory("data"))->size() == 1);
}

TEST_CASE("append times do not go back when a start finds a new segment still empty") {
  Scene scene;
  scene.options.segment_bytes = 50;
  REQUIRE(scene.open());
  REQUIRE(scene.append("1"));
  scene.files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    const bool write = operation.kind == io::OperationKind::kWrite && operation.path.ends_with(".log");
    return write ? std::optional(io::Fault{Error{ErrorCode::kIo, "dead"}}) : std::nullopt;
  });
  REQUIRE_FALSE(scene.append("2"));
  scene.stop(false);
  scene.clock.set_wall_ms(1'600'000'000'000);
  REQUIRE(scene.open());
  REQUIRE(scene.append("3"));
  std::vector<int64_t> times;
  const std::vector<int64_t> bases = *list_segments(scene.files, partition_directory("data", "s", 0));
  for (const int64_t base : bases) {
    const std::string path = segment_path(partition_directory("data", "s", 0), base, "log");
    BatchCursor cursor(std::move(*scene.files.open(path, io::OpenMode::kRead)), 0, scene.files.info(path)->size);
    for (auto item = cursor.next(); item && *item; item = cursor.next()) {
      times.push_back((*item)->header.max_timestamp_ms);
    }
  }
  CHECK(times.size() >= 2);
  CHECK(std::is_sorted(times.begin(), times.end()));
}

TEST_CASE("a sync mark right behind outputs that no commit names is refused, with nothing changed") {
  Scene scene;
  REQUIRE(scene.open());
  REQUIRE(scene.commit("1", true));
  const std::string journal = segment_path(journal_directory("data"), 0, "log");
  const uint64_t size = scene.files.info(journal)->size;
  REQUIRE(scene.commit("2", true));
  REQUIRE(scene.append("\"behind\""));  // a mark goes before it
  scene.stop(false);
  REQUIRE((*scene.files.open(journal, io::OpenMode::kReadWrite))->truncate(size));
  const Status opened = scene.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kCorrupt);
  CHECK(opened.error().message.find("the journal has lost entries") != std::string::npos);
}

TEST_CASE("a journal segment whose checkpoint is damaged and alone is refused") {
  Scene scene;
  scene.options.journal_segment_bytes = 50;
  REQUIRE(scene.open());
  REQUIRE(scene.commit("1"));
  // Its own segment is full: the next one gets its checkpoint, and then has no space for the commit.
  scene.files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    const bool commit = operation.kind == io::OperationKind::kWrite && operation.offset > 0 &&
                        operation.path.find("journal/") != std::string::npos;
    return commit ? std::optional(io::Fault{Error{ErrorCode::kNoSpace, "full", true}}) : std::nullopt;
  });
  REQUIRE_FALSE(scene.commit("2"));
  const auto bases = *list_segments(scene.files, journal_directory("data"));
  REQUIRE(bases.size() == 1);
  REQUIRE(bases[0] > 0);
  scene.stop(false);
  scene.files.flip(segment_path(journal_directory("data"), bases[0], "log"), 70, 1);
  const Status opened = scene.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kCorrupt);
}

}  // namespace colloquium::log
