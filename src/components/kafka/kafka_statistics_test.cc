#include "components/kafka/kafka_statistics.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

// The members that are read, among others, as librdkafka 2.0 gives them.
constexpr char kGiven[] = R"({"name": "c#producer-1", "type": "producer", "ts": 5016483227792, "msg_cnt": 22,
  "msg_size": 704, "tx": 631, "tx_bytes": 168584479, "rx": 631, "rx_bytes": 31084,
  "brokers": {
    "localhost:9092/2": {"nodeid": 2, "state": "UP", "txretries": 1, "req_timeouts": 2, "connects": 3,
                         "rtt": {"min": 1580, "p99": 39167}},
    "localhost:9093/3": {"nodeid": 3, "state": "UP", "txretries": 10, "req_timeouts": 20, "connects": 30,
                         "rtt": {"min": 100, "p99": 704}},
    "localhost:9094/4": {"nodeid": 4, "state": "CONNECT", "connects": 100},
    "GroupCoordinator": {"nodeid": -1, "source": "logical", "state": "UP", "connects": 5},
    "odd": 7},
  "topics": {}})";

bool has(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("statistics of librdkafka become metrics", "[REQ-111]") {
  metrics::Registry registry;
  KafkaStatistics statistics;
  const auto held = statistics.register_at(registry, {.pipeline = "p", .component = "c", .kind = "kafka_sink"});
  const std::string labels = R"({pipeline="p",component="c",kind="kafka_sink"} )";
  CHECK(has(registry.text(), "colloquium_kafka_requests_total" + labels + "0"));
  statistics.take(kGiven);
  const std::string text = registry.text();
  CHECK(has(text, "colloquium_kafka_requests_total" + labels + "631"));
  CHECK(has(text, "colloquium_kafka_sent_bytes_total" + labels + "168584479"));
  CHECK(has(text, "colloquium_kafka_received_bytes_total" + labels + "31084"));
  CHECK(has(text, "colloquium_kafka_request_retries_total" + labels + "11"));
  CHECK(has(text, "colloquium_kafka_request_timeouts_total" + labels + "22"));
  CHECK(has(text, "colloquium_kafka_connects_total" + labels + "133"));
  CHECK(has(text, "colloquium_kafka_brokers_up" + labels + "2"));
  CHECK(has(text, "colloquium_kafka_round_trip_p99_seconds" + labels + "0.039167"));
  CHECK(has(text, "colloquium_kafka_queued_events" + labels + "22"));
  CHECK(has(text, "colloquium_kafka_queued_bytes" + labels + "704"));
  statistics.client_gone();
  CHECK(has(registry.text(), "colloquium_kafka_queued_bytes" + labels + "0"));
  CHECK(has(registry.text(), "colloquium_kafka_brokers_up" + labels + "0"));
  CHECK(has(registry.text(), "colloquium_kafka_requests_total" + labels + "631"));
}

TEST_CASE("what is no statistics changes nothing, and what is missing is 0") {
  metrics::Registry registry;
  KafkaStatistics statistics;
  const auto held = statistics.register_at(registry, {.pipeline = "p", .component = "c", .kind = "kafka_sink"});
  statistics.take(kGiven);
  const std::string before = registry.text();
  for (const char* text : {"", "{", "[]", "null", "\"x\""}) statistics.take(text);
  CHECK(registry.text() == before);
  statistics.take(R"({"tx": "many", "brokers": []})");
  CHECK(registry.text().find("} 631\n") == std::string::npos);
}

}  // namespace colloquium::components
