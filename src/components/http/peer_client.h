// PeerClient: an HttpClient that logs in as the settings say: a fixed header, or a token of OAuth 2.0.
//
// With a token, an answer 401 is followed by one more try with a new one; the second answer counts, whatever it
// is.
//
// Ownership and thread safety: as HttpClient.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "colloquium/clock.h"

#include "components/http/access_token.h"
#include "components/http/client_settings.h"
#include "net/http_client.h"

namespace colloquium::components {

class PeerClient {
 public:
  PeerClient(loop::UvLoop& loop, const Clock& clock, const ClientSettings& settings, const std::string& base_dir,
             size_t connections);

  // As HttpClient's; connect_timeout_ms is set here. A token that can't be had is an Error of the request.
  uint64_t send(net::ClientRequest request, net::ClientDone done);
  // With a body taken as it comes. An answer 401 that is followed by another try is not handed over.
  uint64_t send_streaming(net::ClientRequest request, net::ClientStream stream);
  void pause(uint64_t id);
  void resume(uint64_t id);
  void cancel(uint64_t id);

  // Whether answers may be about our credentials.
  bool logs_in() const { return token_ != nullptr || !authorization_.empty(); }

 private:
  struct Call {
    net::ClientRequest request;  // without Authorization
    net::ClientDone done;
    std::shared_ptr<net::ClientStream> stream;  // null: the answer comes whole
    uint64_t sent = 0;                          // the client's number; 0: waits for a token
    bool again = false;
  };
  uint64_t add(Call call);
  void begin(uint64_t id);
  void stream(uint64_t id, net::ClientRequest request, const std::string& authorization);
  void go(uint64_t id, Result<std::string> authorization);
  void answered(uint64_t id, const std::string& authorization, Result<net::ClientResponse> answer);
  void end(uint64_t id, Result<net::ClientResponse> answer);

  loop::UvLoop& loop_;
  const int64_t connect_timeout_ms_;
  const std::string authorization_;
  net::HttpClient client_;
  std::unique_ptr<AccessToken> token_;  // null: none is needed
  std::unordered_map<uint64_t, Call> calls_;
  uint64_t last_id_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace colloquium::components
