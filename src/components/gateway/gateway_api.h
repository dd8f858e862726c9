// GatewayApi: how a provider's own API is spoken to an application: what its requests mean, and how it is
// answered. Who may ask, of whom, and what becomes of it is GatewaySource's.
//
// Thread safety: an API is immutable; an AnswerWriter belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_calls.h"

#include "components/gateway/gateway_config.h"

namespace colloquium::components {

enum class ApiEndpoint : uint8_t { kChat, kEmbed, kModels };

struct ApiPath {
  std::string path;
  ApiEndpoint endpoint;
};

// What a client asks for.
struct ApiRequest {
  std::string model;  // as it calls it
  AiRequest request;  // without a model
  bool stream = false;
  bool stream_usage = false;  // its stream ends with what it took
  bool base64 = false;        // embeddings, as bytes
};

// Why there is no answer, in words that every API has some for.
enum class ApiProblem : uint8_t {
  kRequest,     // 400
  kKey,         // 401
  kModel,       // 404
  kTooMuch,     // 429: later
  kBudget,      // 429: not soon
  kProvider,    // 502: the provider refuses us
  kUnavailable  // 503
};
struct ApiFailure {
  ApiProblem problem = ApiProblem::kUnavailable;
  std::string message;
  std::optional<int64_t> retry_after_ms;
  int status() const;
};
ApiFailure failure_of(const AiRefusal& refusal);

// Of one request.
struct ApiAnswerHead {
  std::string id;  // ours, without a prefix
  int64_t wall_ms = 0;
};

class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  // Of an answer that is sent in pieces: events of a text/event-stream, appended to `out`. Nothing is said before
  // the first output, or finish().
  virtual void output(const AiOutput& output, std::string& out) = 0;
  virtual void finish(const AiAnswer& answer, std::string& out) = 0;
  virtual void fail(const ApiFailure& failure, std::string& out) = 0;

  // Of one that is sent in whole.
  virtual std::string whole(const AiAnswer& answer) = 0;
};

class GatewayApi {
 public:
  virtual ~GatewayApi() = default;

  virtual std::string name() const = 0;
  virtual std::vector<ApiPath> paths(const std::string& base) const = 0;
  // kInvalidInput with a sentence for the client. REQUIRES: not kModels.
  virtual Result<ApiRequest> parse(ApiEndpoint endpoint, std::string_view body,
                                   const GatewayConfig& config) const = 0;
  virtual std::unique_ptr<AnswerWriter> writer(const ApiRequest& request, ApiAnswerHead head) const = 0;
  virtual std::string failure(const ApiFailure& failure) const = 0;
  virtual std::string models(const std::vector<std::string>& names, int64_t wall_ms) const = 0;
};

std::unique_ptr<const GatewayApi> openai_gateway_api();
std::unique_ptr<const GatewayApi> anthropic_gateway_api();

}  // namespace colloquium::components
