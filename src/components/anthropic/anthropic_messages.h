// AnthropicMessages: the wire format of Anthropic's messages.
//
// Source: Anthropic's published SDKs, whose two API versions differ: 2026-10-21 logs in with a bearer token and knows no
// `temperature` and no `top_p`, which are left out there; 2023-06-01 logs in with `x-api-key`.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::components {

struct AnthropicDialect {
  std::string version = "2023-06-01";
  bool bearer = false;    // Authorization instead of x-api-key
  bool sampling = true;   // the version knows temperature and top_p
};

AnthropicDialect anthropic_2023();
AnthropicDialect anthropic_2026();

class AnthropicMessages final : public AiProvider {
 public:
  explicit AnthropicMessages(AnthropicDialect dialect) : dialect_(std::move(dialect)) {}

  // Needs `max_output_tokens`, as the server does. It has no embeddings and no seed.
  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;

 private:
  const AnthropicDialect dialect_;
};

}  // namespace colloquium::components
