#include "components/azure/azure_openai.h"

#include <algorithm>

#include "ai/json_text.h"
#include "ai/openai_format/openai_decoder.h"

namespace colloquium::components {

bool is_deployment_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

const std::string& AzureOpenAi::deployment_of(const std::string& model) const {
  const auto found = dialect_.deployments.find(model);
  return found == dialect_.deployments.end() ? model : found->second;
}

Status AzureOpenAi::check(const AiRequest& request) const {
  TRY(ai::check_openai(request));
  if (is_deployment_name(deployment_of(request.model))) return {};
  return fail(ErrorCode::kInvalidConfig,
              "'" + request.model + "' is no name of a deployment: say in deployments which one serves it");
}

AiHttpRequest AzureOpenAi::encode(const AiRequest& request, const AiAccess& access) const {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty() && dialect_.bearer) headers.emplace_back("Authorization", "Bearer " + access.key);
  if (!access.key.empty() && !dialect_.bearer) headers.emplace_back("api-key", access.key);
  const char* const verb = request.task == AiTask::kChat ? "/chat/completions" : "/embeddings";
  return ai::json_request(access.base_url + "/openai/deployments/" + deployment_of(request.model) + verb +
                              "?api-version=" + dialect_.api_version,
                          ai::openai_body(request, dialect_.format), std::move(headers), access);
}

std::unique_ptr<AiDecoder> AzureOpenAi::decoder(const AiRequest& request) const {
  return std::make_unique<ai::OpenAiDecoder>(request.task);
}

}  // namespace colloquium::components
