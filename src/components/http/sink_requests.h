// SinkRequests: which events of a write go into one request, and what that request is.
//
// Without a batch that is one event. With one, as many as its bounds allow, as long as all of them have the same
// URL and headers. What can't be sent is given its outcome here.
//
// The Idempotency-Key of a single event is its id. That of several is made of all their ids, so the same key
// always means the same events, and the same events in the same order have the same key.
//
// Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"
#include "colloquium/sink.h"

#include "components/http/http_sink_config.h"
#include "components/http/url_template.h"
#include "formats/format.h"
#include "formats/text_template.h"
#include "io/digest.h"
#include "net/http_client.h"

namespace colloquium::components {

class SinkRequests {
 public:
  static Result<std::unique_ptr<SinkRequests>> create(const HttpSinkConfig& config,
                                                      const formats::EventText::Variables& variables);

  // The next request, beginning at `next`, which moves on: `events` are the indexes of those in it, at most
  // `most`. Nothing: none is left to send.
  std::optional<net::ClientRequest> cut(const Batch& batch, size_t& next, size_t most,
                                        std::vector<uint32_t>& events, std::vector<EventOutcome>& outcomes);

  // The request of a part of what cut() gave.
  net::ClientRequest part(const Batch& batch, const std::vector<uint32_t>& events);

 private:
  struct NamedHeader {
    std::string name;
    std::unique_ptr<formats::TextTemplate::Renderer> value;
  };
  // Where an event goes: its URL and the values of its headers.
  struct Target {
    std::string url;
    std::vector<std::string> values;
    friend bool operator==(const Target&, const Target&) = default;
  };

  explicit SinkRequests(const HttpSinkConfig& config);
  Status find_target(const Batch& batch, size_t event, Target& target);
  // Appends the event to body_. Nothing, or why it can't be written.
  std::optional<Error> add(const Batch& batch, size_t event, bool first);
  void begin_body();
  // Of the body begun and the target found.
  net::ClientRequest finish(const Batch& batch, const std::vector<uint32_t>& events);
  std::string key_of(const Batch& batch, const std::vector<uint32_t>& events);

  const HttpSinkConfig& config_;
  const std::string method_;
  const bool is_array_;  // a batch of JSON
  const size_t most_bytes_;
  std::unique_ptr<UrlTemplate::Renderer> url_;
  std::vector<NamedHeader> headers_;
  bool is_constant_ = true;                    // one target for all
  bool typed_ = false;                         // the settings give a Content-Type
  std::unique_ptr<formats::Encoder> encoder_;  // null: JSON, or lines of it
  io::Digester digester_;
  Target target_;
  Target other_;
  std::string body_;
};

}  // namespace colloquium::components
