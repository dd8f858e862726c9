// What Anthropic's API is to a gateway.
#include "components/gateway/anthropic_answers.h"
#include "components/gateway/anthropic_requests.h"

namespace colloquium::components {
namespace {

class AnthropicGateway final : public GatewayApi {
 public:
  std::string name() const override { return "anthropic"; }

  std::vector<ApiPath> paths(const std::string& base) const override {
    return {{base + "/v1/messages", ApiEndpoint::kChat}};
  }
  Result<ApiRequest> parse(ApiEndpoint, std::string_view body, const GatewayConfig& config) const override {
    return parse_messages(body, config.pass_on);
  }
  std::unique_ptr<AnswerWriter> writer(const ApiRequest& request, ApiAnswerHead head) const override {
    return std::make_unique<AnthropicAnswerWriter>(request, head);
  }
  std::string failure(const ApiFailure& failure) const override { return anthropic_failure_json(failure); }
  // It has no list of them here.
  std::string models(const std::vector<std::string>&, int64_t) const override { return "{}"; }
};

}  // namespace

std::unique_ptr<const GatewayApi> anthropic_gateway_api() {
  return std::make_unique<AnthropicGateway>();
}

}  // namespace colloquium::components
