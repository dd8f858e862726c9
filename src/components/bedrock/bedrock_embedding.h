// Embeddings of Bedrock's, which every maker of models has in a shape of its own.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "colloquium/ai_provider.h"

#include "ai/json_text.h"

namespace colloquium::components {

enum class EmbeddingShape { kTitan, kCohere };

// By the model's name, which may stand in an ARN or behind a region; nothing if it is neither's.
std::optional<EmbeddingShape> embedding_shape(std::string_view model);

// Titan takes one text at a time. kInvalidConfig.
Status check_embedding(const AiRequest& request);

// REQUIRES: check_embedding() holds.
void write_embedding(json::Writer& out, const AiRequest& request);

// The vectors of either shape, by input; nothing if there are none, or something else is among them.
std::optional<std::vector<std::vector<float>>> read_embeddings(const std::optional<json::ValueView>& root);

}  // namespace colloquium::components
