// The settings of the mqtt source, and what the rest of Colloquium knows about it.
#include "components/mqtt/mqtt_source.h"
#include "config/problems.h"
#include "formats/message_format.h"

namespace colloquium {

template <>
struct ConfigObject<components::MqttTopic> {
  static ConfigSpec<components::MqttTopic> spec() {
    using components::MqttTopic;
    return ConfigSpec<MqttTopic>()
        .field("filter", &MqttTopic::filter, {.description = "What to subscribe to.", .required = true})
        .field("qos", &MqttTopic::qos,
               {.description = "Highest QoS of what comes; without, the source's.", .minimum = 0, .maximum = 2})
        .shorthand("filter");
  }
};

namespace components {
namespace {

void check_config(const MqttSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  check_connection(config, node, problems);
  for (const MqttTopic& topic : config.topics) {
    if (topic.filter.empty() || is_topic_filter(topic.filter)) continue;
    config::refuse(
        node, "topics",
        "topics: '" + topic.filter + "' is no topic filter; + and # stand alone between slashes, # last",
        problems);
  }
  formats::check_message_format(config.format, node, problems);
  if (config.client_id.empty() && config.clean_session == false) {
    config::refuse(node, "clean_session", "a session that is kept needs a client_id", problems);
  }
  if (ack_timeout_ms(config) >= config.keep_alive.ms) {
    config::refuse(
        node, "ack_timeout",
        "ack_timeout has to be shorter than keep_alive: while a message waits, the broker hears nothing "
        "of us",
        problems);
  }
}

ConfigSpec<MqttSourceConfig> spec() {
  ConfigSpec<MqttSourceConfig> spec;
  add_broker(spec);
  spec.field("topics", &MqttSourceConfig::topics,
             {.description = "What to subscribe to: filters, with `+` for one level and `#` for all below. "
                             "`$share/GROUP/FILTER` shares the messages with the others of the group.",
              .example = "[\"sensors/#\", {filter: alarms/+, qos: 2}]",
              .required = true,
              .minimum = 1});
  spec.field("qos", &MqttSourceConfig::qos,
             {.description = "Highest QoS of what comes: 0, 1 or 2.", .minimum = 0, .maximum = 2});
  spec.field("client_id", mqtt_common<MqttSourceConfig>(&MqttConnection::client_id),
             {.description = "Who we are to the broker, unlike any other client. With it the broker keeps the "
                             "session: what comes while we are away is sent later. Without, a random one.",
              .example = "colloquium-1",
              .maximum = 65'535});
  spec.field("clean_session", &MqttSourceConfig::clean_session,
             {.description = "Whether the broker forgets us when we are gone; without, it does if there is no "
                             "`client_id`."});
  spec.field("session_expiry", &MqttSourceConfig::session_expiry,
             {.description = "MQTT 5: how long the broker keeps the session while we are away.",
              .advanced = true,
              .minimum = 0,
              .maximum = int64_t{4'294'967'295} * 1000});
  spec.field("format", &MqttSourceConfig::format,
             {.description = "What payloads are, one event each; without, JSON. `raw` takes any bytes."});
  add_connection(spec);
  spec.field(
      "ack_timeout", &MqttSourceConfig::ack_timeout,
      {.description = "How long a message may wait for the pipeline to accept it. Then the connection is cut, "
                      "so that the broker sends it again. Shorter than `keep_alive`; without, 10s, or half of "
                      "`keep_alive` if that is less.",
       .advanced = true,
       .minimum = 100,
       .maximum = 3'600'000});
  spec.field("max_event", &MqttSourceConfig::max_event,
             {.description = "Longest event; a longer one goes to the dead letters.",
              .advanced = true,
              .minimum = 1,
              .maximum = 64 << 20});
  return spec;
}

void describe_words(Descriptor& d) {
  d.summary = "Subscribes to topics of an MQTT broker.";
  d.description =
      "MQTT 5 and 3.1.1, QoS 0, 1 and 2, shared subscriptions, retained messages, last will, sessions that the "
      "broker keeps. An event's key is its topic; its headers are `mqtt_topic`, `mqtt_qos`, `mqtt_retained` and, "
      "with MQTT 5, `mqtt_content_type`, `mqtt_response_topic`, `mqtt_correlation_data` and the user properties. "
      "An "
      "empty payload is a tombstone. A payload that is not what `format` says goes to the dead letters.\n\n"
      "A message of QoS 1 or 2 is acknowledged to the broker once the pipeline's `ack` holds for it. Paho takes "
      "one message after the other, so `ack: durable` means one sync per message, and `written` one write; `queued` "
      "is the fast mode. While the pipeline takes nothing, the source stays away from the broker.";
  d.input_trust =
      "Any bytes may come in: a payload that is not what `format` says, or is longer than max_event, goes to the "
      "dead "
      "letters.";
  d.guarantee =
      "QoS 1 and 2 at least once: what is lost on the way is sent again, and may come twice; `dedupe` with an "
      "id in the payload makes it exactly once. QoS 0 at most once.";
  d.examples = {{"Subscribe to sensors",
                 "mqtt: {url: \"mqtt://localhost:1883\", topics: [\"sensors/#\"], client_id: colloquium-1}"},
                {"With login and TLS, shared with other instances",
                 "mqtt: {url: \"mqtts://broker:8883\", topics: [\"$share/colloquium/sensors/#\"], username: "
                 "reader, password: "
                 "secret, tls: {ca: ca.pem}}"},
                {"Payloads that are no JSON, with MQTT 3.1.1",
                 "mqtt: {url: \"mqtt://localhost:1883\", topics: [{filter: lights/+, qos: 0}], format: raw, "
                 "protocol: 3.1.1}"}};
}

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(Executor* const executor, required_service<Executor>(context, "an mqtt source", "executor"));
  return std::make_unique<MqttSource>(std::move(context), config_of<MqttSourceConfig>(parsed), *executor);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "mqtt";
  describe_words(d);
  bind_spec(d, spec(), check_config);
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = false,
                        .finite = false,
                        .max_event_bytes = config_of<MqttSourceConfig>(parsed).max_event.bytes};
  };
  d.claims = [](const ParsedConfig& parsed, const std::string&) {
    return claim_client_id(config_of<MqttSourceConfig>(parsed));
  };
  return d;
}

}  // namespace

const Descriptor& mqtt_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
