// Settings that the kafka source and the kafka sink share, and librdkafka's configuration made of them.
//
// `properties` go to librdkafka as they are, except those that a setting of ours owns: those are refused with the
// name of that setting. Values of `properties` may be secrets, so none is ever part of a message.
//
// Thread safety: values and pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_types.h"

#include "components/kafka/kafka_handle.h"
#include "config/tls_settings.h"

namespace colloquium::components {

enum class SaslMechanism { kPlain, kScramSha256, kScramSha512 };

struct KafkaSasl {
  SaslMechanism mechanism = SaslMechanism::kScramSha512;
  std::string username;
  Secret password;
};

struct KafkaTls : config::TlsSettings {
  bool enabled = true;
};

struct KafkaConnection {
  std::vector<std::string> brokers;
  std::string client_id = "colloquium";
  std::optional<KafkaSasl> sasl;
  std::optional<KafkaTls> tls;
  std::map<std::string, ConfigNode> properties;  // scalars
};

// Checks what the types cannot: names of properties, files that belong together. `node` is the component's.
void check_connection(const KafkaConnection& connection, const ConfigNode& node, ConfigProblems& problems);

// What librdkafka is to be given for `connection`, name by name; `properties` last. Relative files start at
// `base_dir`.
std::vector<std::pair<std::string, std::string>> connection_properties(const KafkaConnection& connection,
                                                                       const std::string& base_dir);

// A configuration of all `properties`; the later of two with one name counts. Messages name the property alone.
Result<KafkaConf> make_conf(const std::vector<std::pair<std::string, std::string>>& properties);

// The setting of ours that stands in for a property of librdkafka's, or nothing.
std::optional<std::string_view> owner_of_property(std::string_view property);

// The brokers as one text, the same in whatever order they are given: who of a cluster's names stand for it.
std::string brokers_text(const KafkaConnection& connection);

// A member of the settings that both have, as one of `Config`.
template <class Config, class T>
T Config::*common(T KafkaConnection::*member) {
  return member;
}

// Adds the fields that both have to a spec.
template <class Config>
ConfigSpec<Config> with_connection(ConfigSpec<Config> spec) {
  return std::move(spec)
      .field("client_id", common<Config>(&KafkaConnection::client_id),
             {.description = "The name by which the brokers' logs and quotas know this client.", .advanced = true})
      .field("sasl", common<Config>(&KafkaConnection::sasl),
             {.description = "How to log in; without, nobody logs in."})
      .field("tls", common<Config>(&KafkaConnection::tls),
             {.description = "Encrypts the connections. `tls: {}` trusts what the system trusts."})
      .field(
          "properties", common<Config>(&KafkaConnection::properties),
          {.description = "Further settings of librdkafka, by its names. Those that a setting here stands for are "
                          "refused.",
           .example = "{fetch.wait.max.ms: 50}",
           .advanced = true,
           .secret = true});
}

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::SaslMechanism> {
  static constexpr std::pair<std::string_view, components::SaslMechanism> values[] = {
      {"PLAIN", components::SaslMechanism::kPlain},
      {"SCRAM-SHA-256", components::SaslMechanism::kScramSha256},
      {"SCRAM-SHA-512", components::SaslMechanism::kScramSha512}};
};

template <>
struct ConfigObject<components::KafkaSasl> {
  static ConfigSpec<components::KafkaSasl> spec();
};

template <>
struct ConfigObject<components::KafkaTls> {
  static ConfigSpec<components::KafkaTls> spec();
};

}  // namespace colloquium
