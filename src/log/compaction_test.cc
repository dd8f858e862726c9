// Compaction on segment files: what the contract of every Log can't say.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/copy_files_test.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/nonce_watch_test.h"
#include "log/record_filter.h"
#include "log/repair.h"
#include "log/scripted_run_test.h"
#include "log/seal.h"
#include "log/segment_log.h"
#include "log/verify.h"
#include "log/watched_file_system_test.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

// A stream of one partition whose events have keys; every batch is one event.
class Table {
 public:
  explicit Table(bool encrypted = false, size_t memory_bytes = size_t{1} << 20)
      : memory_bytes_(memory_bytes), encrypted_(encrypted) {
    open();
  }
  ~Table() { CHECK_FALSE(nonces_.reused()); }

  SegmentLog& log() { return *log_; }
  SimExecutor& executor() { return executor_; }
  io::MemoryFileSystem& files() { return files_; }
  // Called before every operation on the files of the log.
  void on_operation(std::function<void()> call) { on_operation_ = std::move(call); }
  ManualClock& clock() { return clock_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  StreamId stream() const { return stream_; }
  std::string folder() const { return partition_directory("data", "s", 0); }

  Status try_open() {
    LogOptions options = options_for(files_);
    options.files = &watched_;
    options.on_warning = [this](const std::string& warning) { warnings_.push_back(warning); };
    TRY_ASSIGN(log_, SegmentLog::open(std::move(options)));
    TRY_ASSIGN(stream_, log_->open_stream({"s", 1, std::nullopt, Compaction{.on = true, .tombstone_ms = 1000}}));
    return {};
  }
  void open() { REQUIRE(try_open()); }
  LogOptions options_for(io::MemoryFileSystem& files) {
    LogOptions options;
    options.directory = "data";
    options.files = &files;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    if (encrypted_) options.keys = ring();
    options.segment_bytes = 1200;
    options.memory_bytes = 300;
    options.compaction_memory_bytes = memory_bytes_;
    return options;
  }
  std::shared_ptr<const KeyRing> ring() { return nonces_.ring("k", random_); }
  void crash() {
    log_.reset();
    files_.crash();
    open();
  }
  void close_uncleanly() {
    log_.reset();
    files_.crash();
  }
  void close_killed() {
    log_.reset();
    executor_.run_until_idle();
    files_.kill();
  }
  // Whether a log on that disk does.
  bool starts(io::MemoryFileSystem& disk) {
    LogOptions options = options_for(disk);
    const auto log = SegmentLog::open(std::move(options));
    executor_.run_until_idle();
    return log.has_value();
  }
  void close() {
    REQUIRE(log_->close());
    log_.reset();
  }

  void put(const std::string& key, const std::string& text, bool tombstone = false) {
    contract::Event event{'"' + text + '"', key, {}};
    event.tombstone = tombstone;
    put(event, text);
  }
  void put(const contract::Event& event, const std::string& text) {
    const AcceptInfo accept{"hook", "cursor " + text, {}};
    auto batch = contract::encoded(contract::make_batch({event}, "hook"), Codec::kNone, &accept);
    REQUIRE(contract::append(*log_, executor_, stream_, 0, std::move(batch)));
    clock_.advance_ms(100);
  }
  // Numbered texts of `keys` keys in turn.
  void fill(int count, int keys) {
    for (int i = 0; i < count; ++i, ++next_) put("k" + std::to_string(next_ % keys), std::to_string(next_));
  }
  Status compact() {
    contract::Awaited<Status> done(executor_);
    log_->apply_retention(done.callback());
    return done.get();
  }
  contract::Found found() { return contract::read_all(*log_, stream_, 0); }
  std::vector<int64_t> bases() { return *list_segments(files_, folder()); }
  Seal seal(size_t segment) { return *read_seal(files_, segment_path(folder(), bases()[segment], "seal")); }
  std::string last_cursor() {
    std::string cursor;
    REQUIRE(log_->accepted_since(stream_, INT64_MAX, {},
                                 [&](const Log::Accepted& accepted) { cursor = accepted.info.cursor; }));
    return cursor;
  }
  // What another process finds, with no lock.
  contract::Found found_outside() {
    auto reader = open_reader(files_, "data", "s", 0, 0, encrypted_ ? ring() : nullptr);
    REQUIRE(reader);
    contract::Found all;
    for (;;) {
      const auto batch = (*reader)->next();
      REQUIRE(batch);
      if (*batch == nullptr) return all;
      for (size_t i = 0; i < (*batch)->size(); ++i) all.emplace_back((*batch)->offset(i), (*batch)->value(i));
    }
  }
  VerifyReport verified() {
    auto report = verify_data_directory(files_, "data", nullptr, encrypted_ ? ring() : nullptr);
    REQUIRE(report);
    return *report;
  }
  RepairReport looked_at() {
    auto report = repair_data_directory(options_for(files_), {.dry_run = true, .accept_loss = false});
    REQUIRE(report);
    return *report;
  }

 private:
  const size_t memory_bytes_;
  const bool encrypted_;
  ManualClock clock_;
  SimExecutor executor_{3, clock_};
  SeededRandom random_{1};
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  std::function<void()> on_operation_;
  WatchedFileSystem watched_{files_, [this] {
                               if (on_operation_) on_operation_();
                             }};
  std::vector<std::string> warnings_;
  std::unique_ptr<SegmentLog> log_;
  StreamId stream_ = 0;
  int next_ = 0;
};

// Without those below `end` that a later one of the same key, counted by `keys`, replaces.
contract::Found newest_of(const contract::Found& all, int keys, int64_t end) {
  std::map<int, int64_t> newest;
  const auto key_of = [&](const std::string& value) { return std::stoi(value.substr(1)) % keys; };
  for (const auto& [offset, value] : all) {
    if (offset < end) newest[key_of(value)] = offset;
  }
  contract::Found left;
  for (const auto& event : all) {
    if (event.first >= end || newest[key_of(event.second)] == event.first) left.push_back(event);
  }
  return left;
}

std::optional<io::Fault> on_compacted(const io::Operation& operation, io::OperationKind kind, ErrorCode code) {
  if (operation.kind != kind || operation.path.find(".compacted") == std::string::npos) return std::nullopt;
  return io::Fault{Error{code, "injected", true}};
}

uint64_t changes_of(io::MemoryFileSystem& files, const std::function<void()>& action) {
  const uint64_t before = files.operations();
  action();
  return files.operations() - before;
}

}  // namespace

TEST_CASE("of the finished segments exactly the newest of each key stay, but of the newest segment",
          "[compaction]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  const auto before = table.found();
  const auto bases = table.bases();
  REQUIRE(bases.size() > 5);
  const uint64_t size = table.log().stream_info(table.stream())->partitions[0].size_bytes;
  REQUIRE(table.compact());
  const int64_t end = bases[bases.size() - 2];
  CHECK(table.found() == newest_of(before, 5, end));
  CHECK(table.found_outside().size() + 3 >= table.found().size());
  const LogStats stats = table.log().stats();
  CHECK(stats.compacted_records == before.size() - table.found().size());
  const auto info = table.log().stream_info(table.stream())->partitions[0];
  CHECK(info.size_bytes == size - stats.compacted_bytes);
  CHECK(info.oldest_offset == 0);
  CHECK(table.bases() == bases);
  CHECK(table.seal(0).compacted.generation == 1);
  CHECK(table.seal(0).compacted.below_offset == bases[1]);
  CHECK(table.seal(bases.size() - 2).compacted.generation == 0);
  // Again, it finds nothing to do.
  const uint64_t operations = table.files().operations();
  REQUIRE(table.compact());
  CHECK(table.files().operations() == operations);
  table.close();
  CHECK(table.verified().problems.empty());
  CHECK(table.looked_at().actions.empty());
  table.open();
  CHECK(table.log().recovery().notes.empty());
  CHECK(table.found() == newest_of(before, 5, end));
  CHECK(table.log().stream_info(table.stream())->partitions[0].size_bytes == info.size_bytes + 90);
}

TEST_CASE("what was put back for one leg replaces no event of its key, and is replaced", "[compaction]") {
  Table table;
  const auto put_back = [&](const std::string& key) {
    table.put(contract::Event{"\"old " + key + '"', key, {{std::string(kLegHeader), "partner"}}}, "old");
  };
  table.put("a", "newest of a");
  put_back("a");
  put_back("b");
  table.put("b", "newest of b");
  table.fill(40, 3);
  REQUIRE(table.compact());
  std::vector<std::string> of_a_and_b;
  for (const auto& [offset, value] : table.found()) {
    if (value.find("of") != std::string::npos || value.find("old") != std::string::npos)
      of_a_and_b.push_back(value);
  }
  CHECK(of_a_and_b == std::vector<std::string>{R"("newest of a")", R"("old a")", R"("newest of b")"});
}

TEST_CASE("by itself compaction waits until half of what is finished is new to it", "[compaction]") {
  Table table;
  const auto tick = [&] {
    table.clock().advance_ms(20'000);
    table.log().tick();
    contract::Awaited<Status> committed(table.executor());
    table.log().commit({"p/leg", {}, {}, {}}, committed.callback());
    REQUIRE(committed.get());
    table.executor().run_until_idle();
    return table.log().stats().compacted_segments;
  };
  table.fill(60, 30);
  const uint64_t first = tick();
  CHECK(first > 0);
  table.fill(14, 30);
  CHECK(tick() == first);
  SECTION("which is when there are more") {
    table.fill(100, 30);
    CHECK(tick() > first);
  }
  SECTION("or for a week") {
    table.clock().advance_ms(6 * kDayMs);
    CHECK(tick() == first);
    table.clock().advance_ms(kDayMs);
    CHECK(tick() > first);
  }
}

TEST_CASE("a segment that is written slowly is finished after a day, so that it is compacted", "[compaction]") {
  Table table;
  for (int day = 0; day < 4; ++day) {
    table.put("k", std::to_string(day));
    table.clock().advance_ms(kDayMs + 1);
  }
  CHECK(table.bases().size() == 4);
  REQUIRE(table.compact());
  // The newest finished one and the one that is written are left alone.
  CHECK(table.bases().size() == 5);
  CHECK(table.found().size() == 2);
}

TEST_CASE("with memory for few keys it takes more passes to the same end", "[compaction]") {
  Table wide;
  Table narrow(false, 700);
  for (Table* table : {&wide, &narrow}) table->fill(150, 40);
  const auto before = wide.found();
  REQUIRE(wide.compact());
  const auto after = wide.found();
  REQUIRE(after.size() < before.size() - 60);
  int passes = 0;
  for (; narrow.found().size() > after.size() && passes < 60; ++passes) REQUIRE(narrow.compact());
  CHECK(passes > 5);
  CHECK(narrow.found() == after);
  CHECK(narrow.warnings().empty());
}

TEST_CASE("a reader that is in a segment when it is compacted goes on without a wrong offset", "[compaction]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  const auto before = table.found();
  std::vector<std::unique_ptr<Reader>> readers;
  for (size_t i = 0; i < before.size(); i += 3) {
    readers.push_back(std::move(*table.log().read(table.stream(), 0, before[i].first, false)));
    REQUIRE(*readers.back()->next() != nullptr);
  }
  auto outside = open_reader(table.files(), "data", "s", 0, 0, table.ring());
  REQUIRE(*(*outside)->next() != nullptr);
  readers.push_back(std::move(*outside));
  REQUIRE(table.compact());
  table.fill(40, 5);
  REQUIRE(table.compact());
  const auto after = table.found();
  for (const auto& reader : readers) {
    int64_t last = reader->offset() - 1;
    contract::Found rest;
    for (;;) {
      const auto batch = reader->next();
      INFO((batch ? std::string() : batch.error().describe()));
      REQUIRE(batch);
      if (*batch == nullptr) break;
      for (size_t i = 0; i < (*batch)->size(); ++i) {
        REQUIRE((*batch)->offset(i) > last);
        last = (*batch)->offset(i);
        rest.emplace_back(last, (*batch)->value(i));
      }
    }
    for (const auto& event : rest) {
      const bool was = std::find(before.begin(), before.end(), event) != before.end();
      REQUIRE((was || std::find(after.begin(), after.end(), event) != after.end()));
    }
  }
}

TEST_CASE("a committed segment that lacks only its name is read, verified and repaired as it is",
          "[compaction][fault]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  const auto before = table.found();
  const auto bases = table.bases();
  bool full = true;
  table.files().set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (!full) return std::nullopt;
    return on_compacted(operation, io::OperationKind::kRename, ErrorCode::kNoSpace);
  });
  REQUIRE(table.compact());
  CHECK(list_compacted_files(table.files(), table.folder())->size() == 1);
  CHECK(table.seal(0).compacted.generation == 1);
  const auto expect = [&](const contract::Found& found) {
    CHECK(std::all_of(found.begin(), found.end(), [&](const auto& event) {
      return std::find(before.begin(), before.end(), event) != before.end();
    }));
    CHECK(found.front().first >= bases[1]);
  };
  expect(table.found());
  expect(table.found_outside());
  CHECK(table.verified().problems.empty());
  const std::string how = GENERATE("goes on", "stops", "crashes", "is repaired");
  if (how == "goes on") full = false;
  if (how == "stops") table.close();
  if (how == "stops") table.files().set_hook(nullptr);
  if (how == "stops") table.open();
  if (how == "crashes") table.files().set_hook(nullptr);
  if (how == "crashes") table.crash();
  if (how == "is repaired") {
    table.close();
    table.files().set_hook(nullptr);
    CHECK(table.looked_at().actions.size() == 1);
    const auto report = repair_data_directory(table.options_for(table.files()), {});
    REQUIRE(report);
    CHECK_FALSE(report->refused);
    CHECK(list_compacted_files(table.files(), table.folder())->empty());
    table.open();
  }
  expect(table.found());
  REQUIRE(table.compact());
  CHECK(list_compacted_files(table.files(), table.folder())->empty());
  CHECK(table.found() == newest_of(before, 5, bases[bases.size() - 2]));
}

TEST_CASE("a committed segment that lacks its name and is damaged replaces nothing, and a repair goes back",
          "[compaction][damage]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  const auto before = table.found();
  const auto bases = table.bases();
  table.files().set_hook([&](const io::Operation& operation) {
    return on_compacted(operation, io::OperationKind::kRename, ErrorCode::kNoSpace);
  });
  REQUIRE(table.compact());
  table.files().set_hook(nullptr);
  table.close_uncleanly();
  const auto left = *list_compacted_files(table.files(), table.folder());
  REQUIRE(left.size() == 1);
  const std::string compacted = compacted_path(table.folder(), left[0].base_offset, left[0].generation);
  const std::string path = segment_path(table.folder(), left[0].base_offset, "log");
  table.files().flip(compacted, table.files().info(compacted)->size - 1, 4);
  const bool both = GENERATE(false, true);
  if (both) table.files().flip(path, 200, 4);
  const std::string old_bytes = *io::read_file(table.files(), path, 1 << 20);
  const std::string new_bytes = *io::read_file(table.files(), compacted, 1 << 20);

  const std::string untouched =
      all_bytes(table.files(), "data/journal") + all_bytes(table.files(), table.folder());
  const Status opened = table.try_open();
  REQUIRE_FALSE(opened);
  CHECK(all_bytes(table.files(), "data/journal") + all_bytes(table.files(), table.folder()) == untouched);
  CHECK(opened.error().code == ErrorCode::kCorrupt);
  CHECK(opened.error().message.find(compacted) != std::string::npos);
  CHECK(table.verified().corrupt());
  CHECK(table.looked_at().refused == both);
  const auto refused = repair_data_directory(table.options_for(table.files()), {});
  REQUIRE(refused);
  REQUIRE(refused->refused == both);
  if (both) {
    CHECK(*io::read_file(table.files(), path, 1 << 20) == old_bytes);
    CHECK(*io::read_file(table.files(), compacted, 1 << 20) == new_bytes);
    const auto report =
        repair_data_directory(table.options_for(table.files()), {.dry_run = false, .accept_loss = true});
    REQUIRE(report);
    const std::string kept = "data/quarantine/000001" + compacted.substr(4);
    CHECK(*io::read_file(table.files(), kept, 1 << 20) == new_bytes);
    CHECK(*io::read_file(table.files(), "data/quarantine/000001" + path.substr(4), 1 << 20) == old_bytes);
  } else {
    CHECK(*io::read_file(table.files(), path, 1 << 20) == old_bytes);
  }
  CHECK(list_compacted_files(table.files(), table.folder())->empty());
  table.open();
  if (both) {
    CHECK(table.found().size() + 12 > before.size());
  } else {
    CHECK(table.found() == before);
  }
  REQUIRE(table.compact());
  CHECK(table.verified().problems.empty());
}

TEST_CASE("what a killed process had committed of a compaction is finished, whatever the power takes then",
          "[compaction][fault]") {
  uint64_t judged = 0;
  uint64_t operations = 1;
  for (uint64_t at = 0; at < operations; ++at) {
    Table table;
    table.fill(24, 5);
    if (at == 0) {
      Table whole;
      whole.fill(24, 5);
      operations = changes_of(whole.files(), [&] { REQUIRE(whole.compact()); });
    }
    table.files().halt_at(table.files().operations() + at);
    (void)table.compact();
    table.close_killed();
    const auto left = list_compacted_files(table.files(), table.folder());
    if (!left || left->empty()) continue;
    const auto seal = read_seal(table.files(), segment_path(table.folder(), left->front().base_offset, "seal"));
    if (!seal || seal->compacted.generation != left->front().generation) continue;
    // The next start is stopped anywhere, and of the names that were not synced any may arrive.
    bool whole = false;
    for (uint64_t stop = 0; !whole; stop += kPlaceStep) {
      for (uint64_t seed = 0; seed < 8; ++seed) {
        io::MemoryFileSystem disk;
        disk.copy_from(table.files());
        disk.halt_at(disk.operations() + stop);
        whole = table.starts(disk);
        SeededRandom chance(seed);
        disk.crash(&chance);
        INFO("killed before operation " << at << ", stopped before " << stop << ", seed " << seed);
        REQUIRE(table.starts(disk));
        ++judged;
      }
    }
  }
  CHECK(judged > 100 / kPlaceStep);
}

TEST_CASE("a repair that is refused leaves an interrupted compaction as it is", "[compaction][repair]") {
  Table table;
  table.fill(80, 5);
  const auto bases = table.bases();
  table.files().set_hook([&](const io::Operation& operation) {
    return on_compacted(operation, io::OperationKind::kRename, ErrorCode::kNoSpace);
  });
  REQUIRE(table.compact());
  table.close();
  table.files().set_hook(nullptr);
  table.files().flip(segment_path(table.folder(), bases[3], "log"), 200, 4);
  const uint64_t changes = changes_of(table.files(), [&] {
    const auto report = repair_data_directory(table.options_for(table.files()), {});
    REQUIRE(report);
    CHECK(report->refused);
    CHECK(report->actions.empty());
  });
  CHECK(changes == 0);
  CHECK(list_compacted_files(table.files(), table.folder())->size() == 1);
  const auto report =
      repair_data_directory(table.options_for(table.files()), {.dry_run = false, .accept_loss = true});
  REQUIRE(report);
  CHECK_FALSE(report->refused);
  CHECK(list_compacted_files(table.files(), table.folder())->empty());
  table.open();
  CHECK(table.seal(0).compacted.generation == 1);
  REQUIRE(table.compact());
  CHECK(table.verified().problems.empty());
}

TEST_CASE("a disk too full for the new segment leaves the old one, and later there is space",
          "[compaction][fault]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  const auto before = table.found();
  const auto kind = GENERATE(io::OperationKind::kWrite, io::OperationKind::kOpen);
  table.files().set_hook(
      [&](const io::Operation& operation) { return on_compacted(operation, kind, ErrorCode::kNoSpace); });
  REQUIRE(table.compact());
  CHECK(table.found() == before);
  CHECK(list_compacted_files(table.files(), table.folder())->empty());
  table.files().set_hook(nullptr);
  table.fill(1, 5);
  REQUIRE(table.compact());
  CHECK(table.found().size() < before.size() - 30);
}

TEST_CASE("a disk that fails under compaction is found by the log", "[compaction][fault]") {
  Table table;
  table.fill(80, 5);
  table.files().set_hook([&](const io::Operation& operation) {
    return on_compacted(operation, io::OperationKind::kSync, ErrorCode::kIo);
  });
  CHECK_FALSE(table.compact());
  table.files().set_hook(nullptr);
  CHECK_FALSE(table.log().close());
}

TEST_CASE("upkeep that was asked for before the log failed is refused with the failure", "[compaction][fault]") {
  Table table;
  table.fill(20, 5);
  table.files().set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kWrite) return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "injected", false}};
  });
  bool appended = true;
  auto batch = contract::encoded(contract::make_batch({{"1", "k", {}}}, "hook"), Codec::kNone, nullptr);
  table.log().append(table.stream(), 0, std::move(batch), AckLevel::kDurable,
                     [&](const Result<AppendResult>& result) { appended = result.has_value(); });
  std::optional<Status> kept_up;
  table.log().apply_retention([&](Status status) { kept_up = std::move(status); });
  table.executor().run_until_idle();
  CHECK_FALSE(appended);
  REQUIRE(kept_up);
  CHECK_FALSE(*kept_up);
  table.files().set_hook(nullptr);
  CHECK_FALSE(table.log().close());
}

TEST_CASE("what is damaged is not written anew, and is told once", "[compaction][damage]") {
  Table table;
  table.fill(80, 5);
  const auto before = table.found();
  const std::string path = segment_path(table.folder(), table.bases()[1], "log");
  table.files().flip(path, 200, 4);
  const std::string damaged = *io::read_file(table.files(), path, 1 << 20);
  REQUIRE(table.compact());
  REQUIRE(table.compact());
  CHECK(*io::read_file(table.files(), path, 1 << 20) == damaged);
  REQUIRE(table.warnings().size() == 1);
  CHECK(table.warnings()[0].find("compaction of 's/0' can't go on") != std::string::npos);
  CHECK(table.log().stats().compacted_segments == 0);
}

TEST_CASE("records that no writer makes are damage, whatever the checksum of their batch says", "[compaction]") {
  const EncodedBatch batch = contract::encoded(contract::values({"1", "2", "3"}));
  REQUIRE(batch.codec == Codec::kNone);
  BatchHeader header;
  header.record_count = 3;
  for (const auto& [last_offset_delta, bytes] :
       {std::pair<int32_t, size_t>{1, batch.records.size()}, {2, batch.records.size() - 1}}) {
    header.last_offset_delta = last_offset_delta;
    CheckedRecords records(header, std::string_view(batch.records).substr(0, bytes));
    Record record;
    CHECK(records.next(record).value());
    CHECK(records.next(record).value());
    const Result<bool> third = records.next(record);
    REQUIRE_FALSE(third);
    CHECK(third.error().code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("a compacted segment whose seal is lost gets another, and nothing else is lost",
          "[compaction][damage]") {
  Table table(GENERATE(false, true));
  table.fill(80, 5);
  REQUIRE(table.compact());
  const auto after = table.found();
  const auto bases = table.bases();
  for (const bool damaged : {true, false}) {
    for (size_t i = 0; i + 1 < bases.size(); ++i) {
      const std::string seal = segment_path(table.folder(), bases[i], "seal");
      if (damaged) table.files().flip(seal, 30, 1);
      if (!damaged) REQUIRE(table.files().remove(seal));
      if (!damaged) REQUIRE(table.files().sync_directory(table.folder()));
      table.crash();
      CHECK(table.log().recovery().notes.size() >= 1);
      CHECK(table.found() == after);
      CHECK(table.last_cursor() == "cursor 79");
      CHECK((table.seal(i).compacted.generation == 1) == (i + 2 < bases.size()));
    }
  }
  // They are compared anew, and nothing comes of it.
  REQUIRE(table.compact());
  CHECK(table.verified().problems.empty());
}

TEST_CASE("whatever bit of a compacted segment flips is told, and nothing wrong is read [REQ-179]",
          "[REQ-179][compaction][damage]") {
  const bool encrypted = GENERATE(false, true);
  Table table(encrypted);
  table.fill(80, 5);
  REQUIRE(table.compact());
  const auto after = table.found();
  // One with events left, if only few: a flip is tried for every bit.
  const auto bases = table.bases();
  size_t chosen = 0;
  for (size_t i = 0; i + 2 < bases.size(); ++i) {
    const auto in = [&](const auto& event) { return event.first >= bases[i] && event.first < bases[i + 1]; };
    if (std::any_of(after.begin(), after.end(), in)) chosen = i;
  }
  const std::string path = segment_path(table.folder(), bases[chosen], "log");
  const uint64_t size = table.files().info(path)->size;
  table.close();
  io::MemoryFileSystem copy;
  copy_files(table.files(), copy, "data");
  for (uint64_t bit = 0; bit<size * 8; bit += kPlaceStep> 1 ? 3 * kPlaceStep : 1) {
    INFO("bit " << bit << " of " << size * 8);
    copy.flip(path, bit / 8, static_cast<uint8_t>(1u << bit % 8));
    const auto report = verify_data_directory(copy, "data", nullptr, encrypted ? table.ring() : nullptr);
    REQUIRE(report);
    REQUIRE(report->corrupt());
    REQUIRE(std::any_of(report->problems.begin(), report->problems.end(),
                        [&](const VerifyProblem& problem) { return problem.file == path; }));
    auto reader = open_reader(copy, "data", "s", 0, 0, encrypted ? table.ring() : nullptr);
    REQUIRE(reader);
    size_t read = 0;
    for (;;) {
      const auto batch = (*reader)->next();
      if (!batch) {
        REQUIRE(batch.error().code == ErrorCode::kCorrupt);
        break;
      }
      REQUIRE(*batch != nullptr);
      for (size_t i = 0; i < (*batch)->size(); ++i, ++read) {
        REQUIRE(after[read] == std::pair((*batch)->offset(i), std::string((*batch)->value(i))));
      }
    }
    copy.flip(path, bit / 8, static_cast<uint8_t>(1u << bit % 8));
  }
}

TEST_CASE("a damaged compacted segment is cut out by a repair, and what is left of it compacts again",
          "[compaction][damage]") {
  const bool encrypted = GENERATE(false, true);
  Table table(encrypted);
  for (int i = 0; i < 8; ++i) table.put("only " + std::to_string(i), std::to_string(1000 + i));
  table.fill(80, 5);
  REQUIRE(table.compact());
  table.fill(40, 5);
  REQUIRE(table.compact());
  const auto before = table.found();
  table.close();
  const std::string path = segment_path(table.folder(), 0, "log");
  const size_t at =
      encrypted ? table.files().info(path)->size / 2 : io::read_file(table.files(), path, 1 << 20)->find("1002");
  table.files().flip(path, at, 1);
  CHECK_FALSE(table.looked_at().lost.empty());
  const auto report =
      repair_data_directory(table.options_for(table.files()), {.dry_run = false, .accept_loss = true});
  REQUIRE(report);
  CHECK_FALSE(report->refused);
  table.open();
  const auto after = table.found();
  CHECK(after.size() <= before.size() - (encrypted ? 0 : 1));
  CHECK(after.size() + 4 > before.size());
  CHECK(std::includes(before.begin(), before.end(), after.begin(), after.end()));
  table.fill(40, 5);
  REQUIRE(table.compact());
  const auto last = table.found();
  for (const auto& event : after) {
    if (event.second[1] == '1' && event.second.size() == 6) {
      CHECK(std::find(last.begin(), last.end(), event) != last.end());
    }
  }
  CHECK(table.verified().problems.empty());
}

TEST_CASE("retention removes what was compacted, and counts what is there", "[compaction][retention]") {
  Table table;
  table.fill(80, 5);
  REQUIRE(table.compact());
  REQUIRE(table.log().open_stream({"s", 1, Retention{.time_ms = 1000}}));
  table.clock().advance_ms(60'000);
  REQUIRE(table.compact());
  const auto info = table.log().stream_info(table.stream())->partitions[0];
  CHECK(table.found().empty());
  CHECK(info.size_bytes == 0);
  table.close();
  CHECK(table.verified().problems.empty());
}

TEST_CASE("retention does not wait for the end of a compaction, wherever that is", "[compaction][retention]") {
  int removed_midway = 0;
  for (int64_t at = 1;; at += 1 + at / 8 * static_cast<int64_t>(kPlaceStep)) {
    Table table;
    table.fill(80, 5);
    REQUIRE(table.log().open_stream({"s", 1, Retention{.time_ms = 60'000}}));
    const auto before = table.found();
    int64_t operations = 0;
    table.on_operation([&] {
      if (++operations == at) table.clock().advance_ms(65'000);
    });
    REQUIRE(table.compact());
    table.on_operation(nullptr);
    const bool over = operations < at;
    const int64_t first = table.bases().front();
    if (!over && first > 0) {
      ++removed_midway;
      CHECK(table.log().stream_info(table.stream())->partitions[0].oldest_offset == first);
    }
    for (const auto& event : table.found()) CHECK(std::find(before.begin(), before.end(), event) != before.end());
    CHECK(table.warnings().empty());
    table.close();
    CHECK(table.verified().problems.empty());
    if (over) break;
  }
  CHECK(removed_midway > 0);
}

}  // namespace colloquium::log
