#include "components/mqtt/paho_types.h"

#include <algorithm>
#include <limits>

namespace colloquium::components {
namespace {

void add_text(mqtt::properties& properties, mqtt::property::code code, const std::optional<std::string>& value) {
  if (value) properties.add(mqtt::property(code, mqtt::string_ref(*value)));
}

std::string text_of(const MQTTLenString& text) {
  return {text.data, static_cast<size_t>(text.len)};
}

void take_property(const MQTTProperty& property, MqttMessage& message) {
  const auto& value = property.value;
  switch (property.identifier) {
    case MQTTPROPERTY_CODE_CONTENT_TYPE:
      message.content_type = text_of(value.data);
      break;
    case MQTTPROPERTY_CODE_RESPONSE_TOPIC:
      message.response_topic = text_of(value.data);
      break;
    case MQTTPROPERTY_CODE_CORRELATION_DATA:
      message.correlation_data = text_of(value.data);
      break;
    case MQTTPROPERTY_CODE_USER_PROPERTY:
      message.user_properties.emplace_back(text_of(value.data), text_of(value.value));
      break;
    default:
      break;
  }
}

// Of a variable byte integer, MQTT 5.0, section 1.5.5.
size_t number_bytes(size_t number) {
  size_t bytes = 1;
  for (; number > 127; number >>= 7) ++bytes;
  return bytes;
}

mqtt::ssl_options tls_options(const config::TlsSettings& tls) {
  mqtt::ssl_options options;
  if (!tls.ca.empty()) options.set_trust_store(tls.ca);
  if (!tls.certificate.empty()) options.set_key_store(tls.certificate);
  if (!tls.key.empty()) options.set_private_key(tls.key);
  if (!tls.key_password.value.empty()) options.set_private_key_password(tls.key_password.value);
  options.set_enable_server_cert_auth(tls.verify);
  options.set_verify(tls.verify);
  return options;
}

}  // namespace

mqtt::properties properties_of(const MqttMessage& message) {
  mqtt::properties properties;
  add_text(properties, mqtt::property::CONTENT_TYPE, message.content_type);
  add_text(properties, mqtt::property::RESPONSE_TOPIC, message.response_topic);
  add_text(properties, mqtt::property::CORRELATION_DATA, message.correlation_data);
  for (const auto& [name, value] : message.user_properties) {
    properties.add(mqtt::property(mqtt::property::USER_PROPERTY, mqtt::string_ref(name), mqtt::string_ref(value)));
  }
  return properties;
}

MqttMessage to_message(const mqtt::message& from) {
  MqttMessage message;
  message.topic = from.get_topic();
  message.payload = from.get_payload();
  message.qos = from.get_qos();
  message.retained = from.is_retained();
  message.duplicate = from.is_duplicate();
  const MQTTProperties& properties = from.get_properties().c_struct();
  for (int i = 0; i < properties.count; ++i) take_property(properties.array[i], message);
  return message;
}

mqtt::connect_options connect_options(const PahoOptions& options) {
  const MqttConnection& connection = options.connection;
  const bool v5 = connection.protocol == MqttProtocol::k5;
  mqtt::connect_options made;
  made.set_mqtt_version(v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
  if (v5) {
    made.set_clean_start(options.clean_session);
    const auto expiry =
        static_cast<int32_t>(static_cast<uint32_t>(options.clean_session ? 0 : options.session_expiry_s));
    made.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, expiry}});
  } else {
    made.set_clean_session(options.clean_session);
  }
  made.set_keep_alive_interval(static_cast<int>(connection.keep_alive.ms / 1000));
  made.set_connect_timeout(static_cast<int>((connection.connect_timeout.ms + 999) / 1000));
  made.set_max_inflight(65'535);
  if (!connection.username.empty()) made.set_user_name(connection.username);
  if (!connection.password.value.empty()) made.set_password(connection.password.value);
  made.set_ssl(tls_options(connection.tls.value_or(config::TlsSettings())));
  if (connection.will) {
    const MqttWill& will = *connection.will;
    made.set_will_message(
        mqtt::message(will.topic, will.payload.data(), will.payload.size(), will.qos, will.retain));
  }
  return made;
}

Error error_of(ErrorCode code, const std::string& attempted, const std::string& why) {
  return Error{code, attempted + ": " + why, code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout, {}};
}

Error explain_connack(int code, const std::string& attempted) {
  switch (code) {
    case 1:
    case 0x84:
      return error_of(ErrorCode::kInvalidConfig, attempted,
                      "the broker does not speak this version of MQTT; set `protocol`");
    case 2:
    case 0x85:
      return error_of(ErrorCode::kInvalidConfig, attempted, "the broker refuses the client_id");
    case 4:
    case 0x86:
      return error_of(ErrorCode::kPermission, attempted,
                      "bad user name or password; check `username` and `password`");
    case 5:
    case 0x87:
      return error_of(ErrorCode::kPermission, attempted,
                      "not authorized; check `username`, `password` and the broker's rights");
    case 0x8a:
      return error_of(ErrorCode::kPermission, attempted, "the broker has banned this client");
    case 0x8c:
      return error_of(ErrorCode::kPermission, attempted, "the broker wants another way to log in");
    default:
      break;
  }
  std::string why = "no connection";
  if (code >= kPahoRefused) why = "the broker refused: " + mqtt::exception::reason_code_str(code);
  if (code == 3) why = "the broker is unavailable";
  return error_of(ErrorCode::kUnavailable, attempted, why);
}

size_t receive_maximum_in(const mqtt::properties& properties) {
  const MQTTProperties& all = properties.c_struct();
  for (int i = 0; i < all.count; ++i) {
    if (all.array[i].identifier == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
      return std::max<size_t>(all.array[i].value.integer2, 1);
  }
  return kPahoReceiveMaximum;
}

size_t maximum_packet_bytes_in(const mqtt::properties& properties) {
  const MQTTProperties& all = properties.c_struct();
  for (int i = 0; i < all.count; ++i) {
    if (all.array[i].identifier == MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE) return all.array[i].value.integer4;
  }
  return std::numeric_limits<size_t>::max();
}

size_t publish_bytes(const MqttMessage& message, const mqtt::properties& properties) {
  constexpr size_t kLengthBytes = 2;
  const size_t packet_id = message.qos > 0 ? 2 : 0;
  const auto of_properties = static_cast<size_t>(properties.c_struct().length);
  const size_t rest = kLengthBytes + message.topic.size() + packet_id + number_bytes(of_properties) +
                      of_properties + message.payload.size();
  return 1 + number_bytes(rest) + rest;
}

PahoPublished::State judge(int reason) {
  constexpr int kTopicNameInvalid = 0x90;
  constexpr int kPayloadFormatInvalid = 0x99;
  if (reason == kTopicNameInvalid || reason == kPahoPacketTooLarge || reason == kPayloadFormatInvalid) {
    return PahoPublished::State::kRefused;
  }
  return reason >= kPahoRefused ? PahoPublished::State::kBusy : PahoPublished::State::kUnknown;
}

}  // namespace colloquium::components
