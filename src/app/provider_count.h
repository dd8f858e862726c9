// Counting a text as a provider counts it, by its own API, over the network.
//
// Thread safety: main thread only; blocks until the answer is there.
#pragma once

#include <cstdint>
#include <string>

#include "colloquium/result.h"

#include "config/pipeline_config.h"

namespace colloquium::app {

struct ProviderCount {
  int64_t tokens = 0;    // of a chat with one message, the text
  int64_t estimate = 0;  // as calls are estimated before they are made
};

// `model` as pipelines name it, "claude/claude-haiku-4-5", of a provider of this pipeline. kInvalidConfig for one
// that there is not, or that can't count; else what the provider refused.
Result<ProviderCount> count_by_provider(const config::PipelineConfig& config, const std::string& model,
                                        std::string text);

}  // namespace colloquium::app
