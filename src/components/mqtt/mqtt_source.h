// MqttSource: subscribes to topics of a broker and takes what is published there.
//
// The broker keeps the session of a client_id: what comes while the source is away is sent when it is back. It is
// asked for the topics on the first connection of the process, and again when it has forgotten the session.
//
// Threads: see MqttInbox for how messages come in and MqttLink for the connection. State is the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/executor.h"
#include "colloquium/source.h"

#include "components/mqtt/mqtt_inbox.h"
#include "components/mqtt/mqtt_link.h"
#include "formats/format.h"

namespace colloquium::metrics {
class Registration;
}

namespace colloquium::components {

struct MqttTopic {
  std::string filter;
  std::optional<int> qos;
};

struct MqttSourceConfig : MqttConnection {
  std::vector<MqttTopic> topics;
  int qos = 1;
  std::optional<bool> clean_session;
  Duration session_expiry{7 * 86'400'000};
  std::optional<formats::SourceFormatSetting> format;  // none: JSON
  std::optional<Duration> ack_timeout;                 // none: ack_timeout_ms() chooses
  ByteSize max_event{1 << 20};
};

const Descriptor& mqtt_source();

// Whether the broker is to forget us when we are gone.
bool is_clean_session(const MqttSourceConfig& config);

// How long a message may wait to be accepted: shorter than keep_alive, since Paho sends no PINGREQ meanwhile.
int64_t ack_timeout_ms(const MqttSourceConfig& config);

class MqttSource final : public Source {
 public:
  MqttSource(SourceContext context, const MqttSourceConfig& config, Executor& executor);
  ~MqttSource() override;  // REQUIRES: closed

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  void register_metrics();
  MqttLink::Hooks hooks();

  SourceContext context_;
  const MqttSourceConfig config_;
  MqttInbox inbox_;
  MqttLink link_;
  bool stopping_ = false;
  std::vector<metrics::Registration> registrations_;
};

}  // namespace colloquium::components
