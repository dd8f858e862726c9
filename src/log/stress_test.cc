// Many threads at once, on real files: appends, commits, readers that keep up and readers that start over, ticks.
// For the thread sanitizer above all.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "log/segment_log.h"
#include "log/verify.h"
#include "tests/compliance/log_helpers.h"
#include "tests/temporary_directory.h"

namespace colloquium::log {
namespace {

constexpr int kWriters = 4;
constexpr int kRounds = 150;

struct Stage {
  TemporaryDirectory directory;
  ThreadExecutor executor;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<SegmentLog> log;

  Stage() {
    LogOptions options;
    options.directory = directory.path();
    options.files = &io::posix_file_system();
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    options.segment_bytes = 20000;
    options.journal_segment_bytes = 5000;
    options.memory_bytes = 8000;
    options.idle_mark_ms = 0;
    auto opened = SegmentLog::open(options);
    REQUIRE(opened);
    log = std::move(*opened);
  }
};

std::string value_of(int writer, int round) {
  return "{\"w\":" + std::to_string(writer) + ",\"r\":" + std::to_string(round) + "}";
}

}  // namespace

TEST_CASE("writers, legs and readers on many threads get what they were promised [REQ-009]", "[REQ-009][stress]") {
  Stage stage;
  SegmentLog& log = *stage.log;
  const StreamId in = *log.open_stream({"in", 2});
  const StreamId out = *log.open_stream({"out", 1});
  const auto finished = stage.executor.make_signal();
  std::atomic<int> left{kWriters * kRounds * 2};
  std::atomic<int> failures{0};
  const auto count_down = [&](bool good) {
    if (!good) ++failures;
    if (left.fetch_sub(1) == 1) finished->set();
  };
  std::atomic<bool> stop{false};
  std::atomic<int> wakes{0};
  log.subscribe(in, [&](int32_t) { ++wakes; });

  auto pool = stage.executor.make_queue("stress", kWriters + 3, 64);
  for (int writer = 0; writer < kWriters; ++writer) {
    REQUIRE(pool->post([&, writer] {
      for (int round = 0; round < kRounds; ++round) {
        auto batch = encode(contract::values({value_of(writer, round)}), Codec::kLz4, nullptr);
        const AckLevel level = round % 3 == 0 ? AckLevel::kDurable : AckLevel::kWritten;
        batch->caller_waits = round % 2 == 0;
        batch->syncs_with_next = round % 4 == 0;
        log.append(in, writer % 2, std::move(*batch), level,
                   [&](Result<AppendResult> result) { count_down(result.has_value()); });
        CommitRequest request;
        request.leg = "p/" + std::to_string(writer);
        auto output = encode(contract::values({value_of(writer, round)}), Codec::kNone, nullptr);
        request.outputs.push_back({out, 0, std::move(*output)});
        request.sink_token = std::to_string(round);
        log.commit(std::move(request), [&](Status result) { count_down(result.has_value()); });
      }
    }));
  }
  // One follows, one starts over again and again, one looks at everything else.
  std::atomic<int> disorder{0};
  const auto read_through = [&](Reader& reader, std::map<int, int>& last) {
    for (auto batch = reader.next(); batch && *batch != nullptr; batch = reader.next()) {
      for (size_t i = 0; i < (*batch)->size(); ++i) {
        const std::string value((*batch)->value(i));
        const int writer = std::stoi(value.substr(5));
        const int round = std::stoi(value.substr(value.rfind(':') + 1));
        if (last.count(writer) != 0 && round != last[writer] + 1) ++disorder;
        last[writer] = round;
      }
    }
  };
  std::map<int, int> followed;
  REQUIRE(pool->post([&] {
    auto reader = log.read(out, 0, 0, false);
    while (!stop) read_through(**reader, followed);
    read_through(**reader, followed);
  }));
  REQUIRE(pool->post([&] {
    while (!stop) {
      std::map<int, int> last;
      auto reader = log.read(in, 1, 0, false);
      read_through(**reader, last);
    }
  }));
  REQUIRE(pool->post([&] {
    while (!stop) {
      log.tick();
      (void)log.stats();
      (void)log.streams();
      (void)log.leg_state("p/1");
      if (!log.accepted_since(in, 0, {}, [](const Log::Accepted&) {})) ++failures;
    }
  }));
  CHECK(finished->wait(int64_t{100} * 1'000'000'000));
  stop = true;
  pool.reset();
  CHECK(failures == 0);
  CHECK(disorder == 0);
  CHECK(wakes > 0);
  for (int writer = 0; writer < kWriters; ++writer) {
    CHECK(followed[writer] == kRounds - 1);
    CHECK(log.leg_state("p/" + std::to_string(writer))->sink_token == std::to_string(kRounds - 1));
  }
  REQUIRE(log.close());
  const auto report = verify_data_directory(io::posix_file_system(), stage.directory.path(), nullptr);
  REQUIRE(report);
  for (const VerifyProblem& problem : report->problems) UNSCOPED_INFO(problem.describe());
  CHECK(report->problems.empty());
  CHECK(report->events >= kWriters * kRounds * 2);
}

}  // namespace colloquium::log
