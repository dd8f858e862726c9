#include "metrics/registry.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "tests/skip.h"

namespace colloquium::metrics {
namespace {

const Labels kSink{.pipeline = "orders", .component = "all", .kind = "file_sink"};
const Family kSyncs{"colloquium_log_syncs_total", "Syncs of the event log."};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("an empty registry gives an empty text") {
  Registry registry;
  CHECK(registry.text().empty());
}

TEST_CASE("a counter is read at scrape time, with its help, type and labels [REQ-111]") {
  Registry registry;
  Counter counter;
  const Registration registration = registry.counter(kSyncs, kSink, counter);
  counter.add(3);
  const std::string text = registry.text();
  CHECK(contains(text, "# HELP colloquium_log_syncs_total Syncs of the event log.\n"));
  CHECK(contains(text, "# TYPE colloquium_log_syncs_total counter\n"));
  CHECK(contains(text, "{pipeline=\"orders\",component=\"all\",kind=\"file_sink\"} 3\n"));
  counter.add(2);
  CHECK(contains(registry.text(), "kind=\"file_sink\"} 5\n"));
}

TEST_CASE("empty labels are left out") {
  Registry registry;
  const Registration registration = registry.gauge({"colloquium_x", "X."}, {}, [] { return 1.5; });
  CHECK(contains(registry.text(), "colloquium_x 1.5\n"));
}

TEST_CASE("a registration that dies takes its series and an empty family with it") {
  Registry registry;
  Counter counter;
  const Registration kept = registry.counter(kSyncs, kSink, counter);
  {
    Gauge gauge;
    const Registration gone = registry.gauge({"colloquium_gone", "Gone."}, kSink, gauge);
    gauge.set(-4);
    CHECK(contains(registry.text(),
                   "colloquium_gone{pipeline=\"orders\",component=\"all\",kind=\"file_sink\"} -4\n"));
  }
  CHECK_FALSE(contains(registry.text(), "colloquium_gone"));
  CHECK(contains(registry.text(), "colloquium_log_syncs_total"));
}

TEST_CASE("a registration that is moved keeps its series until the last holder dies") {
  Registry registry;
  Counter counter;
  Registration second;
  {
    Registration first = registry.counter(kSyncs, kSink, counter);
    second = std::move(first);
  }
  CHECK(contains(registry.text(), "colloquium_log_syncs_total"));
  second = Registration();
  CHECK(registry.text().empty());
}

TEST_CASE("a histogram is cumulative and ends in +Inf") {
  Registry registry;
  Histogram histogram;
  const Registration registration = registry.histogram({"colloquium_sync_seconds", "Syncs."}, {}, histogram);
  histogram.observe_ns(200'000);         // 0.00025
  histogram.observe_ns(2'000'000);       // 0.0025
  histogram.observe_ns(90'000'000'000);  // above the last bound
  const std::string text = registry.text();
  CHECK(contains(text, "# TYPE colloquium_sync_seconds histogram\n"));
  CHECK(contains(text, "colloquium_sync_seconds_count 3\n"));
  CHECK(contains(text, "le=\"0.0001\"} 0\n"));
  CHECK(contains(text, "le=\"0.00025\"} 1\n"));
  CHECK(contains(text, "le=\"60\"} 2\n"));
  CHECK(contains(text, "le=\"+Inf\"} 3\n"));
}

TEST_CASE("every component reports the same set, and every reason of an error from the start [REQ-115]") {
  Registry registry;
  ComponentCounters counters;
  const Registration registration = registry.add(kSink, counters);
  counters.events_in.add(7);
  counters.errors.add(ErrorCode::kTimeout, 2);
  counters.queue_depth.add(1);
  const std::string text = registry.text();
  const std::string labels = "{pipeline=\"orders\",component=\"all\",kind=\"file_sink\"";
  CHECK(contains(text, "colloquium_input_events_total" + labels + "} 7\n"));
  CHECK(contains(text, "colloquium_output_events_total" + labels + "} 0\n"));
  CHECK(contains(text, "colloquium_input_bytes_total" + labels + "} 0\n"));
  CHECK(contains(text, "colloquium_output_bytes_total" + labels + "} 0\n"));
  CHECK(contains(text, "colloquium_errors_total" + labels + ",reason=\"timeout\"} 2\n"));
  CHECK(contains(text, "colloquium_errors_total" + labels + ",reason=\"internal\"} 0\n"));
  CHECK(contains(text, "colloquium_duration_seconds_count" + labels + "} 0\n"));
  CHECK(contains(text, "colloquium_queue_depth" + labels + "} 1\n"));
}

TEST_CASE("label values with quotes, backslashes and line breaks cannot forge a line") {
  Registry registry;
  Counter counter;
  const Registration registration =
      registry.counter(kSyncs, {.pipeline = "a\"} 1\nforged_total 9\n", .component = "b\\"}, counter);
  std::istringstream lines(registry.text());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    CHECK(line.rfind("forged", 0) == std::string::npos);
    ++count;
  }
  CHECK(count == 3);
}

TEST_CASE("names keep to the convention: prefix, and _total for what counts") {
  Registry registry;
  ComponentCounters counters;
  const Registration registration = registry.add(kSink, counters);
  std::istringstream lines(registry.text());
  std::string line;
  int families = 0;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string hash, keyword, name, type;
    words >> hash >> keyword >> name >> type;
    if (keyword != "TYPE") continue;
    CHECK(name.rfind("colloquium_", 0) == 0);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    const bool is_total = name.size() > 6 && name.compare(name.size() - 6, 6, "_total") == 0;
    CHECK(is_total == (type == "counter"));
    ++families;
  }
  CHECK(families == 7);
}

TEST_CASE("scraping while other threads count and register is safe") {
  Registry registry;
  ComponentCounters counters;
  const Registration registration = registry.add(kSink, counters);
  std::thread worker([&] {
    for (int i = 0; i < 2000; ++i) {
      counters.events_in.add();
      Counter local;
      const Registration passing = registry.counter(kSyncs, {.component = std::to_string(i)}, local);
    }
  });
  for (int i = 0; i < 50; ++i) CHECK(contains(registry.text(), "colloquium_input_events_total"));
  worker.join();
  CHECK(contains(registry.text(), "kind=\"file_sink\"} 2000\n"));
}

TEST_CASE("a declared metric gives all its series at each scrape", "[REQ-115]") {
  Registry registry;
  std::vector<DeclaredSeries> series = {{.labels = {{"pipeline", "p"}, {"region", "eu"}}, .value = 2}};
  const auto counter =
      registry.declare("colloquium_script_n_total", "N.", DeclaredType::kCounter, [&] { return series; });
  REQUIRE(counter);
  CHECK(contains(registry.text(), "# TYPE colloquium_script_n_total counter\n"));
  CHECK(contains(registry.text(), "colloquium_script_n_total{pipeline=\"p\",region=\"eu\"} 2\n"));
  series.push_back({.labels = {{"pipeline", "p"}, {"region", "a\"b"}}, .value = 7});
  CHECK(contains(registry.text(), "region=\"a\\\"b\"} 7\n"));
  const auto histogram = registry.declare("colloquium_script_h", "H.", DeclaredType::kHistogram, [] {
    return std::vector<DeclaredSeries>{{.labels = {}, .value = 0, .buckets = {{1, 3}}, .count = 4, .sum = 9}};
  });
  REQUIRE(histogram);
  CHECK(contains(registry.text(), "colloquium_script_h_bucket{le=\"1\"} 3\n"));
  CHECK(contains(registry.text(), "colloquium_script_h_bucket{le=\"+Inf\"} 4\n"));
}

TEST_CASE("a name is declared with one type, by as many as like, and goes with the last of them") {
  Registry registry;
  const auto one = [](double value) {
    return [value] {
      return std::vector<DeclaredSeries>{{.labels = {{"v", std::to_string(value)}}, .value = value}};
    };
  };
  {
    const auto first = registry.declare("colloquium_script_g", "G.", DeclaredType::kGauge, one(1));
    const auto second = registry.declare("colloquium_script_g", "G.", DeclaredType::kGauge, one(2));
    REQUIRE(first);
    REQUIRE(second);
    const auto other = registry.declare("colloquium_script_g", "G.", DeclaredType::kCounter, one(3));
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::kConflict);
    CHECK(contains(registry.text(), "} 1\n"));
    CHECK(contains(registry.text(), "} 2\n"));
  }
  CHECK(registry.text().empty());
}

TEST_CASE("promtool finds nothing to complain about [REQ-226]") {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) SKIP_TEST("promtool is not installed");
  Registry registry;
  ComponentCounters counters;
  Histogram histogram;
  const Registration component = registry.add(kSink, counters);
  const Registration syncs = registry.histogram({"colloquium_sync_seconds", "Syncs."}, {}, histogram);
  FILE* promtool = popen("promtool check metrics 1>&2", "w");
  REQUIRE(promtool != nullptr);
  const std::string text = registry.text();
  CHECK(fwrite(text.data(), 1, text.size(), promtool) == text.size());
  CHECK(pclose(promtool) == 0);
}

}  // namespace
}  // namespace colloquium::metrics
