// Retention on segment files: what the contract of every Log can't say.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "io/path.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/segment_log.h"
#include "log/verify.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

class Scene {
 public:
  explicit Scene(Retention retention) : retention_(std::move(retention)) { open(); }

  SegmentLog& log() { return *log_; }
  io::MemoryFileSystem& files() { return files_; }
  ManualClock& clock() { return clock_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  StreamId stream() const { return stream_; }
  void set(Retention retention) {
    retention_ = std::move(retention);
    stream_ = *log_->open_stream({"s", 1, retention_});
  }

  void open() {
    LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.segment_bytes = 2000;
    options.memory_bytes = 500;
    options.on_warning = [this](const std::string& warning) { warnings_.push_back(warning); };
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
    stream_ = *log_->open_stream({"s", 1, retention_});
  }
  void close() {
    REQUIRE(log_->close());
    log_.reset();
  }
  void crash() {
    log_.reset();
    files_.crash();
    open();
  }
  Result<AppendResult> try_append(const std::string& cursor = "") {
    const AcceptInfo accept{"hook", cursor, {}};
    auto batch = contract::encoded(contract::values({"\"0123456789\""}), Codec::kNone, &accept);
    return contract::append(*log_, executor_, stream_, 0, std::move(batch));
  }
  int64_t append(const std::string& cursor = "") {
    const auto result = try_append(cursor);
    REQUIRE(result);
    clock_.advance_ms(100);
    return result->last_offset;
  }
  int64_t fill(int batches) {
    int64_t last = 0;
    for (int i = 0; i < batches; ++i) last = append();
    return last;
  }
  Status apply() {
    contract::Awaited<Status> done(executor_);
    log_->apply_retention(done.callback());
    return done.get();
  }
  void commit(int64_t offset) {
    CommitRequest request;
    request.leg = "p/leg";
    request.positions.push_back({stream_, 0, offset, "", ""});
    REQUIRE(contract::commit(*log_, executor_, std::move(request)));
  }
  PartitionInfo info() { return log_->stream_info(stream_)->partitions[0]; }
  std::vector<std::string> names() { return *files_.list(partition_directory("data", "s", 0)); }
  // Files of segments that begin below the oldest.
  size_t left() {
    const std::vector<std::string> all = names();
    return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& name) {
      const auto base = segment_of_file(name);
      return base && *base < info().oldest_offset;
    }));
  }

 private:
  Retention retention_;
  ManualClock clock_;
  SimExecutor executor_{3, clock_};
  SeededRandom random_{1};
  io::MemoryFileSystem files_;
  std::vector<std::string> warnings_;
  std::unique_ptr<SegmentLog> log_;
  StreamId stream_ = 0;
};

Retention kept_for(int64_t time_ms, std::vector<std::string> legs = {}) {
  Retention retention;
  retention.time_ms = time_ms;
  retention.legs = std::move(legs);
  return retention;
}

}  // namespace

TEST_CASE("a stream nobody writes to any more becomes empty, and stops and starts cleanly", "[retention]") {
  Scene scene(kept_for(5000));
  const int64_t last = scene.fill(3);
  CHECK(scene.info().oldest_offset == 0);
  scene.clock().advance_ms(60'000);
  REQUIRE(scene.apply());
  CHECK(scene.info().oldest_offset > last);
  CHECK(scene.info().size_bytes == 0);
  CHECK(contract::read_all(scene.log(), scene.stream(), 0).empty());
  CHECK(scene.left() == 0);
  scene.close();
  CHECK_FALSE(verify_data_directory(scene.files(), "data", nullptr)->corrupt());
  scene.open();
  CHECK(scene.log().recovery().clean);
  CHECK(scene.log().recovery().notes.empty());
  CHECK(scene.append() > last);
  CHECK(contract::read_all(scene.log(), scene.stream(), 0).size() == 1);
}

TEST_CASE("when nothing is left, a crash still leaves the sources' cursors and the time", "[retention][crash]") {
  Scene scene(kept_for(5000));
  for (int i = 0; i < 40; ++i) scene.append("cursor " + std::to_string(i));
  scene.clock().advance_ms(60'000);
  REQUIRE(scene.apply());
  REQUIRE(scene.info().size_bytes == 0);
  scene.crash();
  const auto last_accepted = [&] {
    std::vector<Log::Accepted> told;
    REQUIRE(scene.log().accepted_since(scene.stream(), INT64_MAX, {},
                                       [&](const Log::Accepted& accepted) { told.push_back(accepted); }));
    REQUIRE(told.size() == 1);
    CHECK(told[0].info.source == "hook");
    return told[0];
  };
  const Log::Accepted last = last_accepted();
  CHECK(last.info.cursor == "cursor 39");
  // A clock that was put back does not take the log's time back with it.
  scene.clock().advance_ms(-3'600'000);
  scene.append("cursor 40");
  CHECK(last_accepted().info.cursor == "cursor 40");
  CHECK(last_accepted().append_time_ms >= last.append_time_ms);
}

TEST_CASE("who holds retention back, and who loses by it, is told once", "[retention]") {
  Scene scene(kept_for(1000, {"p/leg"}));
  scene.fill(60);
  scene.clock().advance_ms(10'000);
  REQUIRE(scene.apply());
  REQUIRE(scene.apply());
  REQUIRE(scene.warnings().size() == 1);
  CHECK(scene.warnings()[0].find("'p/leg' has only committed those below 0") != std::string::npos);
  CHECK(scene.warnings()[0].find("s/0") != std::string::npos);
  CHECK(scene.info().oldest_offset == 0);

  Retention told = kept_for(1000, {"p/leg"});
  told.drop_unread = true;
  scene.set(told);
  scene.commit(10);
  REQUIRE(scene.apply());
  const int64_t oldest = scene.info().oldest_offset;
  CHECK(oldest > 10);
  REQUIRE(scene.warnings().size() == 2);
  CHECK(scene.warnings()[1].find("removes offsets 10 to ") != std::string::npos);
  CHECK(scene.warnings()[1].find("'p/leg' has not committed") != std::string::npos);
  const uint64_t unread = scene.log().stats().removed_unread_offsets;
  CHECK(unread > 0);
  CHECK(unread <= static_cast<uint64_t>(oldest - 10));
  scene.fill(60);
  scene.clock().advance_ms(10'000);
  REQUIRE(scene.apply());
  CHECK(scene.warnings().size() == 2);
  CHECK(scene.log().stats().removed_unread_offsets > unread);
}

TEST_CASE("what can't be deleted is nobody's, and goes at the next start", "[retention][fault]") {
  Scene scene(kept_for(1000));
  scene.fill(60);
  scene.clock().advance_ms(10'000);
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kRemove) return std::nullopt;
    return io::Fault{Error{ErrorCode::kPermission, "injected: not permitted"}};
  });
  REQUIRE(scene.apply());
  const auto kept = contract::read_all(scene.log(), scene.stream(), 0);
  CHECK(scene.info().oldest_offset > 0);
  CHECK(scene.left() > 0);
  CHECK(scene.warnings().size() == 1);
  scene.append();
  scene.files().set_hook(nullptr);
  scene.close();
  scene.open();
  CHECK(scene.left() == 0);
  CHECK(contract::read_all(scene.log(), scene.stream(), 0).size() == kept.size() + 1);
}

TEST_CASE("a disk too full to say what goes removes nothing, and later it does", "[retention][fault]") {
  Scene scene(kept_for(1000));
  scene.fill(60);
  scene.clock().advance_ms(10'000);
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.path.find("oldest") == std::string::npos) return std::nullopt;
    return io::Fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}};
  });
  REQUIRE(scene.apply());
  REQUIRE(scene.apply());
  CHECK(scene.info().oldest_offset == 0);
  REQUIRE(scene.warnings().size() == 1);
  CHECK(scene.warnings()[0].find("retention can remove nothing, because the disk is too full") == 0);
  scene.append();
  scene.files().set_hook(nullptr);
  REQUIRE(scene.apply());
  CHECK(scene.info().oldest_offset > 0);
  CHECK(scene.left() == 0);
}

TEST_CASE("a newest segment that is finished counts once, while the log runs, offline and after a start",
          "[retention][fault]") {
  Scene scene(kept_for(1'000'000));
  scene.fill(12);
  // The disk is full when the next segment is to be begun: the one before has its seal already.
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    const bool begins = operation.kind == io::OperationKind::kOpen && operation.path.ends_with(".log");
    if (!begins) return std::nullopt;
    return io::Fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}};
  });
  while (scene.try_append()) continue;
  const auto segment_bytes = [&] {
    uint64_t bytes = 0;
    for (const std::string& name : scene.names()) {
      const std::string path = io::join(partition_directory("data", "s", 0), name);
      if (name.ends_with(".log")) bytes += scene.files().info(path)->size;
    }
    return bytes;
  };
  REQUIRE(segment_bytes() > 1000);
  CHECK(scene.info().size_bytes == segment_bytes());
  CHECK((*list_data_directory(scene.files(), "data"))[0].partitions[0].size_bytes == segment_bytes());
  scene.crash();
  const auto all = contract::read_all(scene.log(), scene.stream(), 0).size();
  CHECK(all >= 12);
  CHECK(scene.info().size_bytes == segment_bytes());
}

TEST_CASE("a clock that was ahead once does not end retention by time, nor rolling by age", "[retention]") {
  constexpr int64_t kJumpMs = int64_t{30} * 24 * 3600 * 1000;
  Scene scene(kept_for(8000));
  const int64_t first = scene.append();
  scene.clock().set_wall_ms(scene.clock().wall_ms() + kJumpMs);
  const int64_t ahead = scene.append();
  scene.clock().set_wall_ms(scene.clock().wall_ms() - kJumpMs);
  const int64_t back = scene.append();
  REQUIRE(scene.apply());
  // Too few for a segment's size: what begins another one is their age.
  for (int i = 0; i < 6; ++i) {
    scene.append();
    scene.clock().advance_ms(1500);
    REQUIRE(scene.apply());
  }
  CHECK(scene.info().oldest_offset <= ahead);
  for (int i = 0; i < 8; ++i) {
    scene.append();
    scene.clock().advance_ms(1500);
    REQUIRE(scene.apply());
  }
  CHECK(scene.info().oldest_offset > back);
  CHECK(scene.info().oldest_offset < scene.info().next_offset);
  CHECK(std::count_if(scene.warnings().begin(), scene.warnings().end(), [](const std::string& warning) {
          return warning.find("bear append times in the future") != std::string::npos;
        }) == 1);
  // A quiet stream gets empty all the same.
  scene.clock().advance_ms(10'000);
  REQUIRE(scene.apply());
  scene.clock().advance_ms(10'000);
  REQUIRE(scene.apply());
  CHECK(contract::read_all(scene.log(), scene.stream(), 0).empty());
  CHECK(first < ahead);
}

TEST_CASE("a failed disk is found by the log although retention has met it", "[retention][fault]") {
  Scene scene(kept_for(1000));
  scene.fill(60);
  scene.clock().advance_ms(10'000);
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.path.find("oldest") == std::string::npos) return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "injected I/O error"}};
  });
  CHECK_FALSE(scene.apply());
  scene.files().set_hook(nullptr);
  CHECK_FALSE(scene.log().close());
}

TEST_CASE("a reader of another process is told that retention was faster", "[retention]") {
  Scene scene(kept_for(1000));
  scene.fill(60);
  auto reader = open_reader(scene.files(), "data", "s", 0, 0);
  REQUIRE(reader);
  REQUIRE(*(*reader)->next() != nullptr);
  scene.clock().advance_ms(10'000);
  REQUIRE(scene.apply());
  for (;;) {
    const auto batch = (*reader)->next();
    if (batch) {
      REQUIRE(*batch != nullptr);
      continue;
    }
    CHECK(batch.error().code == ErrorCode::kNotFound);
    CHECK(batch.error().message.find("removed by retention") != std::string::npos);
    CHECK(batch.error().message.find(std::to_string(scene.info().oldest_offset)) != std::string::npos);
    break;
  }
  scene.fill(2);  // without the lock what is read ends at the last sync mark
  auto again = open_reader(scene.files(), "data", "s", 0, 0);
  REQUIRE(again);
  const auto batch = (*again)->next();
  REQUIRE(batch);
  REQUIRE(*batch != nullptr);
  CHECK((*batch)->offset(0) == scene.info().oldest_offset);
}

}  // namespace colloquium::log
