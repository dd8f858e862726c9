#include "app/log_metrics.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "base/thread_executor.h"
#include "log/fake_log.h"

namespace colloquium::app {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Fixture {
  ThreadExecutor executor;
  ManualClock clock;
  log::FakeLog log{executor, clock};
  metrics::Registry registry;

  ~Fixture() { CHECK(log.close().has_value()); }

  // Appends one event and waits for it.
  int64_t append(log::StreamId stream) {
    BatchBuilder builder;
    builder.add("1", {}, {});
    auto batch = builder.seal(std::make_shared<BatchOrigin>(), 0);
    auto encoded = log::encode(batch, log::Codec::kNone, nullptr);
    REQUIRE(encoded.has_value());
    auto done = executor.make_signal();
    int64_t offset = -1;
    log.append(stream, 0, std::move(*encoded), log::AckLevel::kDurable, [&](Result<log::AppendResult> result) {
      if (result) offset = result->last_offset;
      done->set();
    });
    done->wait();
    return offset;
  }

  void commit(log::StreamId stream, int64_t next_offset) {
    auto done = executor.make_signal();
    log::CommitRequest request;
    request.leg = "orders/all";
    request.positions.push_back({.stream = stream, .partition = 0, .next_offset = next_offset});
    log.commit(std::move(request), [&](Status) { done->set(); });
    done->wait();
  }

  // The value of the series that begins with `series`.
  double value(const std::string& series) {
    const std::string text = registry.text();
    const size_t at = text.find("\n" + series + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + series.size() + 2));
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

TEST_CASE("a stream that cannot be opened is told") {
  Fixture f;
  REQUIRE(f.log.open_stream({.name = "orders", .partitions = 1}).has_value());
  CHECK_FALSE(register_stream(f.log, {.name = "orders", .partitions = 3}, "orders", {}, f.registry).has_value());
}

}  // namespace
}  // namespace colloquium::app
