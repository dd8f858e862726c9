// What is known of each model of each provider while a pipeline runs: whether it is well, who waits for it, and
// what it did.
//
// ModelCounters are plain atomics that whoever has a registry of metrics may read on any thread, as long as the
// Calls live that they are of. Everything else: loop only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ai/call_record.h"
#include "ai/call_settings.h"
#include "ai/gate.h"
#include "base/counters.h"
#include "net/circuit_breaker.h"

namespace colloquium::ai {

struct ModelCounters {
  Histogram first_output;  // from sending to the first output
  Histogram total;         // … to the end of the answer
  Counter answered;
  std::array<Counter, 5> failed;  // by AiFailureKind
  Counter lost;                   // sent, and nobody knows what became of it
  Counter retries;
  std::array<Counter, 6> tokens;  // by bucket, in the order of TokenUsage
  Counter settled_nano_usd;
  Counter unknown_nano_usd;
  Counter cache_hits, shared_hits;
  Counter saved_nano_usd;
  Gauge waiting;       // for their turn
  Gauge under_way;     // sent
  Gauge breaker_open;  // 0 or 1

  // Of a record: an end, or a reuse.
  void count(const CallRecord& record);
};

struct ModelState {
  ModelState(const ProviderSettings& provider, const std::string& model, std::shared_ptr<Places> places,
             Loop& loop, const Clock& clock);

  const ProviderSettings& provider;
  const std::string model;
  net::CircuitBreaker breaker;
  Gate gate;
  ModelCounters counters;
  std::string last_error;  // that spoke against its health
  void show();             // sets the gauges
};

// How a model is, for whoever looks on.
struct ModelHealth {
  std::string provider, model;
  std::optional<int64_t> left_alone_ms;  // its breaker is open, so much longer; 0: the next call looks
  size_t waiting = 0;                    // for their turn
  const ModelCounters* counters = nullptr;
  std::string last_error;  // that spoke against it, however long ago; empty: none did
};

class Models {
 public:
  // `found` is told of each model's counters, once, when it is first asked for; it may be null. The providers
  // outlive this.
  using Found = std::function<void(const std::string& provider, const std::string& model, const ModelCounters&)>;
  Models(const std::vector<ProviderSettings>& providers, Loop& loop, const Clock& clock, Found found);

  // Null: there is no such provider.
  const ProviderSettings* provider(const std::string& name) const;
  // REQUIRES: there is such a provider.
  ModelState& at(const std::string& provider, const std::string& model);
  // Of those that were asked for.
  std::vector<ModelHealth> health() const;

 private:
  struct Row {
    const ProviderSettings* settings;
    std::shared_ptr<Places> places;
  };
  Loop& loop_;
  const Clock& clock_;
  const Found found_;
  std::map<std::string, Row> providers_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<ModelState>> models_;
};

}  // namespace colloquium::ai
