// What is gone from a data directory is missed by everybody who reads it, whatever went.
#include "log/stream_list.h"

#include <catch2/catch.hpp>
#include <map>

#include "log/backup_scene_test.h"
#include "log/data_directory.h"
#include "log/directory_stats.h"
#include "log/journal_look.h"
#include "log/repair.h"
#include "log/scripted_run_test.h"
#include "log/verify.h"

namespace colloquium::log {
namespace {

// A data directory as a kill or a clean stop left it, its streams in/0, in/1 and out/0 with several segments each.
class Scene {
 public:
  explicit Scene(bool clean) : run_(31) {
    run_.options().segment_bytes = 700;
    run_.options().journal_segment_bytes = 100000;
    run_.run(34);
    REQUIRE(run_.failures().empty());
    if (clean) {
      run_.settle();
      REQUIRE(run_.log()->close());
    }
    run_.end(End::kKilled);
  }

  ScriptedRun& run() { return run_; }
  io::MemoryFileSystem& files() { return run_.files(); }

  void remove_below(const std::string& path) {
    for (const std::string& file : files_below(files(), path)) REQUIRE(files().remove(file));
    REQUIRE(files().remove(path));
  }
  void remove_stream(const std::string& stream) {
    const std::vector<std::string> partitions = *files().list(stream_directory("data", stream));
    for (const std::string& partition : partitions) {
      const std::string inside = io::join(stream_directory("data", stream), partition);
      if (files().info(inside)->is_directory) remove_below(inside);
    }
    remove_below(stream_directory("data", stream));
  }

  Status open() {
    SimExecutor executor(1, clock_);
    SeededRandom random(1);
    auto log = SegmentLog::open(options(executor, random));
    return log ? Status() : fail(log.error());
  }
  Result<RepairReport> repair(bool accept_loss) {
    SimExecutor executor(1, clock_);
    SeededRandom random(1);
    RepairOptions how;
    how.accept_loss = accept_loss;
    return repair_data_directory(options(executor, random), how);
  }
  int64_t next_offset(const std::string& stream, int32_t partition, int32_t partitions) {
    SimExecutor executor(1, clock_);
    SeededRandom random(1);
    auto log = SegmentLog::open(options(executor, random));
    INFO((log ? std::string() : log.error().describe()));
    REQUIRE(log);
    const StreamId id = *(*log)->open_stream({stream, partitions});
    return (*log)->stream_info(id)->partitions[static_cast<size_t>(partition)].next_offset;
  }

 private:
  LogOptions options(SimExecutor& executor, Random& random) {
    LogOptions options;
    options.directory = "data";
    options.files = &files();
    options.executor = &executor;
    options.clock = &clock_;
    options.random = &random;
    return options;
  }

  ScriptedRun run_;
  ManualClock clock_;
};

bool speaks_of(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

TEST_CASE("a stream that is gone is missed by the start, verify, repair and backup [REQ-179]",
          "[REQ-179][damage]") {
  const bool clean = GENERATE(true, false);
  const std::string stream = GENERATE("in", "out");
  Scene scene(clean);
  REQUIRE(back_up_of(scene.run()));
  scene.remove_stream(stream);
  const std::string before = all_bytes(scene.files(), "data");

  const Status opened = scene.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kCorrupt);
  CHECK(speaks_of(opened.error().message, stream + "/0"));

  const auto verified = verify_data_directory(scene.files(), "data", nullptr);
  REQUIRE(verified);
  REQUIRE(verified->corrupt());
  CHECK(verified->problems.front().stream == stream);

  const auto backed_up = back_up_of(scene.run());
  REQUIRE_FALSE(backed_up);
  CHECK(backed_up.error().code == ErrorCode::kCorrupt);

  const auto unasked = scene.repair(false);
  REQUIRE(unasked);
  CHECK(unasked->refused);
  REQUIRE_FALSE(unasked->lost.empty());
  CHECK(unasked->lost.front().stream == stream);
  CHECK(all_bytes(scene.files(), "data") == before);
}

TEST_CASE("giving up a stream that is gone lets its legs go on behind it [REQ-179]", "[REQ-179][damage]") {
  const bool clean = GENERATE(true, false);
  Scene scene(clean);
  const auto look = look_into_journal(scene.files(), "data", nullptr);
  REQUIRE(look);
  int64_t committed = 0;
  for (const auto& [leg, state] : look->state.legs()) {
    for (const auto& position : state.positions) {
      if (position.stream == "in" && position.partition == 0)
        committed = std::max(committed, position.next_offset);
    }
  }
  REQUIRE(committed > 0);
  scene.remove_stream("in");
  const auto given_up = scene.repair(true);
  INFO((given_up ? std::string() : given_up.error().describe()));
  REQUIRE(given_up);
  CHECK_FALSE(given_up->refused);
  REQUIRE_FALSE(given_up->lost.empty());
  CHECK(given_up->lost.front().stream == "in");
  CHECK(given_up->lost.front().first_offset == 0);
  CHECK(scene.next_offset("in", 0, 2) >= committed);
  const auto verified = verify_data_directory(scene.files(), "data", nullptr);
  REQUIRE(verified);
  CHECK_FALSE(verified->corrupt());
}

TEST_CASE("a stream that lost its meta file is told of by everybody [REQ-179]", "[REQ-179][damage]") {
  Scene scene(GENERATE(true, false));
  REQUIRE(scene.files().remove(meta_path("data", "in")));
  const auto names_it = [](const Error& error) {
    return error.code == ErrorCode::kCorrupt && error.message.find("meta file is missing") != std::string::npos;
  };
  const Status opened = scene.open();
  REQUIRE_FALSE(opened);
  CHECK(names_it(opened.error()));
  const auto verified = verify_data_directory(scene.files(), "data", nullptr);
  REQUIRE(verified);
  REQUIRE(verified->corrupt());
  CHECK(verified->problems.front().what.find("meta file is missing") != std::string::npos);
  const auto backed_up = back_up_of(scene.run());
  REQUIRE_FALSE(backed_up);
  CHECK(names_it(backed_up.error()));
  const auto listed = list_data_directory(scene.files(), "data");
  REQUIRE_FALSE(listed);
  CHECK(names_it(listed.error()));
  const auto stats = directory_stats(scene.files(), "data", {});
  REQUIRE_FALSE(stats);
  CHECK(names_it(stats.error()));
  const auto reader = open_reader(scene.files(), "data", "in", 0, 0);
  REQUIRE_FALSE(reader);
  CHECK(names_it(reader.error()));
  const auto repaired = scene.repair(true);
  REQUIRE(repaired);
  CHECK(repaired->refused);
  REQUIRE_FALSE(repaired->hopeless.empty());
}

TEST_CASE("a folder in which a stream was being made is none, and no harm", "[log]") {
  Scene scene(true);
  REQUIRE(scene.files().make_directories(partition_directory("data", "half", 0)));
  CHECK(scene.open());
  const auto listed = list_data_directory(scene.files(), "data");
  REQUIRE(listed);
  CHECK(listed->size() == 2);
}

std::map<int64_t, std::string> all_of(io::FileSystem& fs, const std::string& stream, int32_t partition) {
  auto reader = open_reader(fs, "data", stream, partition, 0);
  REQUIRE(reader);
  std::map<int64_t, std::string> found;
  for (;;) {
    const auto batch = (*reader)->next();
    INFO((batch ? std::string() : batch.error().describe()));
    REQUIRE(batch);
    if (*batch == nullptr) return found;
    for (size_t i = 0; i < (*batch)->size(); ++i) found[(*batch)->offset(i)] = std::string((*batch)->value(i));
  }
}

TEST_CASE("a seal that is missing or damaged takes nothing away from a reader [REQ-179]", "[REQ-179][damage]") {
  Scene scene(GENERATE(true, false));
  const std::string folder = partition_directory("data", "in", 0);
  const std::vector<int64_t> bases = *list_segments(scene.files(), folder);
  REQUIRE(bases.size() >= 4);
  const auto whole = all_of(scene.files(), "in", 0);
  const int64_t end = list_data_directory(scene.files(), "data")->front().partitions[0].next_offset;
  const std::string seal = segment_path(folder, bases[1], "seal");
  if (GENERATE(true, false)) {
    REQUIRE(scene.files().remove(seal));
  } else {
    scene.files().flip(seal, 20, 1);
  }
  CHECK(all_of(scene.files(), "in", 0) == whole);
  CHECK(list_data_directory(scene.files(), "data")->front().partitions[0].next_offset == end);
}

TEST_CASE("a seal that can't be read for another reason is an error [REQ-179]", "[REQ-179][damage]") {
  Scene scene(true);
  const std::string folder = partition_directory("data", "in", 0);
  const std::string seal = segment_path(folder, list_segments(scene.files(), folder)->at(1), "seal");
  scene.files().set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.path == seal && operation.kind == io::OperationKind::kRead)
      return io::Fault{Error{ErrorCode::kIo, "cannot read"}};
    return std::nullopt;
  });
  const auto reader = open_reader(scene.files(), "data", "in", 0, 0);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == ErrorCode::kIo);
  CHECK_FALSE(list_data_directory(scene.files(), "data"));
}

}  // namespace
}  // namespace colloquium::log
