// CallSettings: all that Calls is told, as plain values. Whoever reads a pipeline's `ai` section fills them in.
//
// Thread safety: values. Times are milliseconds; 0 turns a timeout off.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/ai_provider.h"

#include "ai/budget.h"
#include "ai/prices.h"
#include "ai/rate_limit.h"
#include "ai/transport.h"
#include "base/money.h"

namespace colloquium::ai {

// Of one sending. The head of the answer has to come within the first two together; silence counts from the last
// byte.
struct CallTimeouts {
  int64_t connect_ms = 10'000;
  int64_t first_byte_ms = 120'000;
  int64_t silence_ms = 60'000;
  int64_t total_ms = 600'000;
};

// How often one model is tried for a question before the next one is, and how long is waited in between: full
// jitter between nothing and a bound that doubles. What a provider asks for is waited for, but not more than
// `hint_max_ms`.
struct CallRetry {
  int64_t attempts = 3;  // in all, at least 1
  int64_t first_ms = 500;
  int64_t max_ms = 30'000;
  int64_t hint_max_ms = 60'000;
};

struct CallBreaker {
  int64_t failures = 5;  // in a row; 0: only a quota that is used up opens it
  int64_t open_ms = 30'000;
  int64_t quota_ms = 600'000;  // open so long where a provider that says so names no time
};

struct ModelSettings {
  RateLimitSpec rate;
  // What its answers may take at most: reserved, and sent along where a question names no bound itself.
  std::optional<int64_t> max_output_tokens;
};

struct ProviderSettings {
  std::string name;  // in the pipeline
  std::string kind;  // "openai": whose prices and whose way of counting tokens
  std::shared_ptr<const AiProvider> provider;
  std::function<AiAccess()> access;  // as it is now: asked before each sending
  AiTransport* transport = nullptr;  // of its own; null: that of all. It outlives the calls
  AiTransport& transport_or(AiTransport& of_all) const { return transport != nullptr ? *transport : of_all; }
  std::string key;                   // the key's name, for reports and limits; never the key itself
  RateLimitSpec rate;                // of each model that `models` does not name
  std::map<std::string, ModelSettings, std::less<>> models;
  size_t connections = 16;  // calls that are under way at once
  size_t queue_max = 1000;  // calls that wait for their turn, by model
  CallTimeouts timeouts;
  CallRetry retry;
  CallBreaker breaker;
};

// What becomes of a call that a budget does not allow. Where only what is reserved for calls under way stands in
// its way, it waits for those first.
enum class OnExceeded : uint8_t {
  kStop,    // refused, and worth asking again when the budget's next window begins
  kFail,    // refused for good
  kSwitch,  // another model is asked in its place; refused as with kStop where there is none
  kWait,    // until the next window begins
};

struct BudgetSettings {
  BudgetSpec spec;
  OnExceeded on_exceeded = OnExceeded::kStop;
  std::optional<AiModelChoice> switch_to = {};  // with kSwitch; nothing: the next model of the question
};

struct AuditSettings {
  bool on = false;
  bool bodies = false;  // what was asked and answered, too
  int64_t retention_ms = 0;
  uint64_t retention_bytes = 0;
};

struct CallSettings {
  std::string pipeline;  // what reports and budgets go by
  // Whose stream of calls: "<records>.calls", and the leg "<records>/@ai". A replay has its own.
  std::string records;
  // Records of others that are looked into, too: those of the pipeline that is replayed. They are only read.
  std::vector<std::string> replay_of;
  // The stages and sources that may ask for events; none: any. What one that is gone has left in the records holds
  // nothing back.
  std::vector<std::string> askers;
  int64_t retention_ms = 0;  // of records; 0: age removes none. What a restart needs stays.
  uint64_t retention_bytes = 0;

  std::vector<ProviderSettings> providers;
  PriceTable prices = PriceTable::built_in();
  std::optional<NanoUsd> unpriced;  // what a call counts for whose model has no price; nothing: it is refused
  std::vector<BudgetSettings> budgets;

  size_t cache_bytes = size_t{64} << 20;
  int64_t cache_ttl_max_ms = 0;  // the longest that a question of this pipeline names; 0: nothing is read back
  size_t answer_bytes = size_t{16} << 20;  // a longer answer has failed
  AuditSettings audit;
  // What must not leave is taken out of every text of a request, before anything is made of it; may be empty.
  std::function<std::string(std::string text)> redact;
};

}  // namespace colloquium::ai
