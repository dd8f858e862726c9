#include "components/mqtt/mqtt_settings.h"

#include <catch2/catch.hpp>

#include "components/mqtt/mqtt_sink.h"
#include "components/mqtt/mqtt_source.h"
#include "config/yaml.h"

namespace colloquium::components {
namespace {

ParsedConfig parsed(const Descriptor& descriptor, const std::string& yaml, ConfigProblems& problems) {
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  return descriptor.parse(*node, problems);
}

// The problems of a component's settings, one a line.
std::string problems_of(const Descriptor& descriptor, const std::string& yaml) {
  ConfigProblems problems;
  parsed(descriptor, yaml, problems);
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
  return text;
}

MqttSourceConfig source(const std::string& yaml) {
  ConfigProblems problems;
  const ParsedConfig config = parsed(mqtt_source(), yaml, problems);
  REQUIRE(problems.empty());
  return config_of<MqttSourceConfig>(config);
}

const std::string kSource = "{url: \"mqtt://b:1883\", topics: [a]";
const std::string kSink = "{url: \"mqtt://b:1883\", topic: out";

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST_CASE("several addresses are tried in turn") {
  CHECK(split_urls("mqtt://a:1, mqtt://b:2 ,mqtt://c:3") ==
        std::vector<std::string>{"mqtt://a:1", "mqtt://b:2", "mqtt://c:3"});
  CHECK(problems_of(mqtt_source(), "{url: \"mqtt://a:1, mqtts://b:2\", topics: [a]}").empty());
  CHECK(says(problems_of(mqtt_source(), "{url: \"mqtt://a:1,\", topics: [a]}"), "several go with commas"));
  CHECK(says(problems_of(mqtt_source(), "{url: \"localhost:1883\", topics: [a]}"), "mqtt://HOST:PORT"));
  CHECK(says(problems_of(mqtt_source(), "{url: \"mqtt://:1883\", topics: [a]}"), "mqtt://HOST:PORT"));
}

TEST_CASE("an address that holds a password is refused, and not shown") {
  const std::string text = problems_of(mqtt_source(), "{url: \"mqtt://me:swordfish@b:1\", topics: [a]}");
  CHECK(says(text, "username and password"));
  CHECK_FALSE(says(text, "swordfish"));
}

TEST_CASE("the version of MQTT is a text or the number 5") {
  CHECK(source(kSource + "}").protocol == MqttProtocol::k5);
  CHECK(source(kSource + ", protocol: 5}").protocol == MqttProtocol::k5);
  CHECK(source(kSource + ", protocol: \"5\"}").protocol == MqttProtocol::k5);
  CHECK(source(kSource + ", protocol: 3.1.1}").protocol == MqttProtocol::k311);
  CHECK(says(problems_of(mqtt_source(), kSource + ", protocol: 3.1}"), "3.1.1"));
}

TEST_CASE("a topic is a filter, or a filter with its QoS") {
  const MqttSourceConfig config = source("{url: \"mqtt://b:1\", topics: [a/#, {filter: b/+, qos: 2}], qos: 0}");
  REQUIRE(config.topics.size() == 2);
  CHECK(config.topics[0].filter == "a/#");
  CHECK_FALSE(config.topics[0].qos);
  CHECK(config.topics[1].qos == 2);
  CHECK(says(problems_of(mqtt_source(), "{url: \"mqtt://b:1\", topics: [\"a/b#\"]}"), "is no topic filter"));
  CHECK(says(problems_of(mqtt_source(), "{url: \"mqtt://b:1\", topics: [], qos: 3}"), "qos"));
}

TEST_CASE("a session is kept for a client_id, unless it is said otherwise", "[REQ-003]") {
  CHECK(is_clean_session(source(kSource + "}")));
  CHECK_FALSE(is_clean_session(source(kSource + ", client_id: me}")));
  CHECK(is_clean_session(source(kSource + ", client_id: me, clean_session: true}")));
  CHECK(says(problems_of(mqtt_source(), kSource + ", clean_session: false}"), "needs a client_id"));
}

TEST_CASE("settings that belong together") {
  CHECK(says(problems_of(mqtt_source(), kSource + ", tls: {ca: x}}"), "mqtts://"));
  CHECK(says(problems_of(mqtt_source(), "{url: \"mqtts://b\", topics: [a], tls: {key: k}}"),
             "needs its certificate"));
  CHECK(says(problems_of(mqtt_source(), kSource + ", password: p}"), "needs a username"));
  CHECK(says(problems_of(mqtt_source(), kSource + ", will: {topic: a/+}}"), "no wildcards"));
  CHECK(says(problems_of(mqtt_source(), kSource + ", reconnect: {initial: 2s, max: 1s}}"), "not above max"));
  CHECK(says(problems_of(mqtt_sink(), kSink + "/#}"), "no + and #"));
  CHECK(problems_of(mqtt_sink(), kSink + "}").empty());
}

TEST_CASE("a message may not wait for longer than the broker waits for us") {
  CHECK(ack_timeout_ms(source(kSource + "}")) == 10'000);
  CHECK(ack_timeout_ms(source(kSource + ", keep_alive: 1s}")) == 500);
  CHECK(ack_timeout_ms(source(kSource + ", ack_timeout: 29s}")) == 29'000);
  CHECK(says(problems_of(mqtt_source(), kSource + ", ack_timeout: 30s}"), "shorter than keep_alive"));
  CHECK(problems_of(mqtt_source(), kSource + ", ack_timeout: 30s, keep_alive: 31s}").empty());
}

TEST_CASE("a sink's topic may have fields, whose mistakes are found before anything starts") {
  ConfigProblems problems;
  const ParsedConfig good = parsed(mqtt_sink(), R"({url: "mqtt://b:1", topic: "a/{$input/b}"})", problems);
  mqtt_sink().check_scripts(good, {}, problems);
  CHECK(problems.empty());
  const ParsedConfig bad = parsed(mqtt_sink(), R"({url: "mqtt://b:1", topic: "a/{noSuchOperator(1)}"})", problems);
  mqtt_sink().check_scripts(bad, {}, problems);
  CHECK(problems.size() == 1);
  CHECK(says(problems_of(mqtt_sink(), R"({url: "mqtt://b:1", topic: "a/{$input/b"})"), "p.yaml:1:"));
  CHECK(says(problems_of(mqtt_sink(), R"({url: "mqtt://b:1", topic: "#/{$input/b}"})"), "no + and #"));
}

TEST_CASE("payloads may have any format whose records say by themselves what they are") {
  CHECK(problems_of(mqtt_source(), kSource + ", format: raw}").empty());
  CHECK(problems_of(mqtt_source(), kSource + ", format: {csv: {columns: [a], header: false}}}").empty());
  CHECK(says(problems_of(mqtt_source(), kSource + ", format: csv}"), "give the columns instead"));
}

TEST_CASE("two clients of one name are found before they throw each other out") {
  ConfigProblems problems;
  const ParsedConfig one = parsed(mqtt_source(), kSource + ", client_id: me}", problems);
  const ParsedConfig two = parsed(mqtt_sink(), kSink + ", client_id: me}", problems);
  const auto first = mqtt_source().claims(one, "");
  const auto second = mqtt_sink().claims(two, "");
  REQUIRE(first.size() == 1);
  REQUIRE(second.size() == 1);
  CHECK(first[0].what == second[0].what);
  CHECK_FALSE(first[0].shared);
  CHECK(mqtt_source().claims(parsed(mqtt_source(), kSource + "}", problems), "").empty());
}

TEST_CASE("files are looked for beside the pipeline") {
  const config::TlsSettings tls =
      config::resolved({.ca = "ca.pem", .certificate = "/c.pem", .key = "", .key_password = {}}, "/base");
  CHECK(tls.ca == "/base/ca.pem");
  CHECK(tls.certificate == "/c.pem");
  CHECK(tls.key.empty());
}

}  // namespace
}  // namespace colloquium::components
