// What OpenAI's API is to a gateway.
#include "ai/json_text.h"
#include "components/gateway/openai_answers.h"
#include "components/gateway/openai_requests.h"

namespace colloquium::components {
namespace {

constexpr int64_t kMsPerSecond = 1000;

class OpenAiGateway final : public GatewayApi {
 public:
  std::string name() const override { return "openai"; }

  std::vector<ApiPath> paths(const std::string& base) const override {
    std::vector<ApiPath> paths = {{base + "/chat/completions", ApiEndpoint::kChat},
                                  {base + "/embeddings", ApiEndpoint::kEmbed},
                                  {base + "/models", ApiEndpoint::kModels, true}};
    // Of everything that is asked of the port it is not for this API to speak.
    if (!base.empty()) paths.push_back({base + "/*", ApiEndpoint::kOther, true});
    return paths;
  }
  Result<ApiRequest> parse(ApiEndpoint endpoint, std::string_view body,
                           const GatewayConfig& config) const override {
    return endpoint == ApiEndpoint::kEmbed ? parse_embeddings(body, config.pass_on)
                                           : parse_chat_completion(body, config.pass_on);
  }
  std::unique_ptr<AnswerWriter> writer(const ApiRequest& request, ApiAnswerHead head) const override {
    return std::make_unique<OpenAiAnswerWriter>(request, head);
  }
  std::string failure(const ApiFailure& failure) const override { return openai_failure_json(failure); }

  // It has no such path.
  std::string count(int64_t) const override { return "{}"; }
  std::string models(const std::vector<std::string>& names, int64_t wall_ms) const override {
    std::vector<char> bytes;
    json::Writer out(bytes, nullptr);
    out.begin_object();
    ai::write_member(out, "object", "list");
    out.key("data");
    out.begin_array();
    for (const std::string& model : names) {
      out.begin_object();
      ai::write_member(out, "id", model);
      ai::write_member(out, "object", "model");
      out.key("created");
      out.integer(wall_ms / kMsPerSecond);
      ai::write_member(out, "owned_by", "colloquium");
      out.end_object();
    }
    out.end_array();
    out.end_object();
    return {bytes.data(), bytes.size()};
  }

  std::string unserved(std::string_view method, std::string_view path) const override {
    std::string said = std::string(method) + " " + std::string(path) + " is not offered here";
    if (path.ends_with("/responses")) return said + ": ask /chat/completions instead of the Responses API";
    return said + "; /chat/completions, /embeddings and /models are";
  }
  const char* id_header() const override { return "x-request-id"; }
};

}  // namespace

std::shared_ptr<const GatewayApi> openai_gateway_api() {
  return std::make_shared<OpenAiGateway>();
}

}  // namespace colloquium::components
