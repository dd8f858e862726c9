// AzureOpenAi: OpenAI's chat completions and embeddings as Azure serves them: of a deployment, which the path
// names and not the body, in a version that the query names.
//
// Source: Azure/azure-rest-api-specs, AzureOpenAI/inference. The format is ai/openai_format's, with what Azure
// puts into it: a first chunk without a choice, filters' verdicts beside the choices, "retry after 6 seconds" in
// words.
//
// Thread safety: immutable, any thread.
#pragma once

#include <map>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/openai_format/openai_request.h"

namespace colloquium::components {

struct AzureDialect {
  std::string api_version = "2024-10-21";
  std::map<std::string, std::string> deployments;  // by model; one that is not here has its model's name
  bool bearer = false;                             // Authorization with a token of Entra's instead of `api-key`
  ai::OpenAiDialect format;
};

class AzureOpenAi final : public AiProvider {
 public:
  explicit AzureOpenAi(AzureDialect dialect) : dialect_(std::move(dialect)) {}

  Status check(const AiRequest& request) const override;
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;

 private:
  const std::string& deployment_of(const std::string& model) const;

  const AzureDialect dialect_;
};

// What may stand in a path as it is: letters, digits, '-', '.' and '_'.
bool is_deployment_name(std::string_view name);

}  // namespace colloquium::components
