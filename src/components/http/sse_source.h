// SseSource: the events of another server's text/event-stream.
//
// The stream is read as it comes. One batch of events is at the door at a time; what comes meanwhile waits, and
// beyond a bound the stream is not read, so the server waits, unless `overflow` says to drop. Whatever ends a
// connection, another one is made, with the id of the last event that came whole, so that the server goes on
// behind it.
//
//   connect ─▶ stream ─▶ parse ─▶ queue ─▶ door
//      ▲ wait (`retry:`, later each time) ◀─ ended, failed, silent
//
// Thread safety: as Source's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "base/liveness.h"
#include "components/http/client_settings.h"
#include "components/http/peer_client.h"
#include "config/overflow.h"
#include "formats/format.h"
#include "metrics/registry.h"
#include "net/event_stream.h"

namespace colloquium::components {

enum class SseValue { kData, kMessage };

struct SseReconnect {
  Duration initial{1000};
  Duration max{30'000};
};

struct SseConfig : ClientSettings {
  std::string url;
  std::map<std::string, std::string> headers;
  std::optional<formats::SourceFormatSetting> format;
  SseValue value = SseValue::kData;
  std::string last_event_id;
  SseReconnect reconnect;
  Duration silence{300'000};
  ByteSize max_event{1 << 20};
  config::OverflowSettings overflow;
  Duration timeout{30'000};
  ConfigMark mark;  // of the component
};

const Descriptor& sse_source();

// Where the source stands, as its cursor says it.
struct SseCursor {
  int64_t position = 0;  // number of the next event
  std::string id;        // of the last one; empty: none was given
};
std::string to_text(const SseCursor& cursor);
Result<SseCursor> sse_cursor_of(const std::string& text);

class SseSource final : public Source {
 public:
  SseSource(SourceContext context, const SseConfig& config, loop::UvLoop& loop);

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  void connect();
  net::ClientRequest request() const;
  void begun(const net::ClientResponse& head);
  void ended(Result<net::ClientResponse> end);
  void connect_later(int64_t retry_after_ms);
  void push(const net::StreamedEvent& event);
  std::string message_of(const net::StreamedEvent& event) const;
  // Does whatever can be done now: emit, read on or rest.
  void pump();

  SourceContext context_;
  const SseConfig config_;
  const std::string target_;  // the URL as messages show it
  PeerClient client_;
  std::optional<net::EventStreamParser> parser_;
  std::shared_ptr<const RecordDecoder> decoder_;  // null: the data is JSON
  int64_t position_ = 0;                          // of the next event
  DoorQueue queue_;
  metrics::Registration drops_;
  uint64_t stream_ = 0;  // 0: none
  std::string refusal_;  // why the stream is being cancelled, if its head was not what it should be
  int64_t retry_after_ms_ = 0;
  int64_t failures_ = 0;  // in a row
  bool resting_ = false;  // the stream is not read
  bool told_ = false;     // that there is no stream
  bool stopped_ = false;
  std::unique_ptr<Timer> connect_timer_;
  Liveness alive_;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::SseValue> {
  static constexpr std::pair<std::string_view, components::SseValue> values[] = {
      {"data", components::SseValue::kData}, {"message", components::SseValue::kMessage}};
};

template <>
struct ConfigObject<components::SseReconnect> {
  static ConfigSpec<components::SseReconnect> spec();
};

}  // namespace colloquium
