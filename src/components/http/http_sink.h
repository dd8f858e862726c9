// HttpSink: one request per event, or per batch of events.
//
// Within one write the next request is sent when the one before has ended, so the receiver sees them in order;
// once one has to be tried again, those behind it are not sent. `order: none` sends up to `concurrency` at
// once. Writes of different partitions run beside each other. A request that the receiver finds too large is sent
// as two. Large bodies are compressed on the offload pool.
//
// Ownership: the loop (a service of the process) outlives the sink. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "components/http/answer_rules.h"
#include "components/http/http_sink_config.h"
#include "components/http/peer_client.h"
#include "components/http/sink_requests.h"
#include "io/compress.h"

namespace colloquium::components {

class HttpSink final : public Sink {
 public:
  static Result<std::unique_ptr<Sink>> create(ComponentContext context, const HttpSinkConfig& config,
                                              loop::UvLoop& loop);
  ~HttpSink() override;  // REQUIRES: every write has ended

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override;
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  // A batch's Idempotency-Key hangs on its events; and without batches a large write would be a long one, with
  // nothing to commit until its last request is answered.
  JoinLimits joins() const override {
    return config_.batch && config_.batch->join ? JoinLimits() : JoinLimits::none();
  }
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  void close(Task closed) override;

 private:
  using Events = std::vector<uint32_t>;  // of a job's batch, by index
  // One write under way; its requests' callbacks share it.
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
    std::vector<EventOutcome> outcomes;
    std::deque<Events> parts;  // of requests that were split; they go first
    size_t next = 0;           // first event not looked at yet
    size_t most = 1;           // events in a request
    size_t under_way = 0;
    bool held_back = false;  // an event has to be tried again: none behind it is sent
  };
  using JobPtr = std::shared_ptr<Job>;

  HttpSink(ComponentContext context, const HttpSinkConfig& config, loop::UvLoop& loop);
  void pump(const JobPtr& job);
  // False if nothing is left to send.
  bool send_next(const JobPtr& job);
  void hold_back(Job& job);
  void compress_and_send(const JobPtr& job, Events events, net::ClientRequest request);
  void send(const JobPtr& job, Events events, net::ClientRequest request);
  void ended(const JobPtr& job, const Events& events, const std::string& url,
             const Result<net::ClientResponse>& answer);
  static void split(Job& job, const Events& events);
  void finish(const JobPtr& job);

  ComponentContext context_;
  const HttpSinkConfig config_;
  const std::string method_;
  PeerClient client_;
  const AnswerRules rules_;
  std::unique_ptr<SinkRequests> requests_;  // refers to config_
  io::Compressor compressor_;
  std::unordered_set<uint64_t> under_way_;  // requests, by the client's number
  size_t jobs_ = 0;
  bool closing_ = false;
  Task closed_;
};

const Descriptor& http_sink();

}  // namespace colloquium::components
