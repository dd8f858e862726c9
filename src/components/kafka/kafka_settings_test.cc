#include "components/kafka/kafka_settings.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/murmur2.h"
#include "components/kafka/kafka_sink.h"
#include "components/kafka/kafka_source.h"
#include "config/yaml.h"

namespace colloquium::components {
namespace {

// The problems of a component's settings, one a line.
std::string problems_of(const Descriptor& descriptor, const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  descriptor.parse(*node, problems);
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
  return text;
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& properties, const std::string& name) {
  std::string found = "-";
  for (const auto& [key, value] : properties) {
    if (key == name) found = value;
  }
  return found;
}

const std::string kSink = "{brokers: [\"b:9092\"], topic: out";
const std::string kSource = "{brokers: [\"b:9092\"], topics: [in], group: g";

TEST_CASE("librdkafka takes every setting that ours come to") {
  KafkaSinkConfig config;
  config.brokers = {"a:1", "b:2"};
  config.topic = "out";
  config.sasl = KafkaSasl{SaslMechanism::kScramSha256, "me", {"secret"}};
  config.tls = KafkaTls{};
  for (const auto partitioner : {KafkaPartitioner::kMurmur2, KafkaPartitioner::kConsistent,
                                 KafkaPartitioner::kFnv1a, KafkaPartitioner::kRandom}) {
    for (const auto compression : {KafkaCompression::kNone, KafkaCompression::kGzip, KafkaCompression::kSnappy,
                                   KafkaCompression::kLz4, KafkaCompression::kZstd}) {
      config.partitioner = partitioner;
      config.compression = compression;
      config.transactions = !config.transactions;
      auto properties = connection_properties(config, "/base");
      for (auto& property : producer_properties(config)) properties.push_back(std::move(property));
      CHECK(make_conf(properties));
    }
  }
  const auto properties = connection_properties(config, "/base");
  CHECK(value_of(properties, "bootstrap.servers") == "a:1,b:2");
  CHECK(value_of(properties, "security.protocol") == "SASL_SSL");
  CHECK(value_of(properties, "sasl.mechanisms") == "SCRAM-SHA-256");
}

TEST_CASE("two that the brokers would take for one are found before they throw each other out") {
  ConfigProblems problems;
  const auto claims = [&](const Descriptor& descriptor, const std::string& yaml) {
    const auto node = config::load_yaml(yaml, "p.yaml", problems);
    REQUIRE(node);
    return descriptor.claims(descriptor.parse(*node, problems), "");
  };
  CHECK(claims(kafka_source(), kSource + "}").empty());
  CHECK(claims(kafka_sink(), kSink + ", transactions: true}").empty());
  const auto source = claims(kafka_source(), kSource + ", instance_id: one}");
  const auto sink = claims(kafka_sink(), kSink + ", transactions: true, transactional_id: one}");
  const auto other = claims(kafka_source(), "{brokers: [\"b:9092\"], topics: [in], group: h, instance_id: one}");
  REQUIRE((source.size() == 1 && sink.size() == 1 && other.size() == 1));
  CHECK_FALSE((source[0].shared || sink[0].shared));
  CHECK(source[0].what == claims(kafka_source(), kSource + ", start: latest, instance_id: one}")[0].what);
  CHECK(source[0].what != other[0].what);
  CHECK(source[0].what != sink[0].what);
  CHECK(problems.empty());
}

TEST_CASE("a key that is no template is refused") {
  CHECK(problems_of(kafka_sink(), kSink + ", key: \"a-{$input/customer}\"}").empty());
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", key: \"{$input/customer\"}"), Catch::Contains("key"));
}

TEST_CASE("certificates are looked for beside the pipeline, and tls can be switched off") {
  KafkaConnection connection{.brokers = {"a:1"}};
  connection.tls.emplace();
  connection.tls->ca = "ca.pem";
  connection.tls->certificate = "/etc/me.pem";
  connection.tls->key = "me.key";
  connection.tls->verify = false;
  const auto with = connection_properties(connection, "/base");
  CHECK(value_of(with, "security.protocol") == "SSL");
  CHECK(value_of(with, "ssl.ca.location") == "/base/ca.pem");
  CHECK(value_of(with, "ssl.certificate.location") == "/etc/me.pem");
  CHECK(value_of(with, "enable.ssl.certificate.verification") == "false");
  connection.tls->enabled = false;
  CHECK(value_of(connection_properties(connection, "/base"), "security.protocol") == "-");
}

TEST_CASE("a property that a setting stands for is refused with that setting's name") {
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", properties: {acks: \"1\"}}"), Catch::Contains("use acks"));
  CHECK_THAT(problems_of(kafka_source(), kSource + ", properties: {auto.offset.reset: latest}}"),
             Catch::Contains("use start"));
  CHECK_THAT(problems_of(kafka_source(), kSource + ", properties: {log_cb: x}}"),
             Catch::Contains("cannot be set"));
  CHECK(problems_of(kafka_source(), kSource + ", properties: {fetch.wait.max.ms: 50}}").empty());
}

TEST_CASE("a property librdkafka does not know, or a value it refuses, is told without the value") {
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", properties: {no.such: hush}}"),
             Catch::Contains("knows no 'no.such'") && !Catch::Contains("hush"));
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", properties: {socket.timeout.ms: hush}}"),
             Catch::Contains("refuses the value of 'socket.timeout.ms'") && !Catch::Contains("hush"));
}

TEST_CASE("settings that do not go together are refused") {
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", transactions: true, idempotent: false}"),
             Catch::Contains("idempotent"));
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", acks: leader}"), Catch::Contains("idempotent: false"));
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", transactional_id: x}"), Catch::Contains("transactions: true"));
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", transactions: true, progress_topic: out}"),
             Catch::Contains("progress_topic"));
  CHECK_THAT(problems_of(kafka_sink(), kSink + ", tls: {certificate: a.pem}}"),
             Catch::Contains("belong together"));
  CHECK_THAT(problems_of(kafka_sink(), "{brokers: [\"http://x/\"], topic: out}"), Catch::Contains("HOST:PORT"));
  CHECK_THAT(problems_of(kafka_source(), kSource + ", start: yesterday}"), Catch::Contains("earliest"));
  CHECK(problems_of(kafka_source(), kSource + ", start: 2026-03-01T00:00:00Z}").empty());
}

TEST_CASE("start is earliest, latest or a time") {
  CHECK(parse_start("earliest")->first == KafkaStart::kEarliest);
  CHECK(parse_start("latest")->first == KafkaStart::kLatest);
  CHECK(parse_start("1970-01-02T00:00:00Z")->second == 86'400'000);
  CHECK(parse_start("1970-01-01T01:00:00.25+01:00")->second == 250);
  CHECK(parse_start("2026-03-01T12:30:15-02:30")->second == 1'772'377'215'000);
  CHECK_FALSE(parse_start(""));
  CHECK_FALSE(parse_start("2026-03-01"));
}

TEST_CASE("what a sink promises follows from transactions") {
  const auto guarantee = [](bool transactions) {
    KafkaSinkConfig config;
    config.transactions = transactions;
    return kafka_sink().delivery_of(std::make_shared<const KafkaSinkConfig>(config));
  };
  CHECK(guarantee(true) == Guarantee::kExactlyOnce);
  CHECK(guarantee(false) == Guarantee::kAtLeastOnce);
}

TEST_CASE("the default partitioner is Java's murmur2") {
  KafkaSinkConfig config;
  CHECK(value_of(producer_properties(config), "partitioner") == "murmur2_random");
  // librdkafka's function of that name gives what Java's does: the lower 31 bits modulo the number of partitions.
  for (const std::string key : {"21", "foobar", "a-little-bit-long-string", "a-little-bit-longer-string",
                                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", "abc"}) {
    const auto expected = static_cast<int32_t>((murmur2(key) & 0x7fffffff) % 1000);
    CHECK(rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), 1000, nullptr, nullptr) == expected);
  }
}

}  // namespace
}  // namespace colloquium::components
