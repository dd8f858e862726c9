// GatewaySource: applications ask models through this process as they would ask the provider, in its own API, and
// so within the pipeline's budgets, caches, failover, records and audit. Each request that has ended is an event
// as well, but for those that only count tokens.
//
// An answer goes out as it comes; its end only once it is durable. A client that goes away, or falls behind its
// answer by more than kUnsentBytesMax, takes its question with it: that is seen within kLookMs.
//
// Ownership: the server, the intake and the calls outlive the source. Memory: that of the requests under way, of
// which there are `max_requests` at most, with bodies of kBodyBytesMax together, each of which is held some times:
// as it came, read, as a question and as the request that is sent. And what is known of models: of those that
// clients can name beside those that are set, kOwnNamesMax that have answered, and kTriedNamesMax for each key and
// day that have not. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/liveness.h"
#include "components/gateway/gateway_api.h"
#include "components/gateway/gateway_metrics.h"
#include "net/exchange.h"

namespace colloquium::net {
class HttpServer;
}

namespace colloquium::components {

class GatewaySource final : public Source {
 public:
  static constexpr size_t kUnsentBytesMax = 4 << 20;
  static constexpr int64_t kLookMs = 200;
  // Of the bodies of requests under way, as they came. The first is always let in.
  static constexpr size_t kBodyBytesMax = 64 << 20;
  // Of "provider/model" that clients ask for and `models` does not have. Each has counters, a breaker and a gate
  // as long as the pipeline runs, so they are bounded; and whoever makes names up, which no model answers to, uses
  // up what is there for the same key and day alone.
  static constexpr size_t kOwnNamesMax = 256;
  static constexpr size_t kTriedNamesMax = 64;
  static constexpr int64_t kTriedMs = 86'400'000;
  static constexpr size_t kOwnNameBytesMax = 256;

  // kInvalidConfig for models that can't be asked.
  static Result<std::unique_ptr<Source>> create(SourceContext context, const GatewayConfig& config,
                                                std::shared_ptr<const GatewayApi> api, net::HttpServer& server);
  ~GatewaySource() override;  // REQUIRES: close() has been called, or start() never was

  Status start(std::string cursor) override;
  void stop_intake() override;
  void when_offered(Task offered) override;
  void close(Task closed) override;

 private:
  using Number = uint64_t;
  // A request under way.
  struct Exchange {
    ApiEndpoint endpoint = ApiEndpoint::kChat;
    ApiRequest asked;
    std::string id;
    std::string tenant;
    std::string body;  // with `bodies`
    size_t body_bytes = 0;
    int64_t begun_ns = 0;
    std::unique_ptr<AnswerWriter> writer;
    std::optional<net::Responder> responder;  // until the answer begins
    std::optional<net::AnswerStream> stream;  // from then on
    std::optional<AiCalls::Number> call;
  };
  // Who waits for a count.
  struct Counting {
    net::Responder responder;
    size_t body_bytes;
    std::string model;  // as the client calls it
    std::string tenant;
    std::optional<AiCalls::Number> call = {};
  };

  GatewaySource(SourceContext context, const GatewayConfig& config, std::shared_ptr<const GatewayApi> api,
                net::HttpServer& server);

  AiQuestion sample(std::vector<AiModelChoice> models) const;
  Status check_models() const;
  net::Route route_of(const ApiPath& path);
  net::Admission admit(const GatewayApi& api, ApiEndpoint endpoint, const net::RequestHead& head);
  void stop_serving();
  void send_models(const GatewayApi& api, net::Responder& responder);
  void wait_for_door();
  void resume_routes();
  void handle(ApiEndpoint endpoint, const net::Request& request, net::Responder responder);
  // Whose key it is, or nothing.
  std::optional<std::string> tenant_of(const net::RequestHead& head) const;
  std::vector<AiModelChoice> choices_of(const std::string& model) const;
  std::optional<ApiFailure> refusal_of(const AiQuestion& question, const std::string& model);
  std::optional<ApiFailure> no_room_for(const std::string& model, const std::string& tenant);
  void has_answered(const std::string& model, const std::string& tenant);
  std::optional<ApiFailure> too_much(size_t body_bytes) const;
  void begun(size_t body_bytes);
  void ended(size_t body_bytes);
  void ask(ApiEndpoint endpoint, ApiRequest asked, std::string tenant, const net::Request& request,
           net::Responder responder);

  AiQuestion question_of(const ApiRequest& asked, const std::string& tenant) const;
  void count(const ApiRequest& asked, const std::string& tenant, size_t body_bytes, net::Responder responder);
  void counted(Number number, const AiCount& count);

  void heard(Number number, const AiOutput& output);
  void answered(Number number, AiOutcome outcome);
  void succeed(Exchange& exchange, const AiAnswer& answer);
  void fail_with(Exchange& exchange, const ApiFailure& failure);
  void refuse(const GatewayApi& api, ApiEndpoint endpoint, net::Responder& responder, ApiFailure failure) const;
  void send_failure(const GatewayApi& api, net::Responder& responder, const ApiFailure& failure) const;
  net::AnswerStream& begin(Exchange& exchange);

  void look_later();
  void look();
  void emit(const Exchange& exchange, int status, const AiAnswer* answer);
  void tell_when_done();

  SourceContext context_;
  const GatewayConfig config_;
  const std::shared_ptr<const GatewayApi> api_;
  net::HttpServer& server_;
  AiCalls& calls_;
  const std::vector<ApiPath> paths_;
  struct KnownKey {
    std::string name;
    std::string digest;
  };
  std::vector<KnownKey> keys_;

  std::vector<std::string> serving_;  // paths
  const std::shared_ptr<GatewayCounters> counters_ = std::make_shared<GatewayCounters>();
  std::vector<metrics::Registration> registrations_;
  bool stopped_ = false;
  bool waits_for_door_ = false;
  std::map<Number, Exchange> exchanges_;
  std::map<Number, Counting> counting_;
  size_t body_bytes_ = 0;            // of both
  std::set<std::string> own_names_;  // that clients asked for, `models` does not have, and some model answered to
  // By key: those that none has answered to yet, and when they were asked for first.
  std::map<std::string, std::map<std::string, int64_t>> tried_names_;
  Number next_ = 1;
  int64_t position_ = 0;  // bytes of all events so far
  std::unique_ptr<Timer> look_timer_;
  Task offered_;
  Liveness alive_;
};

const Descriptor& openai_api();
const Descriptor& anthropic_api();

}  // namespace colloquium::components
