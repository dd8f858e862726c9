// Verification while the log goes on: what changes between two looks is no defect, and what stays is.
#include "log/verify.h"

#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/layout.h"
#include "log/nonce_watch_test.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

// A log whose segments are small, with an input that is retained for a second and an output.
class Scene {
 public:
  explicit Scene(bool encrypted = false) {
    LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.segment_bytes = 900;
    options.journal_segment_bytes = 700;
    if (encrypted) options.keys = nonces_.ring("k", random_);
    keys_ = options.keys;
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
    in_ = *log_->open_stream({"in", 1, Retention{.time_ms = 1000}});
    out_ = *log_->open_stream({"out", 1});
    for (int i = 0; i < 12; ++i) append();
    for (int i = 0; i < 3; ++i) commit();
  }

  void append() {
    const std::vector<std::string> texts(3, "\"0123456789\"");
    REQUIRE(contract::append(*log_, executor_, in_, 0, contract::encoded(contract::values(texts))));
  }
  void commit() {
    CommitRequest request;
    request.leg = "p/leg";
    request.positions.push_back({in_, 0, log_->stream_info(in_)->partitions[0].next_offset, "", ""});
    request.outputs.push_back({out_, 0, contract::encoded(contract::values({contract::one(++commits_)}))});
    REQUIRE(contract::commit(*log_, executor_, std::move(request)));
  }
  // Everything that is committed goes.
  void retain() {
    clock_.advance_ms(5000);
    commit();
    contract::Awaited<Status> done(executor_);
    log_->apply_retention(done.callback());
    REQUIRE(done.get());
    REQUIRE(log_->stream_info(in_)->partitions[0].oldest_offset > 0);
  }
  void close() { REQUIRE(log_->close()); }
  void go_on() {
    append();
    commit();
  }

  // `at_first`: done when the first bytes have been verified; `in_pause`: in every pause.
  VerifyReport verify(const std::function<void()>& at_first, const std::function<void()>& in_pause) {
    bool begun = false;
    const auto progress = [&](uint64_t, uint64_t) {
      if (!std::exchange(begun, true) && at_first) at_first();
    };
    auto report = verify_data_directory(files_, "data", progress, keys_, in_pause);
    REQUIRE(report);
    return *report;
  }

  std::string newest(const std::string& stream) {
    const std::string folder = partition_directory("data", stream, 0);
    return segment_path(folder, list_segments(files_, folder)->back(), "log");
  }
  io::MemoryFileSystem& files() { return files_; }

 private:
  ManualClock clock_;
  SimExecutor executor_{5, clock_};
  SeededRandom random_{1};
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  std::shared_ptr<const KeyRing> keys_;
  std::unique_ptr<SegmentLog> log_;
  StreamId in_ = 0, out_ = 0;
  int commits_ = 0;
};

std::string told(const VerifyReport& report) {
  std::string all;
  for (const VerifyProblem& problem : report.problems) all += problem.describe() + "\n";
  return all;
}

void write(io::MemoryFileSystem& fs, const std::string& path, const std::string& content) {
  auto file = fs.open(path, io::OpenMode::kReadWrite);
  REQUIRE(file);
  REQUIRE((*file)->truncate(0));
  REQUIRE((*file)->write_at(0, content));
}

}  // namespace

TEST_CASE("what a process writes, commits and removes while it is verified is no defect [REQ-179]", "[verify]") {
  const bool encrypted = GENERATE(false, true);
  Scene scene(encrypted);
  // The journal was read before, and does not know of the outputs that come now; its segments are replaced, too.
  CHECK(told(scene.verify(
            [&] {
              for (int i = 0; i < 30; ++i) scene.go_on();
            },
            [] {})) == "");
  CHECK(told(scene.verify([&] { scene.retain(); }, [] {})) == "");
  for (int i = 0; i < 10; ++i) scene.go_on();
  CHECK(told(scene.verify(
            [&] {
              scene.retain();
              for (int i = 0; i < 30; ++i) scene.go_on();
            },
            [&] { scene.go_on(); })) == "");
  scene.close();
  const VerifyReport report = scene.verify(nullptr, nullptr);
  CHECK(told(report) == "");
  CHECK(report.events > 100);
}

TEST_CASE("a group that is half written is waited for, and torn if nothing comes", "[verify]") {
  Scene scene;
  scene.append();  // of which no leg has said anything
  for (const std::string stream : {"in", "out"}) {
    const std::string path = scene.newest(stream);
    const std::string whole = *io::read_file(scene.files(), path, 1 << 20);
    const std::string half = whole.substr(0, whole.size() - 30);
    write(scene.files(), path, half);
    int pauses = 0;
    CHECK(told(scene.verify(nullptr, [&] {
            if (++pauses == 3) write(scene.files(), path, whole);
          })) == "");
    CHECK(pauses >= 3);
    write(scene.files(), path, half);
    pauses = 0;
    const VerifyReport left = scene.verify(nullptr, [&] { ++pauses; });
    CHECK(pauses >= 20);
    REQUIRE(left.problems.size() == 1);
    CHECK(left.problems[0].file == path);
    // Of the output a commit says that it was there.
    CHECK(left.problems[0].torn == (stream == "in"));
    CHECK(scene.verify(nullptr, nullptr).problems.size() == 1);
    write(scene.files(), path, whole);
  }
}

TEST_CASE("damage is found while the log goes on, and waits for nothing", "[verify]") {
  Scene scene;
  const std::string folder = partition_directory("data", "in", 0);
  const std::string path = segment_path(folder, list_segments(scene.files(), folder)->front(), "log");
  scene.files().flip(path, 100, 4);
  int pauses = 0;
  const VerifyReport report = scene.verify([&] { scene.go_on(); },
                                           [&] {
                                             ++pauses;
                                             scene.go_on();
                                           });
  REQUIRE(report.corrupt());
  for (const VerifyProblem& problem : report.problems) {
    CHECK_FALSE(problem.torn);
    CHECK(problem.file.substr(0, path.size() - 3) == path.substr(0, path.size() - 3));
  }
  CHECK(report.problems.at(0).position <= 100);
  CHECK(pauses < 10);
  // Nobody writes after a clean stop.
  scene.close();
  pauses = 0;
  CHECK(scene.verify(nullptr, [&] { ++pauses; }).corrupt());
  CHECK(pauses == 1);
}

TEST_CASE("damage in the segment that is being written is told, however it goes on", "[verify]") {
  Scene scene;
  for (int i = 0; i < 3; ++i) scene.go_on();
  const std::string path = scene.newest("in");
  scene.files().flip(path, 70, 4);
  const VerifyReport report = scene.verify(nullptr, [&] { scene.append(); });
  REQUIRE(report.corrupt());
  CHECK(report.problems.at(0).file == path);
  CHECK(report.problems.at(0).position <= 70);
}

TEST_CASE("what a repair would make again and nobody loses by is a note, until it has", "[verify]") {
  Scene scene;
  scene.close();
  REQUIRE(scene.verify(nullptr, nullptr).notes.empty());
  const std::string path = GENERATE(as<std::string>(), "index", "timeindex", "CLEAN");
  const std::string damaged =
      path == "CLEAN" ? "data/CLEAN" : segment_path(partition_directory("data", "in", 0), 0, path);
  REQUIRE((*scene.files().open(damaged, io::OpenMode::kReadWrite))->write_at(0, "else"));
  const VerifyReport report = scene.verify(nullptr, nullptr);
  CHECK(report.problems.empty());
  CHECK_FALSE(report.corrupt());
  REQUIRE(report.notes.size() == 1);
  CHECK(report.notes[0].find(path == "CLEAN" ? "'data/CLEAN' is damaged" : "the index files of") == 0);
}

TEST_CASE("a repair that has not ended is told, whatever else there is", "[verify]") {
  Scene scene;
  scene.close();
  CHECK(scene.verify(nullptr, nullptr).unfinished.empty());
  auto file = scene.files().open(repair_path("data"), io::OpenMode::kCreate);
  REQUIRE(file);
  const VerifyReport report = scene.verify(nullptr, nullptr);
  CHECK(report.unfinished.find("'colloquium log repair' finishes it") != std::string::npos);
  CHECK(told(report) == "");
}

}  // namespace colloquium::log
