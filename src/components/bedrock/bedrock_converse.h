// BedrockConverse: the wire format of AWS Bedrock: Converse and ConverseStream for chats, with whatever model, and
// InvokeModel for embeddings, in the shapes of Amazon's Titan and of Cohere.
//
// Source: the service model of bedrock-runtime (botocore, 2023-09-30) and AWS's pages on structured output. A
// request is signed (AWS Signature Version 4), unless there is a key, which is a bearer's. Images are sent by
// their bytes alone.
//
// Thread safety: immutable, any thread.
#pragma once

#include <string>
#include <vector>

#include "colloquium/ai_provider.h"

namespace colloquium::components {

class BedrockConverse final : public AiProvider {
 public:
  // The region is what is signed for: "us-east-1".
  explicit BedrockConverse(std::string region) : region_(std::move(region)) {}

  // `extra` may hold an `inferenceConfig`, whose members go before those that are made.
  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
  // CountTokens, which not every model has.
  std::optional<AiCounting> counting(const AiRequest& request, const AiAccess& access) const override;

 private:
  AiHttpRequest post(const std::string& path, const std::vector<char>& body, const AiAccess& access) const;
  void sign(AiHttpRequest& http, const AiAccess& access, const std::string& path) const;

  const std::string region_;
};

}  // namespace colloquium::components
