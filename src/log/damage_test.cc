// What stands on the disk is damaged: below what was known to be synced that is refused and nothing is changed;
// above it is cut off; and never is anything wrong read.
#include <catch2/catch.hpp>
#include <map>

#include "log/copy_files_test.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/scripted_run_test.h"
#include "log/segment_scan.h"
#include "log/verify.h"

namespace colloquium::log {
namespace {

// A data directory as a killed process left it, and what was in it.
class Scene {
 public:
  explicit Scene(bool with_retention = false) : run_(11) {
    if (with_retention) run_.retain();
    run_.options().segment_bytes = 1200;
    run_.options().journal_segment_bytes = 100000;
    run_.run(40);
    REQUIRE(run_.failures().empty());
    for (int32_t partition = 0; partition < 2; ++partition) before_[partition] = found(run_.files(), partition);
    run_.end(End::kKilled);
  }

  // The newest segment of in/0, the one that a recovery reads.
  std::string active(const std::string& folder) const {
    return segment_path(folder, list_segments(run().files(), folder)->back(), "log");
  }
  std::string folder() const { return partition_directory("data", "in", 0); }
  uint64_t size_of(const std::string& path) const { return run().files().info(path)->size; }

  // Where the last sync mark of a segment stands.
  SyncMark last_mark(const std::string& folder) const {
    const std::string path = active(folder);
    auto file = run().files().open(path, io::OpenMode::kRead);
    const auto epochs = EpochTable::read(run().files(), epochs_path(folder));
    const auto mark = last_mark_behind(**file, 0, size_of(path), *epochs);
    REQUIRE(mark);
    REQUIRE(*mark);
    return **mark;
  }

  struct Outcome {
    bool refused = false;
    Error error;
    contract::Found events;  // of in/0, if it opened
    int64_t commits = -1;
  };
  // Opens a copy after `damage` was done to it.
  template <class DamageFn>
  Outcome try_open(const DamageFn& damage) {
    io::MemoryFileSystem copy;
    copy_files(run().files(), copy, "data");
    damage(copy);
    const std::string before = all_bytes(copy, "data");
    Outcome outcome;
    SimExecutor executor(1, clock_);
    SeededRandom random(1);
    LogOptions options;
    options.directory = "data";
    options.files = &copy;
    options.executor = &executor;
    options.clock = &clock_;
    options.random = &random;
    auto log = SegmentLog::open(std::move(options));
    if (!log) {
      outcome.refused = true;
      outcome.error = log.error();
      unchanged_ = all_bytes(copy, "data") == before;
      return outcome;
    }
    outcome.events = contract::read_all(**log, *(*log)->open_stream({"in", 2}), 0);
    const auto state = (*log)->leg_state("p/leg");
    outcome.commits = state ? std::stol(state->sink_token) : 0;
    return outcome;
  }
  bool unchanged() const { return unchanged_; }
  const contract::Found& before() const { return before_.at(0); }

 private:
  // A const FileSystem can't be opened for reading; the scene's own is only read through here.
  ScriptedRun& run() const { return const_cast<ScriptedRun&>(run_); }
  contract::Found found(io::MemoryFileSystem&, int32_t partition) {
    return contract::read_all(*run_.log(), *run_.log()->open_stream({"in", 2}), partition);
  }

  ScriptedRun run_;
  ManualClock clock_;
  std::map<int32_t, contract::Found> before_;
  bool unchanged_ = true;
};

// True if `part` is `whole` without events at its end, all of them at or above `from`.
bool lacks_only_from(const contract::Found& part, const contract::Found& whole, int64_t from) {
  if (part.size() > whole.size() || !std::equal(part.begin(), part.end(), whole.begin())) return false;
  return part.size() == whole.size() || whole[part.size()].first >= from;
}

}  // namespace

TEST_CASE("a flipped bit below the last sync mark is refused, above it cut off [REQ-179]", "[REQ-179][damage]") {
  Scene scene;
  const std::string path = scene.active(scene.folder());
  const SyncMark mark = scene.last_mark(scene.folder());
  REQUIRE(mark.position > 300);
  size_t refused = 0;
  size_t cut = 0;
  for (uint64_t at = 0; at < scene.size_of(path); ++at) {
    INFO("byte " << at << ", the last mark at " << mark.position);
    const auto outcome = scene.try_open(
        [&](io::MemoryFileSystem& fs) { fs.flip(path, at, static_cast<uint8_t>(1u << (at * 5 % 8))); });
    if (outcome.refused) {
      ++refused;
      REQUIRE(outcome.error.code == ErrorCode::kCorrupt);
      REQUIRE(scene.unchanged());
      REQUIRE(outcome.error.describe().find("in/0") != std::string::npos);
      REQUIRE(outcome.error.message.find("offset") != std::string::npos);
    } else {
      ++cut;
      REQUIRE(at >= mark.position);
      REQUIRE(lacks_only_from(outcome.events, scene.before(), mark.offset));
    }
  }
  CHECK(refused >= mark.position);
  CHECK(cut > 0);
}

TEST_CASE("a segment cut short anywhere is refused below the last sync mark [REQ-179]", "[REQ-179][damage]") {
  Scene scene;
  const std::string path = scene.active(scene.folder());
  const SyncMark mark = scene.last_mark(scene.folder());
  for (uint64_t length = 0; length < scene.size_of(path); length += 11) {
    INFO("cut to " << length << ", the last mark at " << mark.position);
    const auto outcome = scene.try_open([&](io::MemoryFileSystem& fs) {
      auto file = fs.open(path, io::OpenMode::kReadWrite);
      REQUIRE((*file)->truncate(length));
      REQUIRE((*file)->sync());
    });
    // A cut takes the mark itself away with what it vouched for; the leg's position and the incarnation's
    // start still do. What is left must be a prefix.
    if (outcome.refused) {
      REQUIRE(outcome.error.code == ErrorCode::kCorrupt);
      REQUIRE(scene.unchanged());
    } else {
      REQUIRE(lacks_only_from(outcome.events, scene.before(), 0));
    }
  }
}

TEST_CASE("zeros and garbage behind the last batch are cut off and saved", "[damage]") {
  Scene scene;
  const std::string path = scene.active(scene.folder());
  const uint64_t size = scene.size_of(path);
  const std::string tail =
      GENERATE(std::string(5000, '\0'), std::string(1, '\0'), std::string(61, '\x02'), std::string(3000, 'x'));
  std::string saved;
  const auto outcome = scene.try_open([&](io::MemoryFileSystem& fs) {
    auto file = fs.open(path, io::OpenMode::kReadWrite);
    REQUIRE((*file)->write_at(size, tail));
    saved = torn_path(scene.folder(), list_segments(fs, scene.folder())->back(), size);
  });
  REQUIRE_FALSE(outcome.refused);
  CHECK(outcome.events == scene.before());
}

TEST_CASE("verify tells what a crash leaves from what is corrupt, and changes nothing [REQ-179]",
          "[REQ-179][damage]") {
  Scene scene;
  const std::string path = scene.active(scene.folder());
  const SyncMark mark = scene.last_mark(scene.folder());
  const auto verify_after = [&](const auto& damage) {
    VerifyReport report;
    scene.try_open([&](io::MemoryFileSystem& fs) {
      damage(fs);
      const std::string before = all_bytes(fs, "data");
      const auto verified = verify_data_directory(fs, "data", nullptr);
      REQUIRE(verified);
      CHECK(all_bytes(fs, "data") == before);
      report = *verified;
    });
    return report;
  };
  const VerifyReport torn = verify_after([&](io::MemoryFileSystem& fs) {
    auto file = fs.open(path, io::OpenMode::kReadWrite);
    REQUIRE((*file)->write_at(fs.info(path)->size, "half a batch"));
  });
  REQUIRE(torn.problems.size() == 1);
  CHECK(torn.problems[0].torn);
  CHECK_FALSE(torn.corrupt());
  CHECK(torn.problems[0].describe().find("torn by a crash") != std::string::npos);

  const VerifyReport corrupt =
      verify_after([&](io::MemoryFileSystem& fs) { fs.flip(path, mark.position - 10, 0x40); });
  REQUIRE(corrupt.corrupt());
  CHECK(corrupt.problems[0].first_offset >= 0);
  CHECK(corrupt.problems[0].last_offset < mark.offset);

  // Two stretches of damage are two problems.
  const VerifyReport twice = verify_after([&](io::MemoryFileSystem& fs) {
    fs.flip(path, 70, 1);
    fs.flip(path, mark.position - 10, 1);
  });
  CHECK(twice.problems.size() == 2);

  const VerifyReport journal =
      verify_after([&](io::MemoryFileSystem& fs) { fs.flip(scene.active(journal_directory("data")), 100, 1); });
  REQUIRE(journal.corrupt());
  CHECK(journal.problems[0].stream.empty());
  CHECK(journal.problems[0].describe().find("journal") == 0);

  const VerifyReport meta =
      verify_after([&](io::MemoryFileSystem& fs) { fs.flip(meta_path("data", "in"), 20, 1); });
  CHECK(meta.corrupt());
  const VerifyReport missing = verify_after([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(path)); });
  CHECK(missing.corrupt());
}

TEST_CASE("a flipped bit in the journal is refused, or takes only the last commits back [REQ-179]",
          "[REQ-179][damage]") {
  Scene scene;
  const std::string folder = journal_directory("data");
  const std::string path = scene.active(folder);
  const SyncMark mark = scene.last_mark(folder);
  const int64_t commits = scene.try_open([](io::MemoryFileSystem&) {}).commits;
  REQUIRE(commits > 5);
  for (uint64_t at = 0; at < scene.size_of(path); at += 5) {
    INFO("byte " << at << ", the last mark at " << mark.position);
    const auto outcome =
        scene.try_open([&](io::MemoryFileSystem& fs) { fs.flip(path, at, static_cast<uint8_t>(1u << (at % 8))); });
    if (outcome.refused) {
      REQUIRE(outcome.error.code == ErrorCode::kCorrupt);
    } else {
      REQUIRE(at >= mark.position);
      REQUIRE(outcome.commits <= commits);
      REQUIRE(outcome.events == scene.before());
    }
  }
}

TEST_CASE("a damaged sealed segment is told by whoever reads it, and by verify", "[REQ-179][damage]") {
  Scene scene;
  const auto bases_of = [&](const io::FileSystem& fs) { return *list_segments(fs, scene.folder()); };
  io::MemoryFileSystem fs;
  scene.try_open([&](io::MemoryFileSystem& copy) { copy_files(copy, fs, "data"); });
  const std::vector<int64_t> bases = bases_of(fs);
  REQUIRE(bases.size() >= 3);
  const std::string sealed = segment_path(scene.folder(), bases[1], "log");
  const uint64_t at = fs.info(sealed)->size / 2;

  const auto clean_report = verify_data_directory(fs, "data", nullptr);
  REQUIRE(clean_report);
  CHECK_FALSE(clean_report->corrupt());
  CHECK(clean_report->events > 50);
  CHECK(clean_report->segments > bases.size());

  fs.flip(sealed, at, 0x10);
  uint64_t told = 0;
  const auto report = verify_data_directory(fs, "data", [&](uint64_t done, uint64_t total) {
    CHECK(done <= total);
    CHECK(done >= told);
    told = done;
  });
  REQUIRE(report);
  CHECK(told > 0);
  REQUIRE(report->corrupt());
  const VerifyProblem& problem = report->problems.front();
  CHECK(problem.stream == "in");
  CHECK(problem.partition == 0);
  CHECK(problem.file == sealed);
  CHECK(problem.position <= at);
  CHECK(problem.first_offset >= bases[1]);
  CHECK(problem.last_offset < bases[2]);
  CHECK(problem.describe().find("corrupt") != std::string::npos);

  auto reader = open_reader(fs, "data", "in", 0, 0);
  REQUIRE(reader);
  for (;;) {
    const auto batch = (*reader)->next();
    if (!batch) {
      CHECK(batch.error().code == ErrorCode::kCorrupt);
      CHECK(batch.error().message.find(sealed) != std::string::npos);
      break;
    }
    REQUIRE(*batch != nullptr);
    CHECK((*batch)->offset((*batch)->size() - 1) < problem.first_offset);
  }
}

TEST_CASE("a sealed segment that is missing, short or swapped is refused", "[damage]") {
  Scene scene;
  std::vector<int64_t> bases;
  scene.try_open([&](io::MemoryFileSystem& fs) { bases = *list_segments(fs, scene.folder()); });
  REQUIRE(bases.size() >= 3);
  const auto path = [&](size_t i) { return segment_path(scene.folder(), bases[i], "log"); };
  const auto refused = [&](const auto& damage) {
    const auto outcome = scene.try_open(damage);
    CHECK(outcome.refused);
    CHECK(outcome.error.code == ErrorCode::kCorrupt);
    CHECK(scene.unchanged());
  };
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(path(1))); });
  refused([&](io::MemoryFileSystem& fs) {
    auto file = fs.open(path(1), io::OpenMode::kReadWrite);
    REQUIRE((*file)->truncate(100));
  });
  refused([&](io::MemoryFileSystem& fs) {
    auto file = fs.open(path(1), io::OpenMode::kReadWrite);
    REQUIRE((*file)->write_at(fs.info(path(1))->size, "x"));
  });
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(path(bases.size() - 1))); });
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(epochs_path(scene.folder()))); });
  refused([&](io::MemoryFileSystem& fs) { fs.flip(epochs_path(scene.folder()), 30, 1); });
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(meta_path("data", "in"))); });
  refused([&](io::MemoryFileSystem& fs) { fs.flip(meta_path("data", "in"), 30, 1); });
}

TEST_CASE("a removed front is no damage, and a lost one is [REQ-179]", "[REQ-179][damage][retention]") {
  Scene scene(true);
  std::vector<int64_t> bases;
  scene.try_open([&](io::MemoryFileSystem& fs) { bases = *list_segments(fs, scene.folder()); });
  REQUIRE(bases.size() >= 2);
  REQUIRE(bases.front() > 0);
  const std::string oldest = oldest_path(scene.folder());
  const auto whole = scene.try_open([](io::MemoryFileSystem& fs) {
    const auto report = verify_data_directory(fs, "data", nullptr);
    REQUIRE(report);
    CHECK_FALSE(report->corrupt());
  });
  CHECK(whole.events == scene.before());
  // What a removal left behind is nobody's: it is passed over, and removed.
  const auto path = [&](int64_t base, const char* suffix) { return segment_path(scene.folder(), base, suffix); };
  const auto leftover = scene.try_open([&](io::MemoryFileSystem& fs) {
    for (const char* suffix : {"log", "seal", "77.torn"}) {
      auto file = fs.open(path(bases.front() - 1, suffix), io::OpenMode::kCreate);
      REQUIRE((*file)->write_at(0, "anything at all"));
    }
    const auto report = verify_data_directory(fs, "data", nullptr);
    REQUIRE(report);
    CHECK_FALSE(report->corrupt());
    auto reader = open_reader(fs, "data", "in", 0, 0);
    REQUIRE(reader);
    CHECK((*(*reader)->next())->offset(0) == scene.before().front().first);
  });
  CHECK(leftover.events == scene.before());

  const auto refused = [&](const auto& damage) {
    const auto outcome = scene.try_open([&](io::MemoryFileSystem& fs) {
      damage(fs);
      const auto report = verify_data_directory(fs, "data", nullptr);
      REQUIRE(report);
      CHECK(report->corrupt());
    });
    CHECK(outcome.refused);
    CHECK(outcome.error.code == ErrorCode::kCorrupt);
    CHECK(scene.unchanged());
  };
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(path(bases.front(), "log"))); });
  refused([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(oldest)); });
  refused([&](io::MemoryFileSystem& fs) {
    for (const int64_t base : bases) REQUIRE(fs.remove(path(base, "log")));
  });
  uint64_t size = 0;
  scene.try_open([&](io::MemoryFileSystem& fs) { size = fs.info(oldest)->size; });
  for (uint64_t at = 0; at < size; ++at) {
    refused([&](io::MemoryFileSystem& fs) { fs.flip(oldest, at, static_cast<uint8_t>(1u << (at % 8))); });
  }
}

TEST_CASE("a partition without its first segment is refused, though nothing was ever removed",
          "[REQ-179][damage]") {
  Scene scene;
  const auto outcome = scene.try_open([&](io::MemoryFileSystem& fs) {
    REQUIRE(fs.remove(segment_path(scene.folder(), 0, "log")));
    CHECK(verify_data_directory(fs, "data", nullptr)->corrupt());
  });
  CHECK(outcome.refused);
  CHECK(outcome.error.message.find("offsets 0 to ") != std::string::npos);
  CHECK(scene.unchanged());
}

TEST_CASE("a lost seal is made again from a whole segment, and refused from a damaged one", "[damage]") {
  Scene scene;
  std::vector<int64_t> bases;
  scene.try_open([&](io::MemoryFileSystem& fs) { bases = *list_segments(fs, scene.folder()); });
  const std::string seal = segment_path(scene.folder(), bases[0], "seal");
  const std::string segment = segment_path(scene.folder(), bases[0], "log");
  const auto mended = scene.try_open([&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(seal)); });
  CHECK_FALSE(mended.refused);
  CHECK(mended.events == scene.before());
  const auto refused = scene.try_open([&](io::MemoryFileSystem& fs) {
    REQUIRE(fs.remove(seal));
    fs.flip(segment, 70, 1);
  });
  CHECK(refused.refused);
}

TEST_CASE("lost or stale index files only cost time", "[damage]") {
  Scene scene;
  const auto outcome = scene.try_open([&](io::MemoryFileSystem& fs) {
    const std::vector<std::string> names = *fs.list(scene.folder());
    for (const std::string& name : names) {
      const std::string path = io::join(scene.folder(), name);
      if (name.find(".index") != std::string::npos && name.back() == 'x') {
        REQUIRE(fs.remove(path));
      } else if (name.find(".timeindex") != std::string::npos) {
        fs.flip(path, 3, 0xff);
      }
    }
  });
  CHECK_FALSE(outcome.refused);
  CHECK(outcome.events == scene.before());
}

TEST_CASE("a stale batch of an earlier incarnation is never taken for a new one", "[REQ-179][damage]") {
  // A batch cut off by a recovery comes back (a cut that was not durable, a stale sector): it stands in its place,
  // its checksum holds, and only the incarnation tells it from what would be written there now.
  Scene scene;
  const std::string path = scene.active(scene.folder());
  io::MemoryFileSystem fs;
  scene.try_open([&](io::MemoryFileSystem& copy) { copy_files(copy, fs, "data"); });
  const std::string whole = *io::read_file(fs, path, 1 << 20);
  const SyncMark mark = scene.last_mark(scene.folder());
  const auto outcome = scene.try_open([&](io::MemoryFileSystem& copy) {
    // Its last group is torn, and a first recovery cuts it.
    copy.flip(path, mark.position + 3, 1);
    ManualClock clock;
    SimExecutor executor(1, clock);
    SeededRandom random(1);
    LogOptions options;
    options.directory = "data";
    options.files = &copy;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    auto log = SegmentLog::open(options);
    if (!log) return;  // a leg had read it: nothing to show here
    log->reset();
    auto file = copy.open(path, io::OpenMode::kReadWrite);
    REQUIRE((*file)->write_at(0, whole));
    REQUIRE((*file)->sync());
  });
  REQUIRE_FALSE(outcome.refused);
  for (const auto& [offset, value] : outcome.events) CHECK(offset < mark.offset);
}

}  // namespace colloquium::log
