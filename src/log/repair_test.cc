// Whatever is damaged, a repair without leave to lose anything changes nothing if it would lose something, and
// says exactly what; with leave it keeps everything else, and the directory opens and verifies. Stopped at any
// operation, it is finished by the next one.
#include "log/repair.h"

#include <catch2/catch.hpp>
#include <map>

#include "io/checksum.h"
#include "io/path.h"
#include "log/copy_files_test.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/record_batch.h"
#include "log/repair_plan.h"
#include "log/scripted_run_test.h"
#include "log/verify.h"

namespace colloquium::log {
namespace {

using Place = std::pair<std::string, int32_t>;
using Contents = std::map<Place, std::map<int64_t, std::string>>;

// A data directory with several segments per partition, as a kill or a clean stop left it, in the clear or
// encrypted.
class Scene {
 public:
  explicit Scene(bool clean, bool encrypted = false) : run_(21) {
    if (encrypted) run_.encrypt();
    run_.options().segment_bytes = 700;
    run_.options().journal_segment_bytes = 100000;
    run_.run(34);
    REQUIRE(run_.failures().empty());
    if (clean) {
      run_.settle();
      REQUIRE(run_.log()->close());
    }
    run_.end(End::kKilled);
    io::MemoryFileSystem copy;
    copy_to(copy);
    before_ = contents_of(copy);
    REQUIRE(before_.at({"in", 0}).size() > 25);
    REQUIRE(before_.at({"out", 0}).size() > 10);
  }

  void copy_to(io::MemoryFileSystem& to) const { copy_files(const_cast<ScriptedRun&>(run_).files(), to, "data"); }
  const Contents& before() const { return before_; }
  io::MemoryFileSystem& files() { return run_.files(); }
  std::shared_ptr<const KeyRing> keys() const { return const_cast<ScriptedRun&>(run_).options().keys; }
  bool nonces_reused() { return run_.nonces().reused(); }

  Contents contents_of(io::MemoryFileSystem& fs) const {
    ManualClock clock;
    SimExecutor executor(1, clock);
    SeededRandom random(1);
    auto log = SegmentLog::open(options_of(fs, executor, clock, random));
    INFO((log ? std::string() : log.error().describe()));
    REQUIRE(log);
    Contents all;
    for (const Place& place : {Place{"in", 0}, Place{"in", 1}, Place{"out", 0}}) {
      const StreamId stream = *(*log)->open_stream({place.first, place.first == "in" ? 2 : 1});
      auto& events = all[place];
      for (auto& [offset, value] : contract::read_all(**log, stream, place.second)) events[offset] = value;
    }
    return all;
  }

  Result<RepairReport> repair(io::MemoryFileSystem& fs, RepairOptions how) const {
    ManualClock clock;
    SimExecutor executor(1, clock);
    SeededRandom random(1);
    return repair_data_directory(options_of(fs, executor, clock, random), how);
  }

 private:
  LogOptions options_of(io::MemoryFileSystem& fs, SimExecutor& executor, ManualClock& clock,
                        SeededRandom& random) const {
    LogOptions options;
    options.directory = "data";
    options.files = &fs;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    options.keys = keys();
    return options;
  }

  ScriptedRun run_;
  Contents before_;
};

bool is_lost(const RepairReport& report, const Place& place, int64_t offset) {
  for (const LostRange& range : report.lost) {
    if (range.stream == place.first && range.partition == place.second && range.first_offset <= offset &&
        offset <= range.last_offset) {
      return true;
    }
  }
  return false;
}

// What is wrong with what a repair left; nothing if everything that it did not name is there and nothing else is.
std::string problem_of(const Contents& before, const Contents& after, const RepairReport& report,
                       bool may_take_back) {
  for (const auto& [place, events] : before) {
    for (const auto& [offset, value] : events) {
      const auto found = after.at(place).find(offset);
      const bool there = found != after.at(place).end();
      if (there && found->second != value) return "another event at " + std::to_string(offset);
      if (there || is_lost(report, place, offset)) continue;
      if (may_take_back) continue;
      return "lost without a word: " + place.first + "/" + std::to_string(place.second) + " " +
             std::to_string(offset);
    }
  }
  for (const auto& [place, events] : after) {
    for (const auto& [offset, value] : events) {
      if (before.at(place).count(offset) == 0) return "nobody wrote " + value;
    }
  }
  return {};
}

std::string verify_problem(const Scene& scene, io::MemoryFileSystem& fs) {
  const auto report = verify_data_directory(fs, "data", nullptr, scene.keys());
  if (!report) return report.error().describe();
  return report->problems.empty() ? std::string() : report->problems.front().describe();
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

struct Tally {
  size_t refused = 0, mended = 0, hopeless = 0;
};

// Repairs what `damage` leaves, first without leave to lose anything, then with it, and judges both.
template <class Damage>
void judge(const Scene& scene, const Damage& damage, Tally& tally, bool loses_unproved = false) {
  io::MemoryFileSystem fs;
  scene.copy_to(fs);
  damage(fs);
  const std::string damaged = all_bytes(fs, "data");
  const auto dry = scene.repair(fs, {true, true});
  if (!dry) {  // a flipped bit made a version of it that nobody knows yet
    REQUIRE(dry.error().code == ErrorCode::kInvalidConfig);
    ++tally.hopeless;
    return;
  }
  REQUIRE(all_bytes(fs, "data") == damaged);
  auto careful = scene.repair(fs, {});
  INFO((careful ? std::string() : careful.error().describe()));
  REQUIRE(careful);
  if (careful->refused) {
    REQUIRE(all_bytes(fs, "data") == damaged);
    REQUIRE((!careful->lost.empty() || !careful->hopeless.empty()));
  }
  if (!careful->hopeless.empty()) {
    ++tally.hopeless;
    return;
  }
  RepairReport report = *careful;
  if (careful->refused) {
    ++tally.refused;
    const auto accepted = scene.repair(fs, {false, true});
    INFO((accepted ? std::string() : accepted.error().describe()));
    REQUIRE(accepted);
    REQUIRE_FALSE(accepted->refused);
    REQUIRE_FALSE(accepted->actions.empty());
    report = *accepted;
  } else {
    ++tally.mended;
  }
  // What a crash may leave torn is cut off as by a start: that is the recovery's own oracle's to judge.
  const bool torn = loses_unproved || all_bytes(fs, "data").find(".torn") != std::string::npos;
  REQUIRE(problem_of(scene.before(), scene.contents_of(fs), report, torn) == "");
  REQUIRE(verify_problem(scene, fs) == "");
  const auto again = scene.repair(fs, {});
  REQUIRE(again);
  REQUIRE(again->lost.empty());
  REQUIRE_FALSE(again->refused);
}

}  // namespace

TEST_CASE("an intact directory is not touched by a repair", "[repair]") {
  const bool clean = GENERATE(true, false);
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(clean, encrypted);
  const std::string before = all_bytes(scene.files(), "data");
  const auto report = scene.repair(scene.files(), {false, true});
  REQUIRE(report);
  CHECK(report->lost.empty());
  CHECK_FALSE(report->refused);
  if (clean) {
    CHECK(report->actions.empty());
    CHECK(all_bytes(scene.files(), "data") == before);
  }
  CHECK(scene.contents_of(scene.files()) == scene.before());
}

TEST_CASE("a flipped bit anywhere is mended, or refused with the range that is lost", "[repair]") {
  const bool clean = GENERATE(true, false);
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(clean, encrypted);
  // What differs from a log in the clear are the keys, and how a batch is read.
  const uint64_t step = encrypted ? 6 * kPlaceStep : kPlaceStep;
  Tally tally;
  size_t number = 0;
  for (const std::string& path : files_below(scene.files(), "data")) {
    const uint64_t size = scene.files().info(path)->size;
    // Segments wholly, in steps that meet every field; of the small files every seventh byte.
    for (uint64_t at = number++ % 23; at < size; at += (ends_with(path, ".log") ? 23 : 29) * step) {
      INFO(path << " byte " << at << " of " << size);
      if (ends_with(path, "/LOCK") || ends_with(path, "FORMAT")) continue;
      judge(
          scene, [&](io::MemoryFileSystem& fs) { fs.flip(path, at, static_cast<uint8_t>(1u << (at % 8))); },
          tally);
    }
  }
  CHECK(tally.refused > 50 / step);
  CHECK(tally.mended > 20 / step);
  CHECK_FALSE(scene.nonces_reused());
  CHECK(tally.hopeless < 100);  // the meta files
}

TEST_CASE("a missing file is mended, or refused with the range that is lost", "[repair]") {
  const bool clean = GENERATE(true, false);
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(clean, encrypted);
  Tally tally;
  for (const std::string& path : files_below(scene.files(), "data")) {
    if (ends_with(path, "/LOCK") || ends_with(path, "FORMAT")) continue;
    INFO(path);
    const bool newest = ends_with(path, ".log") && !scene.files().info(path.substr(0, path.size() - 3) + "seal");
    judge(
        scene, [&](io::MemoryFileSystem& fs) { REQUIRE(fs.remove(path)); }, tally, newest && !clean);
  }
  CHECK(tally.refused > 5);
  CHECK(tally.mended > 5);
}

TEST_CASE("a file cut short is mended, or refused with the range that is lost", "[repair]") {
  const bool clean = GENERATE(true, false);
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(clean, encrypted);
  const uint64_t step = encrypted ? 3 * kPlaceStep : kPlaceStep;
  Tally tally;
  for (const std::string& path : files_below(scene.files(), "data")) {
    if (!ends_with(path, ".log")) continue;
    // What was synced last in the newest segment nothing else bears witness of.
    const bool newest = !scene.files().info(path.substr(0, path.size() - 3) + "seal");
    const uint64_t size = scene.files().info(path)->size;
    for (uint64_t left = 0; left < size; left += 61 * step) {
      INFO(path << " cut to " << left << " of " << size);
      judge(
          scene,
          [&](io::MemoryFileSystem& fs) {
            auto file = fs.open(path, io::OpenMode::kReadWrite);
            REQUIRE((*file)->truncate(left));
            REQUIRE((*file)->sync());
          },
          tally, newest && !clean);
    }
  }
  CHECK(tally.refused > 15 / step);
}

TEST_CASE("a repair stopped at any operation is finished by the next one [REQ-179]", "[repair][crash]") {
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(true, encrypted);
  SeededRandom chance(7);
  std::vector<std::string> logs;
  for (const std::string& path : files_below(scene.files(), "data")) {
    if (ends_with(path, ".log") && scene.files().info(path)->size > 300) logs.push_back(path);
  }
  REQUIRE(logs[0].find("/journal/") != std::string::npos);
  for (const size_t number : {size_t{0}, size_t{1}, logs.size() / 2, logs.size() - 1}) {
    const uint64_t at = scene.files().info(logs[number])->size / 3;
    const auto prepare = [&](io::MemoryFileSystem& fs) {
      scene.copy_to(fs);
      fs.flip(logs[number], at, 2);
      REQUIRE(scene.repair(fs, {})->refused);
    };
    io::MemoryFileSystem whole;
    prepare(whole);
    const uint64_t before = whole.operations();
    const auto report = scene.repair(whole, {false, true});
    REQUIRE(report);
    const uint64_t operations = whole.operations() - before;
    const Contents wanted = scene.contents_of(whole);
    REQUIRE(problem_of(scene.before(), wanted, *report, false) == "");
    for (uint64_t stop = 0; stop < operations; stop += kPlaceStep) {
      INFO(logs[number] << " byte " << at << ", stopped at operation " << stop << " of " << operations);
      io::MemoryFileSystem fs;
      prepare(fs);
      fs.halt_at(before + stop);
      REQUIRE_FALSE(scene.repair(fs, {false, true}));
      fs.crash(stop % 2 == 0 ? nullptr : &chance);
      if (fs.info("data/REPAIR")) {
        // Nobody opens or reads a half of it.
        CHECK(refuse_unfinished(fs, "data").error().code == ErrorCode::kConflict);
        CHECK_FALSE(list_data_directory(fs, "data"));
      }
      const auto again = scene.repair(fs, {false, true});
      INFO((again ? std::string() : again.error().describe()));
      REQUIRE(again);
      REQUIRE_FALSE(again->refused);
      REQUIRE(scene.contents_of(fs) == wanted);
      REQUIRE(verify_problem(scene, fs) == "");
    }
  }
}

TEST_CASE("a repair on a full disk changes nothing that is read, and works once there is space",
          "[repair][fault]") {
  const bool encrypted = GENERATE(false, true);
  INFO((encrypted ? "encrypted" : "in the clear"));
  Scene scene(true, encrypted);
  const std::string path = "data/streams/in/0/00000000000000000000.log";
  io::MemoryFileSystem whole;
  scene.copy_to(whole);
  whole.flip(path, 100, 2);
  const uint64_t before = whole.operations();
  REQUIRE(scene.repair(whole, {false, true}));
  const uint64_t operations = whole.operations() - before;
  const Contents wanted = scene.contents_of(whole);
  for (uint64_t at = 0; at < operations; at += kPlaceStep) {
    INFO("no space at operation " << at << " of " << operations);
    io::MemoryFileSystem fs;
    scene.copy_to(fs);
    fs.flip(path, 100, 2);
    fs.fail_at(before + at, io::Fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}, 10});
    const auto full = scene.repair(fs, {false, true});
    if (!full) CHECK((full.error().code == ErrorCode::kNoSpace || full.error().code == ErrorCode::kIo));  // a sync
    const auto again = scene.repair(fs, {false, true});
    INFO((again ? std::string() : again.error().describe()));
    REQUIRE(again);
    REQUIRE(scene.contents_of(fs) == wanted);
  }
}

TEST_CASE("a key that is lost costs the segment it is for, and nothing without leave", "[repair]") {
  const bool clean = GENERATE(true, false);
  Scene scene(clean, true);
  size_t keys = 0;
  for (const std::string& path : files_below(scene.files(), "data")) {
    if (!ends_with(path, ".key") || scene.files().info(path.substr(0, path.size() - 3) + "log")->size == 0)
      continue;
    INFO(path);
    ++keys;
    io::MemoryFileSystem fs;
    scene.copy_to(fs);
    REQUIRE(fs.remove(path));
    const auto careful = scene.repair(fs, {});
    REQUIRE(careful);
    REQUIRE(careful->refused);
    REQUIRE(careful->hopeless.empty());
    REQUIRE(careful->lost.size() == 1);
    CHECK(careful->lost[0].what.find("key") != std::string::npos);
    const auto accepted = scene.repair(fs, {false, true});
    REQUIRE(accepted);
    // Every other segment stays whole.
    size_t lost = 0;
    const Contents after = scene.contents_of(fs);
    for (const auto& [place, events] : scene.before()) {
      for (const auto& [offset, value] : events) {
        if (!is_lost(*accepted, place, offset)) CHECK(after.at(place).at(offset) == value);
        lost += is_lost(*accepted, place, offset);
      }
    }
    CHECK((lost > 0) == (path.find("/journal/") == std::string::npos));
  }
  CHECK(keys > 5);
}

namespace {

// Makes the records of the `which`-th batch of events in `path` nonsense, with a checksum that holds; its place in
// the file, or nothing if there is none.
std::optional<LostRange> make_nonsense(io::MemoryFileSystem& fs, const std::string& path, size_t which) {
  std::string content = *io::read_file(fs, path, size_t{1} << 20);
  LostRange place;
  for (size_t at = 0, seen = 0; at < content.size();) {
    const BatchHeader header = get_header(std::string_view(content).substr(at));
    const size_t size = header.total_bytes();
    if (!header.is_control() && seen++ == which) {
      const std::string records(size - kHeaderBytes, '\xee');
      const HeaderBytes bytes = put_header(header, records.size(), io::crc32c(records));
      content.replace(at, size, std::string(bytes.data(), bytes.size()) + records);
      REQUIRE(io::write_file_atomically(fs, path, content));
      place.first_offset = header.base_offset;
      place.last_offset = header.last_offset();
      place.position = at;
      place.size = size;
      return place;
    }
    at += size;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a batch whose checksum holds and that nobody can decode is lost, and it alone", "[repair]") {
  const bool encrypted = GENERATE(false, true);
  const bool clean = GENERATE(true, false);
  INFO((encrypted ? "encrypted" : "in the clear") << (clean ? ", stopped cleanly" : ", killed"));
  Scene scene(clean, encrypted);
  size_t repaired = 0;
  for (const std::string& path : files_below(scene.files(), "data")) {
    if (!ends_with(path, ".log") || path.find("/streams/in/0/") == std::string::npos) continue;
    for (size_t which = 0; which < 4; ++which) {
      io::MemoryFileSystem fs;
      scene.copy_to(fs);
      const std::optional<LostRange> place = make_nonsense(fs, path, which);
      if (!place) break;
      INFO(path << ", batch " << which);
      CHECK(verify_problem(scene, fs).find(path) != std::string::npos);
      const auto careful = scene.repair(fs, {});
      REQUIRE(careful);
      REQUIRE(careful->refused);
      REQUIRE(careful->lost.size() == 1);
      const LostRange& lost = careful->lost[0];
      CHECK(lost.file == path);
      CHECK(std::pair(lost.first_offset, lost.last_offset) == std::pair(place->first_offset, place->last_offset));
      CHECK(std::pair(lost.position, lost.size) == std::pair(place->position, place->size));
      const auto accepted = scene.repair(fs, {false, true});
      REQUIRE(accepted);
      REQUIRE_FALSE(accepted->refused);
      Contents wanted = scene.before();
      auto& events = wanted.at({"in", 0});
      events.erase(events.lower_bound(place->first_offset), events.upper_bound(place->last_offset));
      CHECK(scene.contents_of(fs) == wanted);
      CHECK(verify_problem(scene, fs) == "");
      ++repaired;
    }
  }
  CHECK(repaired > 5);
}

TEST_CASE("a quarantine is never written to a second time, whatever was taken away", "[repair]") {
  Scene scene(true);
  io::MemoryFileSystem fs;
  scene.copy_to(fs);
  const auto damage = [&](const std::string& partition) {
    fs.flip("data/streams/" + partition + "/00000000000000000000.log", 100, 2);
    REQUIRE(scene.repair(fs, {false, true}));
  };
  damage("in/0");
  damage("in/1");
  const std::string second = all_bytes(fs, "data/quarantine/000002");
  REQUIRE(io::remove_tree(fs, "data/quarantine/000001"));
  damage("out/0");
  CHECK(all_bytes(fs, "data/quarantine/000002") == second);
  CHECK(fs.info("data/quarantine/000003"));
}

TEST_CASE("a repair that may not go on has made no stream", "[repair]") {
  Scene scene(true);
  io::MemoryFileSystem fs;
  scene.copy_to(fs);
  REQUIRE(io::remove_tree(fs, "data/streams/out"));
  REQUIRE(fs.remove("data/streams/in/meta"));
  const std::string damaged = all_bytes(fs, "data");
  const auto refused = scene.repair(fs, {false, true});
  REQUIRE(refused);
  CHECK(refused->refused);
  CHECK_FALSE(refused->hopeless.empty());
  CHECK_FALSE(refused->lost.empty());
  CHECK(all_bytes(fs, "data") == damaged);
}

TEST_CASE("what is lost is named with its bytes and times, and who is concerned", "[repair]") {
  Scene scene(true);
  const std::string path = "data/streams/in/0/00000000000000000000.log";
  scene.files().flip(path, 100, 2);
  const auto report = scene.repair(scene.files(), {});
  REQUIRE(report);
  REQUIRE(report->refused);
  REQUIRE(report->lost.size() == 1);
  const LostRange& lost = report->lost[0];
  CHECK(lost.stream == "in");
  CHECK(lost.partition == 0);
  CHECK(lost.first_offset == 0);
  CHECK(lost.last_offset == 2);
  CHECK(lost.file == path);
  CHECK(lost.position == 0);
  CHECK(lost.size > 100);
  CHECK(lost.after_ms == -1);
  CHECK(lost.before_ms >= 0);
  CHECK(lost.describe().find("in/0: offsets 0 to 2 in '" + path + "', bytes 0 to ") == 0);
  CHECK(report->actions.empty());
  // Damage among outputs that a commit names.
  scene.files().flip("data/streams/out/0/00000000000000000000.log", 70, 2);
  const auto both = scene.repair(scene.files(), {false, true});
  REQUIRE(both);
  REQUIRE(both->consequences.size() == 1);
  CHECK(both->consequences[0].find("batches of outputs among") != std::string::npos);
}

}  // namespace colloquium::log
