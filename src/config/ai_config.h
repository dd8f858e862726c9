// AiConfig: the `ai` section of a pipeline file: whom its stages may ask, how much, and what of it is kept.
//
// Its providers are components, and stand with the others in PipelineConfig; what an entry of theirs may say
// beside its kind is ProviderSettings.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"

#include "base/money.h"

namespace colloquium::config {

// How much may be sent in a while; a bucket that fills evenly, and holds `…_burst`.
struct AiLimitsConfig {
  std::optional<int64_t> requests;
  std::optional<int64_t> tokens;
  Duration per{60'000};
  std::optional<int64_t> request_burst;  // not given: what `per` allows
  std::optional<int64_t> token_burst;
};

struct AiModelConfig {
  std::optional<AiLimitsConfig> limits;  // instead of the provider's
  // What an answer may take at most where a question names no bound itself: it is sent along, and reserved.
  std::optional<int64_t> max_output_tokens;
};

struct AiTimeoutsConfig {
  Duration connect{10'000};
  Duration first_byte{60'000};
  Duration silence{60'000};  // between two pieces of an answer
  Duration total{600'000};
};

struct AiRetryConfig {
  int32_t attempts = 3;  // in all, the first included
  Duration initial{500};
  Duration max{8'000};
};

struct AiBreakerConfig {
  int32_t failures = 5;
  Duration open{30'000};
};

// What all providers may be told.
struct ProviderSettings {
  std::optional<AiLimitsConfig> limits;
  std::map<std::string, AiModelConfig> models;
  AiTimeoutsConfig timeouts;
  AiRetryConfig retry;
  AiBreakerConfig breaker;
  int32_t connections = 64;
};

enum class AiWindow { kHour, kDay, kMonth, kTotal };
enum class AiBudgetAction { kStop, kDeadLetter, kWait };

// What becomes of a call that a budget does not allow.
struct AiBudgetThen {
  AiBudgetAction action = AiBudgetAction::kStop;
  std::string switch_to;  // instead: "provider/model", which is asked in its place
};

struct AiBudgetConfig {
  std::string name;
  NanoUsd limit;
  AiWindow window = AiWindow::kDay;
  // Whose calls count; what is empty does not matter.
  std::string provider, model, key, pipeline;
  std::vector<int32_t> alerts{50, 80, 100};  // percent, ascending
  AiBudgetThen then;
  ConfigMark mark;
};

// What is reserved for a call to a model that has no price; unset: there is no such call.
struct AiUnpriced {
  std::optional<NanoUsd> reserve;
};

struct AiCacheConfig {
  Duration ttl{3'600'000};
  ByteSize size{64 << 20};
};

struct AiRetentionConfig {
  Duration time{0};  // 0: for ever
  ByteSize size{0};  // 0: any
};

// The record of every call, with its answer: what is asked again after a crash, or in a replay, is answered from
// it.
struct AiCallsConfig {
  AiRetentionConfig retention{{int64_t{30} * 24 * 3'600'000}, {int64_t{10} << 30}};
};

struct AiAuditConfig {
  AiRetentionConfig retention;
  bool bodies = false;  // what was asked and answered, too
};

// What is taken out of every text before it leaves.
struct AiRedactConfig {
  std::string name;        // what stands in its place: "[email]"
  std::string expression;  // empty: `name` is one of those that are known
  ConfigMark mark;
};
inline constexpr std::string_view kRedactions[] = {"email", "iban", "card", "ip", "phone"};

struct AiConfig {
  std::string prices;  // a file, relative to the pipeline's; empty: those that ship
  AiUnpriced unpriced;
  std::vector<AiBudgetConfig> budgets;
  std::optional<AiCacheConfig> cache;  // unset: nothing is answered from memory
  AiCallsConfig calls;
  std::optional<AiAuditConfig> audit;  // unset: there is none
  std::vector<AiRedactConfig> redact;
  ConfigMark mark;
};

// "openai/gpt-4o" is a provider and a model, which may have a '/' itself.
struct AiModelName {
  std::string provider;
  std::string model;
};
// Nothing if it is none.
std::optional<AiModelName> parse_model_name(std::string_view text);

}  // namespace colloquium::config
