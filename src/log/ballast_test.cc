// A disk that somebody else has filled to the last byte.
#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/ballast.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/segment_log.h"
#include "log/verify.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

constexpr uint64_t kBallast = 3000;

struct Scene {
  ManualClock clock;
  SimExecutor executor{3, clock};
  SeededRandom random{1};
  io::MemoryFileSystem files;
  std::vector<std::string> warnings;
  std::unique_ptr<BallastFiles> ballast;
  std::unique_ptr<SegmentLog> log;
  StreamId stream = 0;

  Scene() {
    REQUIRE(open());
    REQUIRE(ballast->make());
    REQUIRE(kept() == kBallast);
  }
  Status open() {
    log = nullptr;
    const auto tell = [this](const std::string& warning) { warnings.push_back(warning); };
    ballast = std::make_unique<BallastFiles>(files, "data", tell, kBallast);
    LogOptions options;
    options.directory = "data";
    options.files = ballast.get();
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    options.segment_bytes = 2000;
    options.reserve_bytes = 1;
    options.reserve_fraction = 0;
    options.on_warning = tell;
    TRY_ASSIGN(log, SegmentLog::open(std::move(options)));
    Retention retention;
    retention.time_ms = 1000;
    TRY_ASSIGN(stream, log->open_stream({"s", 1, retention}));
    return {};
  }
  Result<AppendResult> append() {
    auto batch = contract::encoded(contract::values({"\"0123456789\""}));
    const auto result = contract::append(*log, executor, stream, 0, std::move(batch));
    clock.advance_ms(100);
    return result;
  }
  Status apply() {
    contract::Awaited<Status> done(executor);
    log->apply_retention(done.callback());
    return done.get();
  }
  Status commit() {
    CommitRequest request;
    request.leg = "p/leg";
    request.sink_token = "done";
    return contract::commit(*log, executor, std::move(request));
  }
  void fill_disk() { files.set_capacity(*files.total_bytes("/") - *files.free_bytes("/")); }
  uint64_t kept() const { return files.info(ballast_path("data"))->size; }
  int64_t oldest() const { return log->stream_info(stream)->partitions[0].oldest_offset; }
};

}  // namespace

TEST_CASE("on a disk without a free byte retention goes on, and the ballast comes back with the space",
          "[ballast][fault]") {
  Scene scene;
  for (int i = 0; i < 60; ++i) REQUIRE(scene.append());
  scene.clock.advance_ms(10'000);
  scene.fill_disk();
  REQUIRE(scene.apply());
  CHECK(scene.oldest() > 50);
  CHECK(scene.kept() == 0);
  CHECK(scene.ballast->missing());
  REQUIRE(scene.warnings.size() == 1);
  CHECK(scene.warnings[0].find("is full: the log gives up 3000 bytes") != std::string::npos);
  REQUIRE(scene.ballast->make());
  CHECK(scene.kept() == 0);  // too little is free to take some of it
  scene.files.set_capacity(1 << 20);
  REQUIRE(scene.ballast->make());
  CHECK(scene.kept() == kBallast);
  CHECK_FALSE(scene.ballast->missing());
  CHECK_FALSE(verify_data_directory(scene.files, "data", nullptr)->corrupt());
  CHECK(list_data_directory(scene.files, "data")->size() == 1);
}

TEST_CASE("a disk without a free byte does not keep a log from starting, nor a leg from committing",
          "[ballast][fault]") {
  Scene scene;
  REQUIRE(scene.append());
  const bool killed = GENERATE(true, false);
  scene.log = nullptr;
  if (killed) scene.files.kill();
  if (!killed) scene.files.crash();
  scene.fill_disk();
  REQUIRE(scene.open());
  CHECK(scene.kept() == 0);
  REQUIRE(scene.commit());
  CHECK(scene.log->leg_state("p/leg")->sink_token == "done");
  CHECK(contract::read_all(*scene.log, scene.stream, 0).size() == 1);
}

TEST_CASE("events never get the ballast, and a commit does", "[ballast][fault]") {
  Scene scene;
  REQUIRE(scene.append());
  scene.fill_disk();
  for (int i = 0; i < 3; ++i) CHECK(scene.append().error().code == ErrorCode::kNoSpace);
  CHECK(scene.kept() == kBallast);
  REQUIRE(scene.commit());
  CHECK(scene.kept() == 0);
}

TEST_CASE("a ballast that could only be written in part is none", "[ballast][fault]") {
  Scene scene;
  scene.files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kWrite || !operation.path.ends_with("BALLAST")) return std::nullopt;
    io::Fault fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}};
    fault.written_bytes = 700;
    return fault;
  });
  scene.log = nullptr;
  scene.ballast = std::make_unique<BallastFiles>(scene.files, "data", nullptr, 2 * kBallast);
  CHECK(scene.ballast->missing());
  REQUIRE(scene.ballast->make());
  CHECK(scene.ballast->missing());
  CHECK(scene.kept() == 0);
}

}  // namespace colloquium::log
