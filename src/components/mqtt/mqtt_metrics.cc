#include "components/mqtt/mqtt_metrics.h"

namespace colloquium::components {

void register_link(metrics::Registry& registry, const metrics::Labels& labels, const MqttLinkCounters& counters,
                   std::vector<metrics::Registration>& registrations) {
  registrations.push_back(registry.gauge(
      {"colloquium_mqtt_connected", "1 while there is a connection to a broker, with its subscriptions."}, labels,
      counters.connected));
  registrations.push_back(
      registry.counter({"colloquium_mqtt_connects_total", "Connections made."}, labels, counters.connects));
  metrics::Labels by_reason = labels;
  for (size_t i = 0; i < ErrorCounters::kReasons; ++i) {
    const auto reason = static_cast<ErrorCode>(i);
    by_reason.reason = to_string(reason);
    registrations.push_back(registry.counter(
        {"colloquium_mqtt_errors_total", "Connections that failed or were lost, by reason."}, by_reason,
        [&counters, reason] { return static_cast<double>(counters.errors.value(reason)); }));
  }
}

}  // namespace colloquium::components
