// HttpTransport: requests to providers over one HttpClient.
//
// Ownership: loop and clock outlive it. Thread safety: loop only.
#pragma once

#include <memory>
#include <set>

#include "ai/transport.h"
#include "net/http_client.h"

namespace colloquium::ai {

class HttpTransport final : public AiTransport {
 public:
  HttpTransport(loop::UvLoop& loop, const Clock& clock, net::ClientOptions options);

  Number send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) override;
  void cancel(Number number) override;
  size_t under_way() const { return wanted_->size(); }

 private:
  // Those whose callbacks still run; known to what the client holds.
  const std::shared_ptr<std::set<Number>> wanted_;
  net::HttpClient client_;
};

}  // namespace colloquium::ai
