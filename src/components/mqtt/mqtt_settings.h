// Settings that the mqtt source and the mqtt sink share: where the broker is, and who we are to it.
//
// Thread safety: values and pure functions. Passwords are never part of a message, nor is an address that holds
// one: such an address is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/config_types.h"

#include "config/tls_settings.h"

namespace colloquium::components {

enum class MqttProtocol { k311, k5 };

struct MqttWill {
  std::string topic;
  std::string payload;
  int qos = 1;
  bool retain = false;
};

struct MqttReconnect {
  Duration initial{200};
  Duration max{30'000};
};

struct MqttConnection {
  std::string url;  // several with commas
  MqttProtocol protocol = MqttProtocol::k5;
  std::string client_id;
  std::string username;
  Secret password;
  std::optional<config::TlsSettings> tls;
  Duration keep_alive{30'000};
  Duration connect_timeout{10'000};
  MqttReconnect reconnect;
  std::optional<MqttWill> will;
};

// The addresses in `url`.
std::vector<std::string> split_urls(const std::string& url);

// Checks what the types cannot. `node` is the component's.
void check_connection(const MqttConnection& connection, const ConfigNode& node, ConfigProblems& problems);

// Two with one client_id throw each other out.
std::vector<Claim> claim_client_id(const MqttConnection& connection);

// A member of the settings that both have, as one of `Config`.
template <class Config, class T>
T Config::*mqtt_common(T MqttConnection::*member) {
  return member;
}

// Adds the fields that both have to a spec, first those that everyone needs.
template <class Config>
void add_broker(ConfigSpec<Config>& spec) {
  spec.field("url", mqtt_common<Config>(&MqttConnection::url),
             {.description = "Address of the broker: `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` with TLS. Several "
                             "with commas are tried in turn.",
              .example = "mqtt://localhost:1883",
              .required = true,
              .minimum = 1});
}

template <class Config>
void add_connection(ConfigSpec<Config>& spec) {
  spec.field("protocol", mqtt_common<Config>(&MqttConnection::protocol),
             {.description = "Version of MQTT: `5` or `3.1.1`."});
  spec.field("username", mqtt_common<Config>(&MqttConnection::username), {.description = "Who logs in."});
  spec.field("password", mqtt_common<Config>(&MqttConnection::password),
             {.description = "Their password.", .example = "${MQTT_PASSWORD}"});
  spec.field("tls", mqtt_common<Config>(&MqttConnection::tls),
             {.description = "For `mqtts://`: whom to trust, and who we are. Without, what the system trusts."});
  spec.field("will", mqtt_common<Config>(&MqttConnection::will),
             {.description = "What the broker publishes for us if we are gone without a word."});
  spec.field("keep_alive", mqtt_common<Config>(&MqttConnection::keep_alive),
             {.description = "How often each side makes sure that the other is there, in whole seconds.",
              .advanced = true,
              .minimum = 1'000,
              .maximum = 65'535'000});
  spec.field("connect_timeout", mqtt_common<Config>(&MqttConnection::connect_timeout),
             {.description = "How long connecting, and subscribing, may take.",
              .advanced = true,
              .minimum = 1'000,
              .maximum = 600'000});
  spec.field(
      "reconnect", mqtt_common<Config>(&MqttConnection::reconnect),
      {.description = "How long to wait before connecting again: a random time, below a bound that doubles.",
       .advanced = true});
}

}  // namespace colloquium::components

namespace colloquium {

// Also as the number 5, which YAML makes of it.
template <>
struct ConfigType<components::MqttProtocol> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(components::MqttProtocol value);
};

template <>
struct ConfigObject<components::MqttWill> {
  static ConfigSpec<components::MqttWill> spec();
};

template <>
struct ConfigObject<components::MqttReconnect> {
  static ConfigSpec<components::MqttReconnect> spec();
};

}  // namespace colloquium
