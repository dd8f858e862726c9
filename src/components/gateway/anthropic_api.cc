// What Anthropic's API is to a gateway.
#include <string>

#include "components/gateway/anthropic_answers.h"
#include "components/gateway/anthropic_requests.h"

namespace colloquium::components {
namespace {

class AnthropicGateway final : public GatewayApi {
 public:
  std::string name() const override { return "anthropic"; }

  std::vector<ApiPath> paths(const std::string& base) const override {
    return {{base + "/v1/messages", ApiEndpoint::kChat},
            {base + "/v1/messages/count_tokens", ApiEndpoint::kCount},
            {base + "/v1/models", ApiEndpoint::kModels, true},
            {base + "/v1/*", ApiEndpoint::kOther, true}};
  }
  Result<ApiRequest> parse(ApiEndpoint endpoint, std::string_view body,
                           const GatewayConfig& config) const override {
    return parse_messages(body, config.pass_on, endpoint == ApiEndpoint::kChat);
  }
  std::unique_ptr<AnswerWriter> writer(const ApiRequest& request, ApiAnswerHead head) const override {
    return std::make_unique<AnthropicAnswerWriter>(request, head);
  }
  std::string failure(const ApiFailure& failure) const override { return anthropic_failure_json(failure); }
  std::string models(const std::vector<std::string>& names, int64_t wall_ms) const override {
    return anthropic_models_json(names, wall_ms);
  }
  std::string unserved(std::string_view method, std::string_view path) const override {
    return std::string(method) + " " + std::string(path) +
           " is not offered here; /v1/messages, /v1/messages/count_tokens and /v1/models are";
  }
  const char* id_header() const override { return "request-id"; }
  std::string count(int64_t tokens) const override { return "{\"input_tokens\":" + std::to_string(tokens) + "}"; }
};

}  // namespace

std::shared_ptr<const GatewayApi> anthropic_gateway_api() {
  return std::make_shared<AnthropicGateway>();
}

}  // namespace colloquium::components
