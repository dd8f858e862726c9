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
#include "net/http_message.h"

namespace colloquium::components {

// kOther: whatever else is below the API's path, and is not offered.
enum class ApiEndpoint : uint8_t { kChat, kEmbed, kModels, kCount, kOther };
inline constexpr size_t kApiEndpoints = 5;

struct ApiPath {
  std::string path;  // as net::Route has it
  ApiEndpoint endpoint;
  bool shared = false;  // gateways may stand below one path: the first of them answers here
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
  kOrigin,      // 403: a page in a browser asks
  kModel,       // 404
  kPath,        // 404: nothing is offered there
  kMethod,      // 405
  kTooLarge,    // 413
  kTooMuch,     // 429: later
  kBudget,      // 429: not soon
  kProvider,    // 502: the provider refuses us
  kUnavailable  // 503
};
struct ApiFailure {
  ApiProblem problem = ApiProblem::kUnavailable;
  std::string message;
  std::optional<int64_t> retry_after_ms;
  int exact_status = 0;         // where it is none of those above
  std::string request_id = {};  // ours, for whoever reports it
  int status() const;
};
ApiFailure failure_of(const AiRefusal& refusal);
// What the server refused before the source saw it.
ApiFailure failure_of(const net::Problem& problem);

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
  // kInvalidInput with a sentence for the client. REQUIRES: kChat or kEmbed.
  virtual Result<ApiRequest> parse(ApiEndpoint endpoint, std::string_view body,
                                   const GatewayConfig& config) const = 0;
  virtual std::unique_ptr<AnswerWriter> writer(const ApiRequest& request, ApiAnswerHead head) const = 0;
  virtual std::string failure(const ApiFailure& failure) const = 0;
  // Of an API with kCount: what its answer says.
  virtual std::string count(int64_t tokens) const = 0;
  virtual std::string models(const std::vector<std::string>& names, int64_t wall_ms) const = 0;
  // A sentence for who asks for what is not offered, with what is instead.
  virtual std::string unserved(std::string_view method, std::string_view path) const = 0;
  // The header in which clients look for the request's id.
  virtual const char* id_header() const = 0;
};

std::shared_ptr<const GatewayApi> openai_gateway_api();
std::shared_ptr<const GatewayApi> anthropic_gateway_api();

}  // namespace colloquium::components
