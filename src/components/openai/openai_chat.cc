#include "components/openai/openai_chat.h"

#include "ai/json_text.h"
#include "ai/openai_format/openai_decoder.h"

namespace colloquium::components {

AiHttpRequest openai_http(const AiAccess& access, const char* path, const std::vector<char>& body) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  return ai::json_request(access.base_url + path, body, std::move(headers), access);
}

Status OpenAiChat::check(const AiRequest& request) const {
  return ai::check_openai(request);
}

AiHttpRequest OpenAiChat::encode(const AiRequest& request, const AiAccess& access) const {
  const char* const path = request.task == AiTask::kChat ? "/chat/completions" : "/embeddings";
  return openai_http(access, path, ai::openai_body(request, dialect_));
}

std::unique_ptr<AiDecoder> OpenAiChat::decoder(const AiRequest& request) const {
  return std::make_unique<ai::OpenAiDecoder>(request.task);
}

}  // namespace colloquium::components
