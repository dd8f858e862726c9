// OllamaChat: the wire format of Ollama's own API: chats and embeddings.
//
// Source: Ollama's api.md and its Go types (api/types.go). It streams lines of JSON, takes images by their bytes
// alone and can't be told which tool to call; the arguments of a call are an object. A result names its tool,
// which is looked up among the calls before it.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::components {

class OllamaChat final : public AiProvider {
 public:
  // `extra` may hold `options`, whose members go before those that are made.
  Status check(const AiRequest& request) const override;
  // With a key it is sent as a bearer token, for what stands before a server.
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
};

}  // namespace colloquium::components
