// HttpSource: events posted to a path of the ingest server.
//
// A request is one RawBatch; its answer is the door's acknowledgement. While the door is full, connections
// with a further request for this path are not read; a body that had begun before goes to the door all the same,
// which holds it until there is room, or refuses it if the log or its own memory is full.
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

#include "formats/format.h"
#include "net/exchange.h"

namespace colloquium::net {
class HttpServer;
}

namespace colloquium::components {

struct HttpSourceConfig {
  std::string path;
  bool split = false;
  ByteSize max_body{32 << 20};
  ByteSize max_event{1 << 20};
  std::vector<std::string> headers;
  std::optional<formats::SourceFormatSetting> format;  // none: the content type says
};

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
  net::Admission admit(const net::RequestHead& head);
  void handle(const net::Request& request, net::Responder responder);
  void wait_for_door();

  SourceContext context_;
  const HttpSourceConfig config_;
  net::HttpServer& server_;
  int64_t position_ = 0;  // bytes of all bodies so far
  bool serving_ = false;
  bool stopped_ = false;
  bool waits_for_door_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // the door may call back after we are gone
};

const Descriptor& http_source();

}  // namespace colloquium::components
