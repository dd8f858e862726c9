#include "engine/ai_metrics.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"
#include "loop/test_loop.h"

namespace colloquium::engine {
namespace {

bool has(const metrics::Registry& registry, const std::string& line) {
  return ("\n" + registry.text()).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("a model's series are there from its first question until nothing is read any more", "[REQ-080]") {
  ManualClock clock;
  loop::TestLoop loop{clock};
  metrics::Registry registry;
  ai::ModelCounters counters;
  config::PipelineConfig config;
  config.name = "p";
  AiMetrics metrics(config, registry, loop);
  CHECK(registry.text().empty());
  metrics.add("eu", "small", counters);
  const std::string labels = R"(pipeline="p",component="eu",)";
  CHECK(has(registry, "colloquium_ai_calls_total{" + labels + R"(reason="unknown",model="small"} 0)"));
  counters.answered.add(2);
  counters.failed[4].add(3);
  counters.failed[0].add(1);
  counters.tokens[5].add(7);
  counters.settled_nano_usd.add(1'500'000'000);
  counters.total.observe_ns(2'000'000'000);
  CHECK(has(registry, "colloquium_ai_calls_total{" + labels + R"(reason="answered",model="small"} 2)"));
  CHECK(has(registry, "colloquium_ai_calls_total{" + labels + R"(reason="failed",model="small"} 4)"));
  CHECK(has(registry, "colloquium_ai_failures_total{" + labels + R"(reason="transient",model="small"} 3)"));
  CHECK(has(registry, "colloquium_ai_tokens_total{" + labels + R"(reason="reasoning",model="small"} 7)"));
  CHECK(has(registry, "colloquium_ai_cost_usd_total{" + labels + R"(model="small"} 1.5)"));
  CHECK(has(registry, "colloquium_ai_answer_seconds_sum{" + labels + R"(model="small"} 2)"));
  metrics.stop();
  CHECK(registry.text().empty());
}

TEST_CASE("budgets are looked at again and again", "[REQ-080]") {
  ManualClock clock;
  loop::TestLoop loop{clock};
  metrics::Registry registry;
  config::PipelineConfig config;
  config.name = "p";
  const ai::BudgetSpec spec{.name = "team", .scope = {}, .limit = {2'000'000'000}, .alert_percents = {}};
  ai::BudgetStatus status{.spec = &spec};
  AiMetrics metrics(config, registry, loop);
  metrics.watch_budgets([&] { return std::vector{status}; });
  const std::string labels = R"({pipeline="p",component="team",kind="ai_budget"} )";
  CHECK(has(registry, "colloquium_ai_budget_limit_usd" + labels + "2"));
  CHECK(has(registry, "colloquium_ai_budget_spent_usd" + labels + "0"));
  status.settled = {250'000'000};
  status.unknown = {500'000'000};
  status.reserved = {1'000'000'000};
  loop.advance(1000);
  CHECK(has(registry, "colloquium_ai_budget_spent_usd" + labels + "0.75"));
  CHECK(has(registry, "colloquium_ai_budget_reserved_usd" + labels + "1"));
  metrics.stop();
  CHECK(registry.text().empty());
}

}  // namespace
}  // namespace colloquium::engine
