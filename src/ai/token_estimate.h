// TokenEstimates: how many tokens a request will be, before anybody has counted it.
//
// Exact for texts to OpenAI's models, with what they add for messages and tools as openai-cookbook counts it.
// Others are counted as o200k_base and multiplied by a factor that is learned from what providers say: it follows
// a higher one at once and falls slowly, because what is reserved must not be too little.
//
// Memory: a number for each provider and model. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "colloquium/ai_provider.h"

namespace colloquium::ai {

// Which model's tokens; `kind` is the provider's (ProviderSettings).
struct ModelName {
  std::string_view kind, provider, model;
};

class TokenEstimates {
 public:
  struct Input {
    int64_t tokens = 0;
    double factor = 1;  // that they were estimated with
  };
  // What is sent in, images roughly.
  Input input(const ModelName& name, const AiRequest& request) const;
  // Of text that came out.
  int64_t output(const ModelName& name, std::string_view text) const;

  // A provider said that a request was `took` tokens for which input() had said `estimated`, some time before.
  void learn(const ModelName& name, const Input& estimated, int64_t took);
  double factor(const ModelName& name) const;

 private:
  std::map<std::pair<std::string, std::string>, double> factors_;  // by provider and model
};

}  // namespace colloquium::ai
