// AccessToken: a token of OAuth 2.0 client credentials (RFC 6749, 4.4), got when it is first wanted and kept until
// shortly before it runs out.
//
// However many wait, one request for a token is under way. Failures are not kept: whoever asks next asks the
// server. They are retryable whatever the server said, as no event is to blame for credentials.
//
// Ownership: loop, clock and client outlive it. Destroying it drops those who wait. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "components/http/client_settings.h"
#include "net/http_client.h"

namespace colloquium::components {

class AccessToken {
 public:
  AccessToken(const Clock& clock, net::HttpClient& client, OAuth2Settings settings, int64_t connect_timeout_ms);

  // The value of Authorization: in this turn if there is a token, else later.
  using Then = UniqueFunction<void(Result<std::string>)>;
  void get(Then then);

  // A peer did not take this value: the next get() fetches another token, unless that has happened already.
  void refused(std::string_view authorization);

 private:
  net::ClientRequest request() const;
  void answered(Result<net::ClientResponse> answer);
  Status take(const Result<net::ClientResponse>& answer);

  const Clock& clock_;
  net::HttpClient& client_;
  const OAuth2Settings settings_;
  const int64_t connect_timeout_ms_;
  std::string authorization_;  // empty: none
  int64_t good_until_ns_ = 0;
  std::vector<Then> waiting_;  // not empty while a request is under way
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace colloquium::components
