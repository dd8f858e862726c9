// AiMetrics: what a pipeline's models and budgets are known as on /metrics.
//
// A model's series are there from when it is first asked. Budgets belong to the loop, so that what a scrape reads
// of them is what they were a moment ago.
//
// Ownership: the registry and the loop outlive it; what it reads lives until stop(). Thread safety: loop only;
// scrapes read atomics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/loop.h"

#include "ai/budget.h"
#include "ai/model_state.h"
#include "base/counters.h"
#include "config/pipeline_config.h"
#include "metrics/registry.h"

namespace colloquium::engine {

class AiMetrics {
 public:
  AiMetrics(const config::PipelineConfig& config, metrics::Registry& registry, Loop& loop);

  // REQUIRES: this model of this provider was not added yet.
  void add(const std::string& provider, const std::string& model, const ai::ModelCounters& counters);

  using ReadBudgets = std::function<std::vector<ai::BudgetStatus>()>;
  void watch_budgets(ReadBudgets read);

  // Nothing is read any more.
  void stop();

 private:
  struct BudgetGauges {
    Gauge limit_nano_usd, spent_nano_usd, reserved_nano_usd;
  };
  void look_at_budgets();

  const std::string pipeline_;
  std::map<std::string, std::string> kinds_;  // of providers, by name
  metrics::Registry& registry_;
  Loop& loop_;
  ReadBudgets read_budgets_;
  std::map<std::string, BudgetGauges> budgets_;
  std::unique_ptr<Timer> timer_;
  std::vector<metrics::Registration> registrations_;
};

}  // namespace colloquium::engine
