// MqttMessage: what is published, apart from how it travels; and what becomes of one as an event.
//
// Names of headers. What MQTT itself says of a message has the names mqtt_topic, mqtt_qos, mqtt_retained,
// mqtt_content_type, mqtt_response_topic and mqtt_correlation_data; user properties keep theirs. Ours stand behind
// the user's, so that of two with one name ours counts.
//
// Thread safety: values and pure functions. Source: MQTT 5.0, sections 2.2.2 and 3.3; MQTT 3.1.1, section 3.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/result.h"
#include "colloquium/source.h"

namespace colloquium::components {

using MqttHeaders = std::vector<std::pair<std::string, std::string>>;

struct MqttMessage {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retained = false;
  bool duplicate = false;
  // MQTT 5
  std::optional<std::string> content_type;
  std::optional<std::string> response_topic;
  std::optional<std::string> correlation_data;
  MqttHeaders user_properties;
};

// Key and headers of an event, and the payload as it is; an empty one is a tombstone.
RawMessage to_event(MqttMessage message);

// What of an event's headers goes along: the reverse of to_event. What is no UTF-8 stays behind, as MQTT cannot
// carry it.
void take_headers(const std::vector<std::pair<std::string_view, std::string_view>>& headers, MqttMessage& message);

// A PUBLISH packet as it was on the wire, beginning with its fixed header. `properties`: whether it has some
// (MQTT 5). Never reads outside `packet`, whatever it says.
Result<MqttMessage> parse_publish(std::string_view packet, bool properties);

// Whether a message may be published to `topic`: not empty, at most 65,535 bytes of UTF-8, no wildcard, no NUL.
bool is_topic_name(std::string_view topic);

// Whether `filter` can be subscribed to: wildcards stand alone in their level, and `#` in the last;
// "$share/GROUP/FILTER" for a shared subscription.
bool is_topic_filter(std::string_view filter);

}  // namespace colloquium::components
