// The disk fails or is full at every operation of a scripted run.
#include <catch2/catch.hpp>

#include "log/scripted_run_test.h"
#include "log/space_guard.h"

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

// Openings, from the first on, that a whole run makes; those from `at` on, `count` of them, fail.
io::OpenHook without_descriptors(size_t& openings, size_t at, size_t count) {
  openings = 0;
  return [&openings, at, count](const std::string& path) -> std::optional<Error> {
    const size_t opening = openings++;
    if (opening < at || opening >= at + count) return std::nullopt;
    return Error{ErrorCode::kUnavailable, "injected: no descriptor to open '" + path + "'", true};
  };
}

void keep_up(ScriptedRun& run, bool encrypted) {
  if (encrypted) run.encrypt();
  run.retain();
  run.compact();
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

TEST_CASE("no descriptor for any opening refuses, keeps what there was, and goes on", "[fault]") {
  const bool encrypted = GENERATE(false, true);
  const size_t count = GENERATE(1u, 7u);  // so many in a row find none
  size_t openings = 0;
  {
    ScriptedRun run(5);
    keep_up(run, encrypted);
    run.files().set_open_hook(without_descriptors(openings, 0, 0));
    run.run(kSteps);
    REQUIRE(run.compacted_segments() > 2);
  }
  const size_t whole_run = openings;
  for (size_t at = 0; at < whole_run; at += kPlaceStep) {
    INFO("no descriptor for " << count << " from opening " << at << " of " << whole_run << " on");
    ScriptedRun run(5);
    keep_up(run, encrypted);
    run.files().set_open_hook(without_descriptors(openings, at, count));
    run.run(kSteps);
    run.files().set_open_hook(nullptr);
    INFO((run.failures().empty() ? std::string() : run.failures()[0].describe()));
    REQUIRE(run.failures().empty());
    if (run.log() == nullptr) REQUIRE(run.open());  // it was the opening of the log itself
    run.run(8);                                     // what retention could not delete goes in its next pass
    REQUIRE(run.failures().empty());
    REQUIRE(run.problem() == "");
    run.end(at % 2 == 0 ? End::kPowerLoss : End::kSomeSectors);
    REQUIRE(run.open());
    REQUIRE(run.problem() == "");
  }
}

TEST_CASE("without descriptors appends are refused until there are some", "[fault]") {
  ScriptedRun run(1);
  std::vector<std::string> warnings;
  run.options().on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  run.options().segment_bytes = 3000;
  run.options().reserve_bytes = 0;
  run.options().reserve_fraction = 0;
  REQUIRE(run.open());
  SegmentLog& log = *run.log();
  const StreamId stream = *log.open_stream({"in", 2});
  const auto append = [&] {
    return contract::append(log, run.executor(), stream, 0,
                            contract::encoded(contract::values({'"' + std::string(1000, 'x') + '"'})),
                            AckLevel::kDurable);
  };
  int stored = 0;
  REQUIRE(append());
  ++stored;
  size_t openings = 0;
  run.files().set_open_hook(without_descriptors(openings, 0, SIZE_MAX));
  Result<AppendResult> result = append();
  for (; result && stored < 100; ++stored) result = append();  // until the segment is full
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::kUnavailable);
  CHECK(result.error().retryable);
  CHECK(log.full());
  CHECK_FALSE(append());
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("no descriptor") != std::string::npos);
  bool resumed = false;
  log.when_not_full([&] { resumed = true; });

  run.files().set_open_hook(nullptr);
  log.tick();
  run.settle();
  CHECK(resumed);
  CHECK_FALSE(log.full());
  CHECK(append());
  CHECK(run.failures().empty());
  CHECK(contract::read_all(log, stream, 0).size() == static_cast<size_t>(stored + 1));
}

TEST_CASE("a stream that finds no descriptor is made once there are some", "[fault]") {
  size_t openings = 0;
  size_t whole = 1;
  for (size_t at = 0; at < whole; ++at) {
    INFO("no descriptor for opening " << at << " of " << whole);
    ScriptedRun run(1);
    REQUIRE(run.open());
    openings = 0;
    run.files().set_open_hook(without_descriptors(openings, at, 1));
    const auto refused = run.log()->open_stream({"new", 2});
    if (at == 0) whole = 40;  // more than it takes
    if (refused) {
      whole = at;
      break;
    }
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(refused.error().retryable);
    CHECK(run.failures().empty());
    const auto made = run.log()->open_stream({"new", 2});
    REQUIRE(made);
    REQUIRE(contract::append(*run.log(), run.executor(), *made, 1, contract::encoded(contract::values({"1"})),
                             AckLevel::kDurable));
    run.end(End::kPowerLoss);
    REQUIRE(run.open());
    const auto again = run.log()->open_stream({"new", 0});
    REQUIRE(again);
    CHECK(contract::read_all(*run.log(), *again, 1).size() == 1);
  }
  CHECK(whole > 5);
  CHECK(whole < 40);
}

TEST_CASE("that no descriptor is there is over with the next look, and says nothing of the disk", "[fault]") {
  io::MemoryFileSystem fs;
  REQUIRE(fs.make_directories("d"));
  fs.set_capacity(1500);
  SpaceGuard guard(fs, "d", 1000, 0);
  const Error no_descriptor{ErrorCode::kUnavailable, "injected: no descriptor", true};
  guard.check();
  CHECK_FALSE(guard.full());
  CHECK_FALSE(guard.refusal());
  guard.note_full(no_descriptor);
  CHECK(guard.full());
  CHECK(guard.error().code == ErrorCode::kUnavailable);
  CHECK(guard.refusal()->code == ErrorCode::kUnavailable);
  guard.check();
  CHECK_FALSE(guard.full());

  fs.set_capacity(900);
  guard.check();
  guard.note_full(no_descriptor);
  CHECK(guard.error().code == ErrorCode::kNoSpace);
  fs.set_capacity(1500);
  guard.check();
  CHECK(guard.full());  // not yet more than the reserve by enough
  fs.set_capacity(2500);
  guard.check();
  CHECK_FALSE(guard.full());
}

TEST_CASE("a reader that finds no descriptor goes on where it was", "[fault]") {
  ScriptedRun run(1);
  run.options().segment_bytes = 3000;
  run.options().memory_bytes = 1;  // what is read comes from the files
  REQUIRE(run.open());
  SegmentLog& log = *run.log();
  const StreamId stream = *log.open_stream({"in", 2});
  for (int i = 0; i < 12; ++i) {
    REQUIRE(contract::append(log, run.executor(), stream, 0,
                             contract::encoded(contract::values({'"' + std::string(1000, 'x') + '"'})),
                             AckLevel::kDurable));
  }
  size_t openings = 0;
  run.files().set_open_hook([&](const std::string&) -> std::optional<Error> {
    if (++openings % 3 != 0) return std::nullopt;  // to open a segment takes more than one
    return Error{ErrorCode::kUnavailable, "injected: no descriptor", true};
  });
  auto reader = *log.read(stream, 0, 0, false);
  int64_t next = 0;
  int refused = 0;
  while (next < 12 && refused < 1000) {
    const auto batch = reader->next();
    if (!batch) {
      REQUIRE(batch.error().retryable);
      ++refused;
      continue;
    }
    if (*batch == nullptr) break;
    next += static_cast<int64_t>((*batch)->size());
  }
  CHECK(next == 12);
  CHECK(refused > 1);
  CHECK(openings > 4);
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
