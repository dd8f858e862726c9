#include "components/kafka/kafka_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "config/problems.h"

namespace colloquium {

ConfigSpec<components::KafkaSasl> ConfigObject<components::KafkaSasl>::spec() {
  using components::KafkaSasl;
  return ConfigSpec<KafkaSasl>()
      .field("mechanism", &KafkaSasl::mechanism, {.description = "How the password is proved."})
      .field("username", &KafkaSasl::username, {.description = "Who logs in.", .required = true})
      .field("password", &KafkaSasl::password,
             {.description = "Their password.", .example = "${KAFKA_PASSWORD}", .required = true});
}

ConfigSpec<components::KafkaTls> ConfigObject<components::KafkaTls>::spec() {
  using components::KafkaTls;
  return config::with_tls(ConfigSpec<KafkaTls>().field("enabled", &KafkaTls::enabled,
                                                       {.description = "`false` is as if there were no `tls`."}));
}

namespace components {
namespace {

using Property = std::pair<std::string, std::string>;

// What a setting of ours, or our own way of working, decides. Names are librdkafka's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kOwned = {{
    {"bootstrap.servers", "brokers"},
    {"metadata.broker.list", "brokers"},
    {"client.id", "client_id"},
    {"group.id", "group"},
    {"group.instance.id", "instance_id"},
    {"auto.offset.reset", "start"},
    {"enable.auto.commit", "commit_interval"},
    {"auto.commit.enable", "commit_interval"},
    {"auto.commit.interval.ms", "commit_interval"},
    {"enable.auto.offset.store", "commit_interval"},
    {"enable.partition.eof", ""},
    {"partition.assignment.strategy", ""},
    {"isolation.level", "isolation"},
    {"security.protocol", "sasl and tls"},
    {"sasl.mechanism", "sasl"},
    {"sasl.mechanisms", "sasl"},
    {"sasl.username", "sasl"},
    {"sasl.password", "sasl"},
    {"ssl.ca.location", "tls"},
    {"ssl.certificate.location", "tls"},
    {"ssl.key.location", "tls"},
    {"ssl.key.password", "tls"},
    {"enable.ssl.certificate.verification", "tls"},
    {"enable.idempotence", "idempotent"},
    {"acks", "acks"},
    {"request.required.acks", "acks"},
    {"compression.codec", "compression"},
    {"compression.type", "compression"},
    {"partitioner", "partitioner"},
    {"linger.ms", "linger"},
    {"queue.buffering.max.ms", "linger"},
    {"message.timeout.ms", "timeout"},
    {"delivery.timeout.ms", "timeout"},
    {"transactional.id", "transactional_id"},
    {"transaction.timeout.ms", "transaction_timeout"},
    {"message.max.bytes", "max_message"},
    {"statistics.interval.ms", ""},
    {"opaque", ""},
}};

// librdkafka calls functions, or writes where nobody looks, for these.
bool is_callback(std::string_view name) {
  return name.ends_with("_cb") || name.starts_with("plugin.") || name == "enabled_events";
}

std::string_view mechanism_name(SaslMechanism mechanism) {
  for (const auto& [name, value] : ConfigEnum<SaslMechanism>::values) {
    if (value == mechanism) return name;
  }
  return {};
}

void add_tls(const config::TlsSettings& given, const std::string& base_dir, std::vector<Property>& out) {
  const config::TlsSettings tls = config::resolved(given, base_dir);
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  put("ssl.ca.location", tls.ca);
  put("ssl.certificate.location", tls.certificate);
  put("ssl.key.location", tls.key);
  put("ssl.key.password", tls.key_password.value);
  if (!tls.verify) out.emplace_back("enable.ssl.certificate.verification", "false");
}

}  // namespace

std::string brokers_text(const KafkaConnection& connection) {
  std::vector<std::string> brokers = connection.brokers;
  std::sort(brokers.begin(), brokers.end());
  std::string text;
  for (const std::string& broker : brokers) text += (text.empty() ? "" : ",") + broker;
  return text;
}

std::optional<std::string_view> owner_of_property(std::string_view property) {
  if (is_callback(property)) return "";
  const auto at =
      std::find_if(kOwned.begin(), kOwned.end(), [&](const auto& row) { return row.first == property; });
  if (at == kOwned.end()) return std::nullopt;
  return at->second;
}

void check_connection(const KafkaConnection& connection, const ConfigNode& node, ConfigProblems& problems) {
  for (const std::string& broker : connection.brokers) {
    if (!broker.empty() && broker.find_first_of(", \t\r\n/") == broker.npos) continue;
    config::refuse(node, "brokers", "each of brokers is a HOST:PORT, such as kafka-1:9092", problems);
  }
  KafkaConf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : connection.properties) {
    if (const auto owner = owner_of_property(name)) {
      const std::string instead =
          owner->empty() ? "; it is not for pipelines to set" : "; use " + std::string(*owner);
      config::refuse(node, "properties", "properties: '" + name + "' cannot be set here" + instead, problems);
      continue;
    }
    if (value.kind == ConfigNode::Kind::kList || value.kind == ConfigNode::Kind::kMap) {
      config::refuse(node, "properties", "properties: '" + name + "' is given as one value", problems);
      continue;
    }
    // Not its own words, which would quote the value.
    const auto set = rd_kafka_conf_set(conf.get(), name.c_str(), value.text.c_str(), nullptr, 0);
    if (set == RD_KAFKA_CONF_OK) continue;
    config::refuse(node, "properties",
                   set == RD_KAFKA_CONF_UNKNOWN ? "properties: librdkafka knows no '" + name + "'"
                                                : "properties: librdkafka refuses the value of '" + name + "'",
                   problems);
  }
  if (connection.tls && connection.tls->certificate.empty() != connection.tls->key.empty()) {
    config::refuse(node, "tls", "tls: certificate and key belong together", problems);
  }
}

std::vector<Property> connection_properties(const KafkaConnection& connection, const std::string& base_dir) {
  std::string brokers;
  for (const std::string& broker : connection.brokers) brokers += (brokers.empty() ? "" : ",") + broker;
  std::vector<Property> out = {{"bootstrap.servers", brokers}, {"client.id", connection.client_id}};
  const bool tls = connection.tls && connection.tls->enabled;
  if (connection.sasl) {
    out.emplace_back("security.protocol", tls ? "SASL_SSL" : "SASL_PLAINTEXT");
    out.emplace_back("sasl.mechanisms", mechanism_name(connection.sasl->mechanism));
    out.emplace_back("sasl.username", connection.sasl->username);
    out.emplace_back("sasl.password", connection.sasl->password.value);
  } else if (tls) {
    out.emplace_back("security.protocol", "SSL");
  }
  if (tls) add_tls(*connection.tls, base_dir, out);
  // A broker that comes back is found again within a second or two, not ten.
  out.emplace_back("reconnect.backoff.max.ms", "2000");
  for (const auto& [name, value] : connection.properties) out.emplace_back(name, value.text);
  return out;
}

Result<KafkaConf> make_conf(const std::vector<Property>& properties) {
  KafkaConf conf(rd_kafka_conf_new());
  ASSERT(conf != nullptr);
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), nullptr, 0) == RD_KAFKA_CONF_OK) continue;
    return fail(ErrorCode::kInvalidConfig,
                "librdkafka refuses what the settings come to for its '" + name + "'; correct them");
  }
  return conf;
}

}  // namespace components
}  // namespace colloquium
