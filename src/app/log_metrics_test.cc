#include "app/log_metrics.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "base/sim_executor.h"
#include "base/thread_executor.h"
#include "io/memory_file_system.h"
#include "log/fake_log.h"
#include "log/segment_log.h"

namespace colloquium::app {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The value of the series that begins with `series`.
double value_of(const metrics::Registry& registry, const std::string& series) {
  const std::string text = registry.text();
  const size_t at = text.find("\n" + series + " ");
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + series.size() + 2));
}

log::EncodedBatch one_event() {
  BatchBuilder builder;
  builder.add("1", {}, {});
  auto encoded = log::encode(builder.seal(std::make_shared<BatchOrigin>(), 0), log::Codec::kNone, nullptr);
  REQUIRE(encoded.has_value());
  return std::move(*encoded);
}

log::CommitRequest commit_of(log::StreamId stream, int64_t next_offset) {
  log::CommitRequest request;
  request.leg = "orders/all";
  request.positions.push_back({.stream = stream, .partition = 0, .next_offset = next_offset});
  return request;
}

struct Fixture {
  ThreadExecutor executor;
  ManualClock clock;
  log::FakeLog log{executor, clock};
  metrics::Registry registry;

  ~Fixture() { CHECK(log.close().has_value()); }

  // Appends one event and waits for it.
  int64_t append(log::StreamId stream) {
    auto done = executor.make_signal();
    int64_t offset = -1;
    log.append(stream, 0, one_event(), log::AckLevel::kDurable, [&](Result<log::AppendResult> result) {
      if (result) offset = result->last_offset;
      done->set();
    });
    done->wait();
    return offset;
  }

  void commit(log::StreamId stream, int64_t next_offset) {
    auto done = executor.make_signal();
    log.commit(commit_of(stream, next_offset), [&](Status) { done->set(); });
    done->wait();
  }

  double value(const std::string& series) { return value_of(registry, series); }
};

// A log on files, in one thread, that marks its end when it is idle.
struct SegmentFixture {
  ManualClock clock;
  SimExecutor executor{3, clock};
  SeededRandom random{9};
  io::MemoryFileSystem files;
  std::unique_ptr<log::SegmentLog> log;
  log::StreamId stream = 0;
  metrics::Registry registry;
  Registrations registrations;

  SegmentFixture() { open(); }
  ~SegmentFixture() { CHECK(log->close().has_value()); }

  void open() {
    log::LogOptions options;
    options.directory = "data";
    options.files = &files;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    auto opened = log::SegmentLog::open(std::move(options));
    REQUIRE(opened.has_value());
    log = std::move(*opened);
    const log::StreamSpec spec{.name = "orders", .partitions = 1};
    stream = *log->open_stream(spec);
    auto registered = register_stream(*log, spec, "orders", {"all"}, registry);
    REQUIRE(registered.has_value());
    registrations = std::move(*registered);
  }
  void open_again() {
    registrations.clear();
    REQUIRE(log->close().has_value());
    log = nullptr;
    open();
  }
  int64_t append() {
    int64_t offset = -1;
    log->append(stream, 0, one_event(), log::AckLevel::kDurable,
                [&](Result<log::AppendResult> result) { offset = result ? result->last_offset : -1; });
    executor.run_until_idle();
    REQUIRE(offset >= 0);
    return offset;
  }
  void commit(int64_t next_offset) {
    bool stored = false;
    log->commit(commit_of(stream, next_offset), [&](Status status) { stored = status.has_value(); });
    executor.run_until_idle();
    REQUIRE(stored);
  }
  void idle() {
    clock.advance_ms(2000);
    log->tick();
    executor.run_until_idle();
  }
  double next_offset() {
    return value_of(registry,
                    "colloquium_stream_next_offset{pipeline=\"orders\",component=\"orders\","
                    "kind=\"stream\",partition=\"0\"}");
  }
  double lag() {
    return value_of(registry,
                    "colloquium_leg_lag_events{pipeline=\"orders\",component=\"all\",kind=\"leg\","
                    "partition=\"0\"}");
  }
};

TEST_CASE("the log reports its work [REQ-111]") {
  Fixture f;
  const Registrations registrations = register_log(f.log, f.registry);
  const auto stream = f.log.open_stream({.name = "orders", .partitions = 1});
  REQUIRE(stream.has_value());
  f.append(*stream);
  f.append(*stream);
  CHECK(f.value("colloquium_log_appended_events_total") == 2);
  CHECK(f.value("colloquium_log_appended_batches_total") == 2);
  CHECK(f.value("colloquium_log_queue_bytes") == 0);
  CHECK(f.value("colloquium_log_errors_total") == 0);
}

TEST_CASE("every partition reports its offsets, and every leg how far it is behind [REQ-111]") {
  Fixture f;
  const auto registrations =
      register_stream(f.log, {.name = "orders", .partitions = 2}, "orders", {"all"}, f.registry);
  REQUIRE(registrations.has_value());
  const auto stream = f.log.open_stream({.name = "orders", .partitions = 2});
  REQUIRE(stream.has_value());
  const int64_t first = f.append(*stream);
  const int64_t last = f.append(*stream);
  const std::string labels = "{pipeline=\"orders\",component=\"orders\",kind=\"stream\",partition=\"0\"}";
  const std::string leg =
      "colloquium_leg_lag_events{pipeline=\"orders\",component=\"all\",kind=\"leg\",partition=\"0\"}";
  CHECK(f.value("colloquium_stream_next_offset" + labels) == static_cast<double>(last + 1));
  CHECK(f.value(leg) >= 2);
  f.commit(*stream, first + 1);
  CHECK(f.value(leg) == static_cast<double>(last - first));
  f.commit(*stream, last + 1);
  CHECK(f.value(leg) == 0);
  CHECK(contains(f.registry.text(), "partition=\"1\"}"));
}

TEST_CASE("a leg that has everything is behind by nothing, whatever the log writes behind it [REQ-111]") {
  SegmentFixture f;
  f.append();
  const int64_t last = f.append();
  CHECK(f.lag() >= 2);
  f.commit(last);
  CHECK(f.lag() == 1);
  f.commit(last + 1);
  CHECK(f.lag() == 0);
  f.idle();
  REQUIRE(f.next_offset() == static_cast<double>(last + 2));  // the sync mark
  CHECK(f.lag() == 0);
  f.open_again();
  CHECK(f.next_offset() > static_cast<double>(last + 1));
  CHECK(f.lag() == 0);
  f.append();
  CHECK(f.lag() >= 1);
}

TEST_CASE("a stream that cannot be opened is told") {
  Fixture f;
  REQUIRE(f.log.open_stream({.name = "orders", .partitions = 1}).has_value());
  CHECK_FALSE(register_stream(f.log, {.name = "orders", .partitions = 3}, "orders", {}, f.registry).has_value());
}

}  // namespace
}  // namespace colloquium::app
