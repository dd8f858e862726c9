#include "engine/ai_metrics.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/money.h"

namespace colloquium::engine {
namespace {

using metrics::Family;
using metrics::Labels;

constexpr int64_t kLookMs = 500;
// In the order of TokenUsage.
constexpr std::array<std::string_view, 6> kBuckets = {"input",          "cache_read", "cache_write_5m",
                                                      "cache_write_1h", "output",     "reasoning"};

double usd(int64_t nano) {
  return static_cast<double>(nano) / static_cast<double>(kNanoPerUsd);
}

uint64_t failed(const ai::ModelCounters& counters) {
  uint64_t all = 0;
  for (const Counter& kind : counters.failed) all += kind.value();
  return all;
}

}  // namespace

AiMetrics::AiMetrics(const config::PipelineConfig& config, metrics::Registry& registry, Loop& loop)
    : pipeline_(config.name), registry_(registry), loop_(loop) {
  for (const config::ComponentConfig& provider : config.providers) {
    kinds_[provider.name] = std::string(provider.descriptor->name) + "_provider";
  }
}

void AiMetrics::add(const std::string& provider, const std::string& model, const ai::ModelCounters& counters) {
  Labels labels{
      .pipeline = pipeline_, .component = provider, .kind = kinds_[provider], .reason = {}, .partition = {}};
  labels.model = model;
  const auto count = [&](const Family& family, const Counter& counter, std::string_view reason = {}) {
    labels.reason = reason;
    registrations_.push_back(registry_.counter(family, labels, counter));
    labels.reason.clear();
  };
  const auto money = [&](const Family& family, const Counter& nano_usd) {
    registrations_.push_back(
        registry_.counter(family, labels, [&nano_usd] { return usd(static_cast<int64_t>(nano_usd.value())); }));
  };
  const auto gauge = [&](const Family& family, const Gauge& value) {
    registrations_.push_back(registry_.gauge(family, labels, value));
  };
  registrations_.push_back(registry_.histogram(
      {"colloquium_ai_first_output_seconds", "Time from sending a question to a model to its first output."},
      labels, counters.first_output));
  registrations_.push_back(registry_.histogram(
      {"colloquium_ai_answer_seconds", "Time from sending a question to a model to the end of its answer."},
      labels, counters.total));
  constexpr Family kCalls = {"colloquium_ai_calls_total",
                             "Calls to a model that have ended, by what became of them."};
  count(kCalls, counters.answered, "answered");
  count(kCalls, counters.lost, "unknown");
  labels.reason = "failed";
  registrations_.push_back(
      registry_.counter(kCalls, labels, [&counters] { return static_cast<double>(failed(counters)); }));
  labels.reason.clear();
  for (size_t i = 0; i < counters.failed.size(); ++i) {
    count({"colloquium_ai_failures_total", "Calls to a model that failed, by whose matter that is."},
          counters.failed[i], ai::to_string(static_cast<AiFailureKind>(i)));
  }
  count({"colloquium_ai_retries_total", "Calls that asked a model once more."}, counters.retries);
  for (size_t i = 0; i < kBuckets.size(); ++i) {
    count({"colloquium_ai_tokens_total", "Tokens that calls to a model took, by bucket."}, counters.tokens[i],
          kBuckets[i]);
  }
  money({"colloquium_ai_cost_usd_total", "US dollars that calls to a model cost."}, counters.settled_nano_usd);
  money({"colloquium_ai_unknown_cost_usd_total",
         "US dollars reserved for calls to a model that nobody knows the end of."},
        counters.unknown_nano_usd);
  money(
      {"colloquium_ai_saved_usd_total", "US dollars that answers from the cache and shared ones would have cost."},
      counters.saved_nano_usd);
  count({"colloquium_ai_cache_hits_total", "Questions answered from the cache."}, counters.cache_hits);
  count({"colloquium_ai_shared_hits_total", "Questions answered with what another one was asking."},
        counters.shared_hits);
  gauge({"colloquium_ai_waiting_calls", "Calls that wait for their turn at a model."}, counters.waiting);
  gauge({"colloquium_ai_calls_under_way", "Calls that were sent to a model and have not ended."},
        counters.under_way);
  gauge({"colloquium_ai_breaker_open", "1 while a model is left alone because it fails."}, counters.breaker_open);
}

void AiMetrics::watch_budgets(ReadBudgets read) {
  read_budgets_ = std::move(read);
  look_at_budgets();
  for (const auto& [name, gauges] : budgets_) {
    const Labels labels{
        .pipeline = pipeline_, .component = name, .kind = "ai_budget", .reason = {}, .partition = {}};
    const auto money = [&](const Family& family, const Gauge& nano_usd) {
      registrations_.push_back(registry_.gauge(family, labels, [&nano_usd] { return usd(nano_usd.value()); }));
    };
    money({"colloquium_ai_budget_limit_usd", "US dollars that a budget allows in its window."},
          gauges.limit_nano_usd);
    money({"colloquium_ai_budget_spent_usd",
           "US dollars that are spent of a budget in its present window, with what is unknown."},
          gauges.spent_nano_usd);
    money({"colloquium_ai_budget_reserved_usd", "US dollars that are reserved of a budget for calls under way."},
          gauges.reserved_nano_usd);
  }
}

void AiMetrics::look_at_budgets() {
  const std::vector<ai::BudgetStatus> all = read_budgets_();
  for (const ai::BudgetStatus& status : all) {
    BudgetGauges& gauges = budgets_[status.spec->name];
    gauges.limit_nano_usd.set(status.spec->limit.value);
    gauges.spent_nano_usd.set(status.spent().value);
    gauges.reserved_nano_usd.set(status.reserved.value);
  }
  if (all.empty()) return;
  timer_ = loop_.start_timer(kLookMs, [this] {
    const auto fired = std::move(timer_);
    look_at_budgets();
  });
}

void AiMetrics::stop() {
  timer_ = nullptr;
  registrations_.clear();
}

}  // namespace colloquium::engine
