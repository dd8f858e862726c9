// OpenAiChat: OpenAI's chat completions and embeddings, and those of the many other servers that speak as it does.
//
// The format is ai/openai_format's. What other servers leave out is not missed: `usage`, the `[DONE]` at the end,
// ids of tool calls.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

#include "ai/openai_format/openai_request.h"
#include "components/openai/openai_batches.h"

namespace colloquium::components {

class OpenAiChat final : public AiProvider {
 public:
  explicit OpenAiChat(ai::OpenAiDialect dialect = {}) : dialect_(dialect) {}

  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
  const AiBatches* batches() const override { return &batches_; }

 private:
  const ai::OpenAiDialect dialect_;
  const OpenAiBatches batches_{"/v1/chat/completions"};
};

// To `path` behind the base URL, with the key.
AiHttpRequest openai_http(const AiAccess& access, const char* path, const std::vector<char>& body);

}  // namespace colloquium::components
