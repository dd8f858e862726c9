// GoogleGenerate: the wire format of Google's Gemini API: generateContent, its stream, and embeddings.
//
// Source: google.ai.generativelanguage.v1beta (googleapis), in its JSON form. What a tool gave is named by the tool
// there and not by the call, so the name is looked up among the calls before it.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::components {

class GoogleGenerate final : public AiProvider {
 public:
  // `extra` may hold a `generationConfig`, whose members go before those that are made.
  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
  std::optional<AiCounting> counting(const AiRequest& request, const AiAccess& access) const override;
};

}  // namespace colloquium::components
