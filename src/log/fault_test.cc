// The disk fails or is full at every operation of a scripted run.
#include <catch2/catch.hpp>

#include "log/scripted_run_test.h"

namespace colloquium::log {
namespace {

constexpr int kSteps = 24;

uint64_t operations_of_whole_run(bool encrypted) {
  ScriptedRun run(5);
  if (encrypted) run.encrypt();
  run.retain();
  run.compact();
  run.run(kSteps);
  REQUIRE(run.problem() == "");
  REQUIRE(run.compacted_segments() > 2);
  return run.files().operations();
}

io::Fault io_error() {
  return io::Fault{Error{ErrorCode::kIo, "injected I/O error"}};
}
io::Fault no_space(uint64_t written) {
  io::Fault fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}};
  fault.written_bytes = written;
  return fault;
}

}  // namespace

TEST_CASE("after an I/O error nothing is acknowledged, and a restart finds what was [REQ-176]",
          "[REQ-176][fault]") {
  const bool encrypted = GENERATE(false, true);
  const uint64_t operations = operations_of_whole_run(encrypted);
  const bool loses_dirty = GENERATE(true, false);
  size_t failed = 0;
  for (uint64_t at = 0; at < operations; at += kPlaceStep) {
    INFO("the operation " << at << " of " << operations << " fails");
    ScriptedRun run(5);
    if (encrypted) run.encrypt();
    run.retain();
    run.compact();
    io::Fault fault = io_error();
    fault.loses_dirty = loses_dirty;
    fault.written_bytes = at % 3 == 0 ? 40 : 0;
    run.files().fail_at(at, fault);
    run.run(kSteps);
    if (!run.failures().empty()) {
      ++failed;
      REQUIRE(run.failures().size() == 1);
    }
    if (!run.failures().empty() && run.log() != nullptr) {  // null: a stream could not be made
      // Failed for good: whatever is asked now ends with the same error.
      const StreamId stream = 0;
      const auto late =
          contract::append(*run.log(), run.executor(), stream, 0, contract::encoded(contract::values({"1"})));
      REQUIRE_FALSE(late);
      REQUIRE(late.error().message == run.failures()[0].message);
      REQUIRE_FALSE(run.log()->close());
    }
    run.end(at % 2 == 0 ? End::kPowerLoss : End::kSomeSectors);
    const Status opened = run.open();
    INFO((opened ? std::string() : opened.error().describe()));
    REQUIRE(opened);
    REQUIRE(run.problem() == "");
  }
  CHECK(failed > operations / kPlaceStep / 3);
}

TEST_CASE("a full disk at any write refuses, keeps what there was, and goes on [REQ-176]", "[REQ-176][fault]") {
  const bool encrypted = GENERATE(false, true);
  const uint64_t operations = operations_of_whole_run(encrypted);
  const uint64_t written = GENERATE(0u, 30u, 150u);
  for (uint64_t at = 0; at < operations; at += kPlaceStep) {
    INFO("no space at operation " << at << " of " << operations << " after " << written << " bytes");
    ScriptedRun run(5);
    if (encrypted) run.encrypt();
    run.retain();
    run.compact();
    // A sync that finds the disk full is a failed sync: that is the other test's.
    run.files().set_hook([=, hit = false](const io::Operation& operation) mutable -> std::optional<io::Fault> {
      const bool kind = operation.kind == io::OperationKind::kWrite ||
                        operation.kind == io::OperationKind::kOpen || operation.kind == io::OperationKind::kRename;
      if (hit || operation.index < at || !kind) return std::nullopt;
      hit = true;
      return no_space(written);
    });
    run.run(kSteps);
    REQUIRE(run.failures().empty());
    if (run.log() == nullptr) REQUIRE(run.open());  // it was the opening itself that had no space
    REQUIRE(run.problem() == "");
    run.run(8);
    REQUIRE(run.failures().empty());
    REQUIRE(run.problem() == "");
    run.end(End::kPowerLoss);
    REQUIRE(run.open());
    REQUIRE(run.problem() == "");
  }
}

TEST_CASE("below the reserve appends are refused, and space brings them back", "[fault]") {
  ScriptedRun run(1);
  run.options().reserve_bytes = 20000;
  run.options().reserve_fraction = 0;
  run.files().set_capacity(60000);
  REQUIRE(run.open());
  SegmentLog& log = *run.log();
  const StreamId stream = *log.open_stream({"in", 2});
  const auto append = [&](AckLevel level) {
    return contract::append(log, run.executor(), stream, 0,
                            contract::encoded(contract::values({'"' + std::string(1000, 'x') + '"'})), level);
  };
  int stored = 0;
  Result<AppendResult> result = append(AckLevel::kDurable);
  for (; result; ++stored) result = append(AckLevel::kDurable);
  CHECK(stored > 20);
  CHECK(result.error().code == ErrorCode::kNoSpace);
  CHECK(result.error().retryable);
  CHECK(log.full());
  CHECK(append(AckLevel::kQueued).error().code == ErrorCode::kNoSpace);
  CHECK(contract::read_all(log, stream, 0).size() == static_cast<size_t>(stored));

  // A leg may still finish what is there: its commits live in the reserve.
  CommitRequest request;
  request.leg = "p/leg";
  request.sink_token = "done";
  CHECK(contract::commit(log, run.executor(), std::move(request)));

  bool resumed = false;
  log.when_not_full([&] { resumed = true; });
  run.settle();
  log.tick();
  run.settle();
  CHECK_FALSE(resumed);
  run.files().set_capacity(1 << 20);
  log.tick();
  run.settle();
  CHECK(resumed);
  CHECK_FALSE(log.full());
  CHECK(append(AckLevel::kDurable));
  CHECK(run.failures().empty());
  CHECK(log.leg_state("p/leg")->sink_token == "done");
}

TEST_CASE("a failed log refuses new streams and closes with its error", "[fault]") {
  ScriptedRun run(1);
  REQUIRE(run.open());
  run.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind == io::OperationKind::kSync) return io_error();
    return std::nullopt;
  });
  const auto failed =
      contract::append(*run.log(), run.executor(), 0, 0, contract::encoded(contract::values({"1"})));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kIo);
  CHECK_FALSE(failed.error().retryable);
  CHECK(run.failures().size() == 1);
  CHECK_FALSE(run.log()->open_stream({"other", 1}));
  CHECK(run.log()->close().error().code == ErrorCode::kIo);
  run.settle();
  CHECK(run.failures().size() == 1);
}

}  // namespace colloquium::log
