#include "engine/error_alerts.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/counters.h"
#include "loop/test_loop.h"

namespace colloquium::engine {
namespace {

struct Bench {
  ManualClock clock;
  loop::TestLoop loop{clock};
  ComponentCounters counters;
  std::vector<ErrorAlert> told;
  ErrorAlerts alerts{
      {.percent = 10, .window_ms = 1000, .events_min = 20}, loop, clock, [this](const ErrorAlert& alert) {
        told.push_back(alert);
      }};
  std::function<double()> metric = alerts.watch("clean", counters);

  Bench() { alerts.start(); }
  ~Bench() { alerts.stop(); }

  // So many events and errors in each tenth of a second.
  void pass(int tenths, uint64_t events, uint64_t errors) {
    for (int i = 0; i < tenths; ++i) {
      counters.events_in.add(events);
      for (uint64_t e = 0; e < errors; ++e) counters.errors.add(ErrorCode::kInvalidInput);
      loop.advance(100);
    }
  }
};

TEST_CASE("an alert is raised once above the threshold, and cleared once below it [REQ-025]", "[REQ-025]") {
  Bench bench;
  bench.pass(20, 100, 9);
  CHECK(bench.told.empty());
  CHECK(bench.metric() == 0);
  bench.pass(20, 100, 12);
  REQUIRE(bench.told.size() == 1);
  CHECK(bench.told[0].raised);
  CHECK(bench.told[0].component == "clean");
  CHECK(bench.told[0].events >= 900);
  CHECK(bench.told[0].events <= 1100);
  CHECK(bench.told[0].errors * 10 > bench.told[0].events);
  CHECK(bench.metric() == 1);
  bench.pass(20, 100, 0);
  REQUIRE(bench.told.size() == 2);
  CHECK_FALSE(bench.told[1].raised);
  CHECK(bench.metric() == 0);
}

TEST_CASE("few events raise nothing, and a sink that takes nothing counts its tries [REQ-025]", "[REQ-025]") {
  Bench bench;
  bench.pass(20, 1, 1);
  CHECK(bench.told.empty());
  bench.pass(10, 0, 3);
  REQUIRE(bench.told.size() == 1);
  CHECK(bench.told[0].events == bench.told[0].errors);
  // Quiet is no failure.
  bench.pass(15, 0, 0);
  REQUIRE(bench.told.size() == 2);
  CHECK_FALSE(bench.told[1].raised);
}

TEST_CASE("nothing is told after the stop [REQ-025]", "[REQ-025]") {
  Bench bench;
  bench.alerts.stop();
  bench.pass(20, 100, 100);
  CHECK(bench.told.empty());
}

TEST_CASE("an alert is an event that says what, where and how much [REQ-025]", "[REQ-025]") {
  const ErrorAlert alert{"clean", true, 200, 30};
  CHECK(nlohmann::json::parse(alert.json("orders", 5, 60'000, 1234)) ==
        nlohmann::json::parse(R"({"alert":"error_rate","component":"clean","errors":30,"events":200,
          "pipeline":"orders","state":"raised","threshold_percent":5,"time":1234,"window_ms":60000})"));
}

}  // namespace
}  // namespace colloquium::engine
