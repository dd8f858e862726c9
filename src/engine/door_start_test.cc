// How much of the log a source with dedupe reads when it starts.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "base/counters.h"
#include "base/sim_executor.h"
#include "engine/dead_letter_tally.h"
#include "engine/door.h"
#include "engine/door_bench_test.h"
#include "engine/id_window.h"
#include "engine/pipeline.h"
#include "io/memory_file_system.h"
#include "log/segment_log.h"
#include "loop/test_loop.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

constexpr int64_t kWindowMs = 3'600'000;

// Sources of one stream, over files whose reads are counted.
class SharedStream {
 public:
  SharedStream() { open(); }
  ~SharedStream() { CHECK(log_->close()); }

  void restart() {
    settle();
    REQUIRE(log_->close());
    open();
  }

  std::unique_ptr<SourceIntake> start(const std::string& source) {
    IntakeOptions options;
    options.source = source;
    options.pipeline = "orders";
    options.log = log_.get();
    options.stream = stream_;
    options.stream_name = "orders";
    options.tag = log_->stream_info(stream_)->tag;
    options.partitions = 2;
    options.dedupe_key = program(R"(["$input","/id"])");
    options.dedupe = std::make_shared<IdWindow>(5, kWindowMs, 100'000);
    options.counters = &counters_;
    options.letters = &letters_;
    auto intake = std::make_unique<SourceIntake>(options, loop_, clock_, workers_);
    reads_ = 0;
    files_.set_hook([this](const io::Operation& operation) -> std::optional<io::Fault> {
      const bool of_stream = operation.path.find("orders") != std::string::npos;
      if (operation.kind == io::OperationKind::kRead && of_stream && operation.path.ends_with(".log")) ++reads_;
      return std::nullopt;
    });
    REQUIRE(intake->restore());
    files_.set_hook(nullptr);
    return intake;
  }

  Ack emit(SourceIntake& intake, int id) {
    RawBatch raw;
    raw.body = std::make_shared<const std::string>("{\"id\":" + std::to_string(id) + ",\"pad\":\"" +
                                                   std::string(500, 'x') + "\"}");
    Ack got;
    intake.emit(std::move(raw), [&](Ack ack) { got = std::move(ack); });
    settle();
    return got;
  }

  void close(SourceIntake& intake) {
    bool closed = false;
    intake.close([&] { closed = true; });
    settle();
    REQUIRE(closed);
  }

  // Of segments of the stream, in the last start.
  int reads() const { return reads_; }

  void advance_ms(int64_t by_ms) { clock_.advance_ms(by_ms); }

 private:
  void open() {
    log::LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    auto log = log::SegmentLog::open(options);
    REQUIRE(log);
    log_ = std::move(*log);
    stream_ = *log_->open_stream({.name = "orders", .partitions = 2});
  }
  void settle() {
    do {
      loop_.run_until_idle();
    } while (executor_.run_until_idle() > 0 || loop_.can_move());
  }

  ManualClock clock_;
  SimExecutor executor_{1, clock_};
  SeededRandom random_{1};
  io::MemoryFileSystem files_;
  loop::TestLoop loop_{clock_};
  WorkerPool workers_{executor_, 1};
  ComponentCounters counters_;
  DeadLetterTally letters_{"orders/hook", clock_};
  std::unique_ptr<log::Log> log_;
  log::StreamId stream_ = 0;
  int reads_ = 0;
};

}  // namespace

TEST_CASE("after a clean stop no source reads the stream, be it idle, new or busy", "[REQ-008]") {
  SharedStream shared;
  {
    const auto busy = shared.start("busy");
    const auto idle = shared.start("idle");
    CHECK(shared.emit(*idle, 1).accepted == 1);
    for (int i = 0; i < 200; ++i) REQUIRE(shared.emit(*busy, i).accepted == 1);
    shared.close(*busy);
    shared.close(*idle);
  }
  shared.restart();
  for (const char* source : {"busy", "idle", "new"}) {
    INFO(source);
    const auto intake = shared.start(source);
    CHECK(shared.reads() == 0);
    CHECK(shared.emit(*intake, 1).duplicates == (source == std::string("new") ? 0 : 1));
    shared.close(*intake);
  }
}

TEST_CASE("after a stop that was not clean only those read the stream whose ids are in it", "[REQ-008]") {
  SharedStream shared;
  {
    const auto busy = shared.start("busy");
    const auto idle = shared.start("idle");
    CHECK(shared.emit(*idle, 1).accepted == 1);
    for (int i = 0; i < 200; ++i) REQUIRE(shared.emit(*busy, i).accepted == 1);
    shared.close(*idle);
  }
  shared.restart();
  {
    const auto idle = shared.start("idle");
    CHECK(shared.reads() == 0);
    CHECK(shared.emit(*idle, 1).duplicates == 1);
    const auto fresh = shared.start("new");
    CHECK(shared.reads() == 0);
    const auto busy = shared.start("busy");
    CHECK(shared.reads() > 0);
    for (int i = 0; i < 200; ++i) REQUIRE(shared.emit(*busy, i).duplicates == 1);
    // It has accepted nothing, but what it gathered is stored, or every start would gather it.
    shared.close(*busy);
  }
  shared.restart();
  const auto busy = shared.start("busy");
  CHECK(shared.reads() == 0);
  for (int i = 0; i < 200; ++i) REQUIRE(shared.emit(*busy, i).duplicates == 1);
}

TEST_CASE("ids that are older than the window are not read again", "[REQ-008]") {
  SharedStream shared;
  {
    const auto once = shared.start("once");
    REQUIRE(shared.emit(*once, 1).accepted == 1);
    shared.advance_ms(kWindowMs + 1);
    const auto busy = shared.start("busy");
    for (int i = 0; i < 200; ++i) REQUIRE(shared.emit(*busy, i).accepted == 1);
  }
  shared.restart();
  const auto once = shared.start("once");
  CHECK(shared.reads() == 0);
  CHECK(shared.emit(*once, 1).accepted == 1);
}
