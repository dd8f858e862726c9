// Between our types and Paho's: messages, settings, and what a broker's answer means. Only paho.cc needs it.
//
// Thread safety: pure functions.
#pragma once

#include <mqtt/async_client.h>
#include <string>

#include "components/mqtt/paho.h"

namespace colloquium::components {

inline constexpr int kPahoRefused = 0x80;  // reasons from here on are refusals, MQTT 5.0, table 2-6
inline constexpr int kPahoPacketTooLarge = 0x95;
inline constexpr size_t kPahoReceiveMaximum = 65'535;  // unless the broker says otherwise, section 3.2.2.3.3

mqtt::properties properties_of(const MqttMessage& message);
MqttMessage to_message(const mqtt::message& from);
mqtt::connect_options connect_options(const PahoOptions& options);

// Retryable where another attempt may do better.
Error error_of(ErrorCode code, const std::string& attempted, const std::string& why);

// What CONNACK's code, or Paho's where it is negative, says: MQTT 3.1.1, table 3.1, and MQTT 5.0, section 3.2.2.2.
Error explain_connack(int code, const std::string& attempted);

// What a broker's answer to a message of MQTT 5 means for it.
PahoPublished::State judge(int reason);

size_t receive_maximum_in(const mqtt::properties& properties);

// The longest packet that the broker takes; without a word of it, any.
size_t maximum_packet_bytes_in(const mqtt::properties& properties);

// How long the packet that publishes `message` is, MQTT 5.
size_t publish_bytes(const MqttMessage& message, const mqtt::properties& properties);

}  // namespace colloquium::components
