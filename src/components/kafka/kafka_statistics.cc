#include "components/kafka/kafka_statistics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace colloquium::components {
namespace {

using nlohmann::json;

int64_t number(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<int64_t>() : 0;
}

}  // namespace

void KafkaStatistics::take(std::string_view text) {
  // Topics make most of it, and are not looked at.
  const auto is_kept = [](int depth, json::parse_event_t event, const json& parsed) {
    return event != json::parse_event_t::key || depth != 1 || parsed != "topics";
  };
  const json root = json::parse(text, is_kept, false);
  if (!root.is_object()) return;
  requests_.set(number(root, "tx"));
  sent_bytes_.set(number(root, "tx_bytes"));
  received_bytes_.set(number(root, "rx_bytes"));
  queued_messages_.set(number(root, "msg_cnt"));
  queued_bytes_.set(number(root, "msg_size"));
  int64_t retries = 0;
  int64_t timeouts = 0;
  int64_t connects = 0;
  int64_t up = 0;
  int64_t round_trip_us = 0;
  const auto brokers = root.find("brokers");
  if (brokers != root.end() && brokers->is_object()) {
    for (const json& broker : *brokers) {
      // Logical ones are the coordinators, whose connections go to brokers that are there under their own names.
      if (!broker.is_object() || broker.value("source", json()) == "logical") continue;
      retries += number(broker, "txretries");
      timeouts += number(broker, "req_timeouts");
      connects += number(broker, "connects");
      up += broker.value("state", json()) == "UP";
      const auto trip = broker.find("rtt");
      if (trip != broker.end() && trip->is_object()) {
        round_trip_us = std::max(round_trip_us, number(*trip, "p99"));
      }
    }
  }
  retries_.set(retries);
  timeouts_.set(timeouts);
  connects_.set(connects);
  brokers_up_.set(up);
  round_trip_us_.set(round_trip_us);
}

void KafkaStatistics::client_gone() {
  for (Gauge* now : {&brokers_up_, &round_trip_us_, &queued_messages_, &queued_bytes_}) now->set(0);
}

std::vector<metrics::Registration> KafkaStatistics::register_at(metrics::Registry& registry,
                                                                const metrics::Labels& labels) const {
  std::vector<metrics::Registration> held;
  const auto total = [&](const char* name, const char* help, const Gauge& value) {
    held.push_back(
        registry.counter({name, help}, labels, [&value] { return static_cast<double>(value.value()); }));
  };
  total("colloquium_kafka_requests_total", "Requests sent to brokers.", requests_);
  total("colloquium_kafka_sent_bytes_total", "Bytes sent to brokers.", sent_bytes_);
  total("colloquium_kafka_received_bytes_total", "Bytes received from brokers.", received_bytes_);
  total("colloquium_kafka_request_retries_total", "Requests that were sent again.", retries_);
  total("colloquium_kafka_request_timeouts_total", "Requests that no broker answered in time.", timeouts_);
  total("colloquium_kafka_connects_total", "Times a connection to a broker was tried.", connects_);
  held.push_back(registry.gauge({"colloquium_kafka_brokers_up", "Brokers that are connected now."}, labels,
                                brokers_up_));
  held.push_back(registry.gauge({"colloquium_kafka_round_trip_p99_seconds",
                                 "How long the slowest broker's 99th percentile of requests took lately."},
                                labels, [this] { return static_cast<double>(round_trip_us_.value()) / 1e6; }));
  held.push_back(registry.gauge({"colloquium_kafka_queued_events", "Records a producer holds for the brokers."},
                                labels, queued_messages_));
  held.push_back(registry.gauge({"colloquium_kafka_queued_bytes", "Their bytes."}, labels, queued_bytes_));
  return held;
}

}  // namespace colloquium::components
