// PriceTable: what models cost. A dated table ships with the program; a file of the user's goes before it.
//
// The file is JSON. Prices are US dollars per million tokens:
//
//   {"date": "2026-11-20", "models": {
//     "openai/gpt-4o-mini": {"input": 0.15, "cache_read": 0.075, "output": 0.6, "batch": {"input": 0.075,
//     "output": 0.3}}, "google/gemini-2.5-pro": {"input": 1.25, "output": 10, "above": {"tokens": 200000,
//     "input": 2.5, "output": 15}}}}
//
// What is not given: `cache_read`, `cache_write_5m` and `cache_write_1h` cost what `input` does, `reasoning` what
// `output` does, in `above` and `batch` likewise; their `input` and `output` are those outside. With more input
// than `above.tokens`, all of the call costs what `above` says. A batch costs what `batch` says, and has no tiers.
//
// Thread safety: immutable once made; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "ai/usage.h"
#include "base/money.h"

namespace colloquium::ai {

// Per million tokens.
struct TokenPrices {
  NanoUsd input;
  NanoUsd cache_read;
  NanoUsd cache_write_5m;
  NanoUsd cache_write_1h;
  NanoUsd output;
  NanoUsd reasoning;
};

struct ModelPrice {
  TokenPrices usual;
  int64_t above_tokens = 0;  // of input; 0: there is no tier
  TokenPrices above;
  std::optional<TokenPrices> batch;

  // Rounded up to a billionth of a dollar, once for the call.
  NanoUsd cost(const TokenUsage& usage, bool in_batch = false) const;
  // The most that a call can cost: none of its input is read from a cache, and it may be written to one.
  NanoUsd most(int64_t input_tokens, int64_t output_tokens, bool in_batch = false) const;
};

class PriceTable {
 public:
  // The table that ships. What it does not name has no price: nothing is guessed.
  static const PriceTable& built_in();

  // kInvalidConfig, with the model and the key, for what is no such file; `name` is what messages call it.
  static Result<PriceTable> parse(std::string_view json, const std::string& name);

  // A copy in which what `other` names goes before what was there.
  PriceTable overridden_by(const PriceTable& other) const;

  // By provider and model. A model of a date ("gpt-4o-mini-2024-07-18", "claude-haiku-4-5-20251001") that is not
  // named costs what the model without it costs. What is not named either: on Azure a model costs what OpenAI
  // takes, on Bedrock Claude what Anthropic takes, and an Ollama of one's own nothing. Null: it has no price.
  const ModelPrice* find(const std::string& provider, std::string_view model) const;

  // When these prices were looked up: "2026-11-20".
  const std::string& date() const { return date_; }
  const std::map<std::string, ModelPrice>& models() const { return models_; }

 private:
  const ModelPrice* find_dated(const std::string& provider, std::string_view model) const;
  const ModelPrice* find_claude(std::string_view model) const;

  std::string date_;
  std::map<std::string, ModelPrice> models_;  // by "provider/model"
};

}  // namespace colloquium::ai
