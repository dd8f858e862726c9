#include "ai/model_state.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

const RateLimitSpec& rate_of(const ProviderSettings& provider, const std::string& model) {
  const auto own = provider.models.find(model);
  return own == provider.models.end() ? provider.rate : own->second.rate;
}

uint64_t amount(NanoUsd cost) {
  ASSERT(cost.value >= 0);
  return static_cast<uint64_t>(cost.value);
}

}  // namespace

void ModelCounters::count(const CallRecord& record) {
  switch (record.kind) {
    case RecordKind::kIntent:
    case RecordKind::kBatch:
      return;
    case RecordKind::kReuse:
      (record.from == AiAnswerFrom::kShared ? shared_hits : cache_hits).add();
      return saved_nano_usd.add(amount(record.cost));
    case RecordKind::kUnknown:
      lost.add();
      return unknown_nano_usd.add(amount(record.tags.reserved));
    case RecordKind::kAnswer:
      answered.add();
      break;
    case RecordKind::kFailure:
      failed[static_cast<size_t>(record.failure.kind)].add();
      break;
  }
  const TokenUsage& usage = record.usage;
  const std::array<int64_t, 6> buckets = {usage.input,          usage.cache_read, usage.cache_write_5m,
                                          usage.cache_write_1h, usage.output,     usage.reasoning};
  for (size_t i = 0; i < buckets.size(); ++i) tokens[i].add(static_cast<uint64_t>(buckets[i]));
  settled_nano_usd.add(amount(record.cost));
  // A batch takes as long as it takes.
  if (record.kind != RecordKind::kAnswer || !record.tags.batch.empty()) return;
  constexpr int64_t kNsPerMs = 1'000'000;
  total.observe_ns(record.took_ms * kNsPerMs);
  if (record.first_ms) first_output.observe_ns(*record.first_ms * kNsPerMs);
}

ModelState::ModelState(const ProviderSettings& the_provider, const std::string& the_model,
                       std::shared_ptr<Places> places, Loop& loop, const Clock& clock)
    : provider(the_provider),
      model(the_model),
      breaker(the_provider.breaker.failures, the_provider.breaker.open_ms),
      gate(rate_of(the_provider, the_model), the_provider.queue_max, std::move(places), loop, clock) {}

void ModelState::show() {
  counters.waiting.set(static_cast<int64_t>(gate.waiting()));
  counters.breaker_open.set(breaker.is_open());
}

Models::Models(const std::vector<ProviderSettings>& providers, Loop& loop, const Clock& clock, Found found)
    : loop_(loop), clock_(clock), found_(std::move(found)) {
  for (const ProviderSettings& provider : providers) {
    providers_.emplace(provider.name, Row{&provider, std::make_shared<Places>(provider.connections)});
  }
}

const ProviderSettings* Models::provider(const std::string& name) const {
  const auto found = providers_.find(name);
  return found == providers_.end() ? nullptr : found->second.settings;
}

std::vector<ModelHealth> Models::health() const {
  std::vector<ModelHealth> all;
  for (const auto& [name, state] : models_) {
    ModelHealth health{name.first,       name.second,      std::nullopt, state->gate.waiting(),
                       &state->counters, state->last_error};
    const net::CircuitBreaker& breaker = state->breaker;
    constexpr int64_t kNsPerMs = 1'000'000;
    if (breaker.is_open()) {
      health.left_alone_ms = std::max<int64_t>(breaker.next_probe_ns() - clock_.monotonic_ns(), 0) / kNsPerMs;
    }
    all.push_back(std::move(health));
  }
  return all;
}

ModelState& Models::at(const std::string& provider, const std::string& model) {
  auto& state = models_[{provider, model}];
  if (state == nullptr) {
    const auto row = providers_.find(provider);
    ASSERT(row != providers_.end());
    state = std::make_unique<ModelState>(*row->second.settings, model, row->second.places, loop_, clock_);
    if (found_) found_(provider, model, state->counters);
  }
  return *state;
}

}  // namespace colloquium::ai
