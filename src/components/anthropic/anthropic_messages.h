// AnthropicMessages: the wire format of Anthropic's messages.
//
// Source: Anthropic's published SDKs.
//
// Thread safety: immutable, any thread.
#pragma once

#include <memory>

#include "colloquium/ai_provider.h"

#include "components/anthropic/anthropic_batches.h"
#include "components/anthropic/anthropic_dialect.h"

namespace colloquium::components {

class AnthropicMessages final : public AiProvider {
 public:
  explicit AnthropicMessages(AnthropicDialect dialect) : dialect_(dialect), batches_(std::move(dialect)) {}

  // Needs `max_output_tokens`, as the server does. It has no embeddings and no seed.
  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
  const AiBatches* batches() const override { return &batches_; }
  std::optional<AiCounting> counting(const AiRequest& request, const AiAccess& access) const override;

 private:
  const AnthropicDialect dialect_;
  const AnthropicBatches batches_;
};

}  // namespace colloquium::components
