// The settings of the mqtt sink, and what the rest of Colloquium knows about it.
#include "components/mqtt/mqtt_sink.h"
#include "config/problems.h"

namespace colloquium::components {
namespace {

void check_config(MqttSinkConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  check_connection(config, node, problems);
  if (config.topic.empty()) return;
  const auto topic = formats::TextTemplate::parse(config.topic, "topic", config.mark);
  if (!topic) return config::refuse(node, "topic", topic.error().message, problems);
  for (const auto& piece : topic->pieces()) {
    if (piece.is_field() || is_topic_name(piece.literal)) continue;
    return config::refuse(node, "topic", "a topic to publish to has no + and #", problems);
  }
}

ConfigSpec<MqttSinkConfig> spec() {
  ConfigSpec<MqttSinkConfig> spec;
  add_broker(spec);
  spec.field("topic", &MqttSinkConfig::topic,
             {.description = "Where events are published. It may have fields, Computo in sugar over the event: "
                             "`sensors/{$input/id}`. `{{` and `}}` stand for the braces.",
              .example = "\"sensors/{$input/id}\"",
              .required = true});
  spec.field(
      "qos", &MqttSinkConfig::qos,
      {.description = "0: sent once, and nobody knows whether it came. 1: at least once. 2: at least once, and "
                      "exactly once while the connection lasts.",
       .minimum = 0,
       .maximum = 2});
  spec.field("retain", &MqttSinkConfig::retain,
             {.description = "Whether the broker keeps the last message of each topic for later subscribers."});
  spec.field("format", &MqttSinkConfig::format, {.description = "What payloads are; without, the event's JSON."});
  spec.field("headers", &MqttSinkConfig::headers,
             {.description = "MQTT 5: whether an event's headers go along as user properties."});
  spec.field("client_id", mqtt_common<MqttSinkConfig>(&MqttConnection::client_id),
             {.description = "Who we are to the broker, unlike any other client; without, a random one.",
              .maximum = 65'535});
  add_connection(spec);
  spec.field(
      "max_in_flight", &MqttSinkConfig::max_in_flight,
      {.description = "Messages that may wait for the broker's acknowledgement, never more than it says that it "
                      "takes (MQTT 5). Without, 1000, and with QoS 2 the 20 that every broker takes.",
       .advanced = true,
       .minimum = 1,
       .maximum = 65'000});
  spec.field("timeout", &MqttSinkConfig::timeout,
             {.description = "How long the broker may acknowledge nothing before another connection is made.",
              .advanced = true,
              .minimum = 1'000,
              .maximum = 3'600'000});
  return spec;
}

// With 3.1.1 a broker cannot say how many it takes at a time; mosquitto hangs up at the 21st of QoS 2.
int64_t in_flight(int qos) {
  return qos == 2 ? 20 : 1000;
}

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(Executor* const executor, required_service<Executor>(context, "an mqtt sink", "executor"));
  const auto& config = config_of<MqttSinkConfig>(parsed);
  TRY_ASSIGN(auto topic, formats::TextTemplate::parse(config.topic, "topic", config.mark));
  TRY_ASSIGN(auto writer,
             MqttWriter::create(
                 {.topic = std::move(topic),
                  .format = config.format,
                  .qos = config.qos,
                  .retain = config.retain,
                  .headers = config.headers && config.protocol == MqttProtocol::k5,
                  .max_in_flight = static_cast<size_t>(config.max_in_flight.value_or(in_flight(config.qos)))},
                 context.script_variables));
  return std::make_unique<MqttSink>(std::move(context), config, std::move(writer), *executor);
}

void describe_words(Descriptor& d) {
  d.summary = "Publishes events to topics of an MQTT broker.";
  d.description =
      "MQTT 5 and 3.1.1, QoS 0, 1 and 2. The payload is the event's JSON; a tombstone is an empty payload, which "
      "with "
      "`retain: true` takes back what the broker keeps. With MQTT 5 headers go along as user properties; "
      "`mqtt_content_type`, `mqtt_response_topic` and `mqtt_correlation_data` as what they are called. What a "
      "broker "
      "cannot take now is published again for as long as it takes; an event whose topic it calls invalid, or that "
      "is too large for it, is a dead letter. A broker that speaks 3.1.1 cannot refuse a message: some drop what "
      "they do not allow and acknowledge it all the same.";
  d.input_trust = "Brokers are trusted as far as `tls` makes sure who they are.";
  d.guarantee =
      "At least once: what was not acknowledged when a connection is lost is published again. `qos: 0`: at "
      "most once, as nobody acknowledges.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {{"Publish to a topic", "mqtt: {url: \"mqtt://localhost:1883\", topic: orders}"},
                {"A topic for each device, the last value kept",
                 "mqtt: {url: \"mqtt://localhost:1883\", topic: \"state/{$input/device}\", "
                 "retain: true}"}};
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "mqtt";
  describe_words(d);
  bind_spec(d, spec(), check_config);
  d.create_sink = create;
  d.claims = [](const ParsedConfig& parsed, const std::string&) {
    return claim_client_id(config_of<MqttSinkConfig>(parsed));
  };
  d.repeats = [](const ParsedConfig&, const std::string&) { return "publishes each event again"; };
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    const auto& config = config_of<MqttSinkConfig>(parsed);
    config.format.format->check(names, problems);
    if (const auto topic = formats::TextTemplate::parse(config.topic, "topic", config.mark)) {
      topic->check(names, problems);
    }
  };
  return d;
}

}  // namespace

const Descriptor& mqtt_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::components
