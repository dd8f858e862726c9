// HttpSource: events posted to one or more paths of the ingest server, or sent there over WebSocket.
//
// A request, or a message, is one RawBatch; its answer is the door's acknowledgement. While the door is full,
// connections with a further request for these paths are not read; a body that had begun before goes to the door
// all the same, which holds it until there is room, or refuses it if the log or its own memory is full.
//
// Ownership: the server (a service of the process) and the intake outlive the source. Acknowledgements may
// come after the source has gone: they own what they need. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/liveness.h"
#include "components/http/request_auth.h"
#include "formats/format.h"
#include "metrics/registry.h"
#include "net/exchange.h"

namespace colloquium::net {
class HttpServer;
}

namespace colloquium::components {

enum class HttpSourceMethod { kPost, kPut, kPatch };

struct HttpCorsConfig {
  std::vector<std::string> origins;
  std::vector<std::string> headers{"Content-Type", "Authorization"};
  Duration max_age{600'000};
};

struct HttpWebSocketConfig {
  bool acks = false;
  Duration idle_timeout{60'000};
  int max_connections = 1000;
};

struct HttpSourceConfig {
  std::string path;
  bool split = false;
  ByteSize max_body{32 << 20};
  ByteSize max_event{1 << 20};
  std::vector<std::string> headers;
  std::optional<formats::SourceFormatSetting> format;  // none: the content type says
  std::vector<std::string> paths;
  std::vector<HttpSourceMethod> methods{HttpSourceMethod::kPost, HttpSourceMethod::kPut};
  std::string path_header;
  std::string certificate_header;
  std::optional<HttpAuthConfig> auth;
  std::optional<HttpCorsConfig> cors;
  std::optional<HttpWebSocketConfig> websocket;
};

// Every path it serves, of `path` and `paths`.
std::vector<std::string> paths_of(const HttpSourceConfig& config);

class HttpSource final : public Source {
 public:
  HttpSource(SourceContext context, const HttpSourceConfig& config, net::HttpServer& server);
  ~HttpSource() override;  // REQUIRES: close() has been called, or start() never was

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  // How a body of this content type is cut; nothing: it is not taken.
  std::optional<BodyFormat> body_format(const net::RequestHead& head) const;
  net::Route route_of(const std::string& path);
  net::Admission admit(const net::RequestHead& head);
  void handle(const net::Request& request, net::Responder responder);
  void add_headers(const net::RequestHead& head, RawBatch& batch) const;
  void wait_for_door();
  void resume_routes();

  SourceContext context_;
  const HttpSourceConfig config_;
  net::HttpServer& server_;
  const std::vector<std::string> paths_;
  std::unique_ptr<const RequestAuth> auth_;  // null: anyone may post
  // Null: no WebSocket.
  std::shared_ptr<const net::WebSocketRules> websocket_;
  std::vector<metrics::Registration> registrations_;
  int64_t position_ = 0;  // bytes of all bodies so far
  size_t serving_ = 0;    // so many of the paths, from the first on
  bool stopped_ = false;
  bool waits_for_door_ = false;
  Liveness alive_;
};

const Descriptor& http_source();

}  // namespace colloquium::components
