#include "engine/script_metrics.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::engine {
namespace {

config::PipelineConfig pipeline(std::vector<config::MetricConfig> metrics, std::string name = "orders") {
  config::PipelineConfig config;
  config.name = std::move(name);
  config.metrics = std::move(metrics);
  return config;
}

config::MetricConfig metric(std::string name, config::MetricType type, std::vector<std::string> labels = {}) {
  config::MetricConfig made;
  made.name = std::move(name);
  made.type = type;
  made.help = "Help.";
  made.labels = std::move(labels);
  if (type == config::MetricType::kHistogram) made.buckets = {1, 10};
  return made;
}

using config::MetricType;

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("declared metrics are exported as scripts change them", "[REQ-112]") {
  metrics::Registry registry;
  const auto made = PipelineMetrics::create(
      pipeline({metric("seen", MetricType::kCounter),
                metric("sold_total", MetricType::kCounter, {"region", "tier"}),
                metric("stock", MetricType::kGauge), metric("size", MetricType::kHistogram)}),
      &registry);
  REQUIRE(made);
  ScriptMetrics& metrics = **made;
  CHECK(metrics.declared().size() == 4);
  CHECK(has(registry.text(), R"(colloquium_script_seen_total{pipeline="orders"} 0)"));
  REQUIRE(metrics.apply("seen", 1, ""));
  REQUIRE(metrics.apply("seen", 2.5, "{}"));
  REQUIRE(metrics.apply("sold_total", 3, R"({"region":"eu","tier":1})"));
  REQUIRE(metrics.apply("sold_total", 4, R"({"tier":1,"region":"eu"})"));
  REQUIRE(metrics.apply("stock", 7, ""));
  REQUIRE(metrics.apply("stock", 5, ""));
  for (const double size : {0.5, 1.0, 2.0, 100.0}) REQUIRE(metrics.apply("size", size, ""));
  const std::string text = registry.text();
  INFO(text);
  CHECK(has(text, R"(colloquium_script_seen_total{pipeline="orders"} 3.5)"));
  CHECK(has(text, R"(colloquium_script_sold_total{pipeline="orders",region="eu",tier="1"} 7)"));
  CHECK(has(text, R"(colloquium_script_stock{pipeline="orders"} 5)"));
  CHECK(has(text, R"(colloquium_script_size_bucket{pipeline="orders",le="1"} 2)"));
  CHECK(has(text, R"(colloquium_script_size_bucket{pipeline="orders",le="10"} 3)"));
  CHECK(has(text, R"(colloquium_script_size_bucket{pipeline="orders",le="+Inf"} 4)"));
  CHECK(has(text, R"(colloquium_script_size_sum{pipeline="orders"} 103.5)"));
}

TEST_CASE("a label that is not declared and a counter that would fall are errors, a label left out is empty") {
  const auto made = PipelineMetrics::create(pipeline({metric("n", MetricType::kCounter, {"region"})}), nullptr);
  REQUIRE(made);
  const Status unknown = (*made)->apply("n", 1, R"({"regoin":"eu"})");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "the metric 'n' has no label 'regoin'; declare it in the pipeline's metrics");
  CHECK_FALSE((*made)->apply("n", -1, ""));
  CHECK((*made)->apply("n", 1, ""));
}

TEST_CASE("label values beyond the bound count under 'other', however many there are", "[REQ-115]") {
  metrics::Registry registry;
  config::MetricConfig bounded = metric("n", MetricType::kCounter, {"user"});
  bounded.max_series = 3;
  const auto made = PipelineMetrics::create(pipeline({bounded}), &registry);
  REQUIRE(made);
  for (int round = 0; round < 2; ++round) {
    for (int user = 0; user < 1000; ++user) {
      REQUIRE((*made)->apply("n", 1, "{\"user\":\"u" + std::to_string(user) + "\"}"));
    }
  }
  const std::string text = registry.text();
  CHECK(has(text, R"(colloquium_script_n_total{pipeline="orders",user="u2"} 2)"));
  CHECK(has(text, R"(colloquium_script_n_total{pipeline="orders",user="other"} 1994)"));
  CHECK(text.find("u3") == std::string::npos);
}

TEST_CASE("two pipelines share a name of one type, and never of two") {
  metrics::Registry registry;
  const auto first = PipelineMetrics::create(pipeline({metric("n", MetricType::kGauge)}), &registry);
  REQUIRE(first);
  const auto second = PipelineMetrics::create(pipeline({metric("n", MetricType::kGauge)}, "two"), &registry);
  REQUIRE(second);
  REQUIRE((*first)->apply("n", 1, ""));
  REQUIRE((*second)->apply("n", 2, ""));
  CHECK(has(registry.text(), R"(colloquium_script_n{pipeline="two"} 2)"));
  const auto third = PipelineMetrics::create(pipeline({metric("n", MetricType::kHistogram)}, "three"), &registry);
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ErrorCode::kConflict);
}

TEST_CASE("metrics go with their pipeline") {
  metrics::Registry registry;
  {
    const auto made = PipelineMetrics::create(pipeline({metric("n", MetricType::kCounter)}), &registry);
    REQUIRE(made);
    CHECK(registry.text().find("colloquium_script_n") != std::string::npos);
  }
  CHECK(registry.text().empty());
}

}  // namespace colloquium::engine
