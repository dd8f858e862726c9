// KafkaStatistics: what librdkafka measures of one client (its STATISTICS.md), as metrics.
//
// librdkafka tells it every `kKafkaStatisticsMs` as JSON, once the client is polled. Totals are those of the client:
// one that is made anew begins at 0, as Prometheus expects of a process that was restarted.
//
// Thread safety: take() on one thread at a time; what is registered is read on any.
#pragma once

#include <string_view>
#include <vector>

#include "base/counters.h"
#include "metrics/registry.h"

namespace colloquium::components {

inline constexpr char kKafkaStatisticsMs[] = "5000";

class KafkaStatistics {
 public:
  // What is not there, or not a number, counts as 0; what is no statistics at all changes nothing.
  void take(std::string_view json);
  // What is true of a client that lives is not of one that was taken down.
  void client_gone();

  // REQUIRES: this outlives the registrations; `labels` has no reason.
  std::vector<metrics::Registration> register_at(metrics::Registry& registry, const metrics::Labels& labels) const;

 private:
  Gauge requests_, sent_bytes_, received_bytes_;  // totals
  Gauge retries_, timeouts_, connects_;           // totals, of all brokers
  Gauge brokers_up_;
  Gauge round_trip_us_;  // the slowest broker's 99th percentile
  Gauge queued_messages_, queued_bytes_;
};

}  // namespace colloquium::components
