// HttpClient: HTTP requests to other servers, on the libuv loop.
//
// libcurl's multi interface does the protocol; the loop tells it about sockets and time. Connections are kept
// and used again, at most so many per host; further requests wait in libcurl's queue, their timeout running.
// Redirects are answers like any other: following one could send events somewhere nobody named. The
// environment's proxy variables are not read; a proxy is named in the options. TLS is 1.2 or newer; certificates
// are checked unless the options say otherwise.
//
// Errors: no answer at all is an Error: retryable unless the request itself is at fault (a bad URL, an answer
// beyond the limit). An answer is a ClientResponse, whatever its status. Messages name the URL without user,
// password and query, and never the proxy's password.
//
// A body may also be taken as it comes (send_streaming): as fast as it is taken, for the client keeps at most some
// 64 KiB of it, then stops reading, and the server has to wait.
//
// Ownership: the loop and the clock outlive the client. Destroying it drops what is under way without calling
// anyone; the loop has to run one more turn. Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium::loop {
class UvLoop;
}

namespace colloquium::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const std::string> body;  // null: none
  int64_t connect_timeout_ms = 10'000;
  int64_t timeout_ms = 30'000;  // from send() to the answer's last byte
  size_t response_bytes_max = 1 << 20;
  bool truncate_response = false;  // a longer answer is cut there and is no error
  bool decompress = false;         // offers what libcurl can decompress; response_bytes_max is of what that gives
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool truncated = false;
  std::optional<int64_t> retry_after_ms;  // Retry-After, from now

  // The first value of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
};

using ClientDone = UniqueFunction<void(Result<ClientResponse>)>;

// Files are PEM, and read when a connection is made. Empty: the system's certificates; none of our own.
struct ClientTls {
  std::string ca;
  std::string certificate;
  std::string key;
  std::string key_password;
  bool verify = true;  // the peer's certificate and name
};

// Who takes an answer as it comes. Each call is in a turn of the loop, and may cancel, send or destroy the client.
struct ClientStream {
  UniqueFunction<void(const ClientResponse&)> begun;  // once: status and headers are there, the body is empty
  UniqueFunction<void(std::string_view)> bytes;       // of the body, in order
  // Once, after the last byte: the head again, or why it broke off. Also without the others, if nothing came.
  ClientDone done;
  // Becomes true as the request begins to go out: until then the peer cannot have got any of it. May be null.
  std::shared_ptr<bool> sent = {};
  // From the head on: so long a silence ends it with kTimeout; 0: none. Until then `timeout_ms` bounds it.
  int64_t silence_ms = 0;
};

struct ClientOptions {
  size_t connections_per_host = 16;
  size_t connections = 256;
  std::string proxy;  // URL, which may hold user and password; empty: none
  ClientTls tls;
};

class HttpClient {
 public:
  HttpClient(loop::UvLoop& loop, const Clock& clock, ClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `done` runs exactly once, in a later turn. The number is for cancel().
  uint64_t send(ClientRequest request, ClientDone done);

  // The same, for a body taken as it comes: `response_bytes_max` and `truncate_response` mean nothing.
  uint64_t send_streaming(ClientRequest request, ClientStream stream);

  // Nothing more is handed over, until resume(). Nothing if it is no stream, or has ended.
  void pause(uint64_t id);
  void resume(uint64_t id);

  // Ends a request early: its `done` runs with kCancelled, in a later turn. Nothing if it has ended.
  void cancel(uint64_t id);

  size_t under_way() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // weakly known to posted tasks
};

// The URL as it may be shown: without user, password, query and fragment.
std::string shown_url(std::string_view url);

}  // namespace colloquium::net
