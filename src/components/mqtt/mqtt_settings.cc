#include "components/mqtt/mqtt_settings.h"

#include <array>
#include <utility>

#include "components/mqtt/mqtt_message.h"
#include "config/problems.h"

namespace colloquium {

FieldSpec ConfigType<components::MqttProtocol>::describe(std::string name, FieldOptions options) {
  using components::MqttProtocol;
  options.choices = {"3.1.1", "5"};
  auto read = [](const ConfigNode& node, std::string_view path, const FieldOptions& allowed,
                 ConfigProblems& problems) -> std::optional<MqttProtocol> {
    if (node.kind == ConfigNode::Kind::kInteger && node.integer == 5) return MqttProtocol::k5;
    const auto text = config::read_string(node, path, allowed, problems);
    if (!text) return std::nullopt;
    return *text == "5" ? MqttProtocol::k5 : MqttProtocol::k311;
  };
  return config::scalar_field<MqttProtocol>(std::move(name), FieldType::kEnum, std::move(options), read);
}

std::string ConfigType<components::MqttProtocol>::show(components::MqttProtocol value) {
  return value == components::MqttProtocol::k5 ? "5" : "3.1.1";
}

ConfigSpec<components::MqttWill> ConfigObject<components::MqttWill>::spec() {
  using components::MqttWill;
  return ConfigSpec<MqttWill>()
      .field("topic", &MqttWill::topic, {.description = "Where it is published.", .required = true})
      .field("payload", &MqttWill::payload, {.description = "What is published."})
      .field("qos", &MqttWill::qos, {.description = "0, 1 or 2.", .minimum = 0, .maximum = 2})
      .field("retain", &MqttWill::retain, {.description = "Whether the broker keeps it for later subscribers."});
}

ConfigSpec<components::MqttReconnect> ConfigObject<components::MqttReconnect>::spec() {
  using components::MqttReconnect;
  return ConfigSpec<MqttReconnect>()
      .field("initial", &MqttReconnect::initial,
             {.description = "The first bound.", .minimum = 10, .maximum = 3'600'000})
      .field("max", &MqttReconnect::max, {.description = "The last one.", .minimum = 10, .maximum = 3'600'000});
}

namespace components {
namespace {

constexpr std::array<std::string_view, 3> kPlain = {"mqtt://", "tcp://", "ws://"};
constexpr std::array<std::string_view, 3> kEncrypted = {"mqtts://", "ssl://", "wss://"};

template <class Schemes>
std::string_view scheme_of(std::string_view url, const Schemes& schemes) {
  for (const std::string_view scheme : schemes) {
    if (url.starts_with(scheme)) return scheme;
  }
  return {};
}

void check_url(const std::string& url, bool tls, const ConfigNode& node, ConfigProblems& problems) {
  if (url.find('@') != url.npos) {
    // Not quoted: it holds a password.
    return config::refuse(node, "url", "url holds no user and password; use username and password", problems);
  }
  std::string_view scheme = scheme_of(url, kPlain);
  if (!scheme.empty() && tls) {
    return config::refuse(node, "url", "tls is for an address that begins with mqtts://", problems);
  }
  if (scheme.empty()) scheme = scheme_of(url, kEncrypted);
  const std::string_view host = std::string_view(url).substr(scheme.size());
  if (!scheme.empty() && !host.empty() && host[0] != ':' && host.find_first_of(" \t\r\n") == host.npos) return;
  config::refuse(node, "url", "url is mqtt://HOST:PORT or mqtts://HOST:PORT; several go with commas", problems);
}

}  // namespace

std::vector<std::string> split_urls(const std::string& url) {
  std::vector<std::string> urls(1);
  for (const char c : url) {
    if (c == ',') {
      urls.emplace_back();
    } else if (c != ' ' || !urls.back().empty()) {
      urls.back() += c;
    }
  }
  for (std::string& one : urls) one.erase(one.find_last_not_of(' ') + 1);
  return urls;
}

void check_connection(const MqttConnection& connection, const ConfigNode& node, ConfigProblems& problems) {
  if (!connection.url.empty()) {
    for (const std::string& url : split_urls(connection.url)) {
      check_url(url, connection.tls.has_value(), node, problems);
    }
  }
  if (connection.tls && connection.tls->certificate.empty() && !connection.tls->key.empty()) {
    config::refuse(node, "tls", "tls: a key needs its certificate", problems);
  }
  if (connection.username.empty() && !connection.password.value.empty()) {
    config::refuse(node, "password", "a password needs a username", problems);
  }
  if (connection.will && !connection.will->topic.empty() && !is_topic_name(connection.will->topic)) {
    config::refuse(node, "will", "will: a topic to publish to has no wildcards", problems);
  }
  if (connection.reconnect.initial.ms > connection.reconnect.max.ms) {
    config::refuse(node, "reconnect", "reconnect: initial is not above max", problems);
  }
}

std::vector<Claim> claim_client_id(const MqttConnection& connection) {
  if (connection.client_id.empty()) return {};
  return {{.what = "the MQTT client_id '" + connection.client_id + "'",
           .field = "client_id",
           .advice =
               "give every mqtt source and sink a client_id of its own, as the broker closes the connection of "
               "the one that came first"}};
}

}  // namespace components
}  // namespace colloquium
