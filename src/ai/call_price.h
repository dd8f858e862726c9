// What a call may cost at most, what it did cost, and which model is asked first.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "ai/call_record.h"
#include "ai/call_settings.h"
#include "ai/model_state.h"
#include "ai/token_estimate.h"

namespace colloquium::ai {

// A model's price, or what each call counts for where it has none.
struct CallPrice {
  ModelPrice tokens;
  std::optional<NanoUsd> call;
  bool in_batch = false;

  NanoUsd cost(const TokenUsage& usage) const { return call ? *call : tokens.cost(usage, in_batch); }
  NanoUsd most(int64_t input, int64_t output) const { return call ? *call : tokens.most(input, output, in_batch); }
};

// kInvalidConfig for a model that has no price, where that is refused.
Result<CallPrice> price_of(const CallSettings& settings, const ProviderSettings& provider,
                           const std::string& model);

// Whether each of its models can be asked this: kInvalidConfig for an unknown provider, a model without a price
// where that is refused, something that its provider can't do.
Status check_question(const CallSettings& settings, const AiQuestion& question);

// The request as this model gets it.
AiRequest request_for(const ProviderSettings& provider, const AiModelChoice& choice, const AiRequest& request);
// What its answer may take at most. REQUIRES: made by request_for().
int64_t most_output(const AiRequest& request);

// What a provider did not say is estimated. Of an answer that is not complete, what it said is not its last word:
// of that and of what came, thoughts among it, the larger counts, and it is an estimate.
struct Took {
  TokenUsage usage;
  bool estimated = false;
};
Took took(const AiUsage& said, const CallContent& content, size_t reasoning_bytes, bool complete,
          const AiRequest& request, const ModelName& name, int64_t input_tokens, const TokenEstimates& estimates);

// The models of a question, in the order that they are tried in.
std::vector<AiModelChoice> routed(const AiQuestion& question, const CallSettings& settings, const Models& models,
                                  const TokenEstimates& estimates, Random& random);

}  // namespace colloquium::ai
