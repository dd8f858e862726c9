// HttpSink: one request per event.
//
// Within one write the next event is sent when the one before has ended, so the receiver sees them in order;
// once one has to be tried again, those behind it are not sent. `order: none` sends up to `concurrency` at
// once. Writes of different partitions run beside each other.
//
// Ownership: the loop (a service of the process) outlives the sink. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "net/http_client.h"

namespace colloquium::components {

enum class HttpSinkMethod { kPost, kPut, kPatch };
enum class HttpSinkOrder { kPartition, kNone };

struct HttpSinkConfig {
  std::string url;
  HttpSinkMethod method = HttpSinkMethod::kPost;
  std::map<std::string, std::string> headers;
  Duration timeout{30'000};
  Duration connect_timeout{10'000};
  HttpSinkOrder order = HttpSinkOrder::kPartition;
  int concurrency = 16;
  std::string proxy;
};

class HttpSink final : public Sink {
 public:
  HttpSink(ComponentContext context, const HttpSinkConfig& config, loop::UvLoop& loop);
  ~HttpSink() override;  // REQUIRES: every write has ended

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override;
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  void close(Task closed) override;

 private:
  // One write under way; its requests' callbacks share it.
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
    std::vector<EventOutcome> outcomes;
    size_t next = 0;  // first event not looked at yet
    size_t under_way = 0;
    bool held_back = false;  // an event has to be tried again: none behind it is sent
  };
  using JobPtr = std::shared_ptr<Job>;

  void pump(const JobPtr& job);
  void send(const JobPtr& job, size_t event);
  void ended(const JobPtr& job, size_t event, Result<net::ClientResponse> answer);
  void finish(const JobPtr& job);
  net::ClientRequest request_for(const Batch& batch, size_t event) const;

  ComponentContext context_;
  const HttpSinkConfig config_;
  const std::string method_;
  const std::string target_;  // the URL as messages show it
  net::HttpClient client_;
  std::unordered_set<uint64_t> requests_;  // under way
  size_t jobs_ = 0;
  bool closing_ = false;
  Task closed_;
};

const Descriptor& http_sink();

}  // namespace colloquium::components
