// OpenAiResponses: OpenAI's responses API, in the place of chat completions. Embeddings are asked for as ever.
//
// Source: OpenAI's published OpenAPI description, path /responses. Nothing is kept by the server (`store` is false
// unless `extra` says otherwise), as with chat completions: the conversation is in the request. The API knows
// neither `stop` nor `seed`.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

#include "ai/openai_format/openai_request.h"
#include "components/openai/openai_batches.h"

namespace colloquium::components {

class OpenAiResponses final : public AiProvider {
 public:
  // `extra` may hold `text`, whose members go beside the format that a schema makes.
  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
  const AiBatches* batches() const override { return &batches_; }

 private:
  const OpenAiBatches batches_{"/v1/responses"};
};

}  // namespace colloquium::components
