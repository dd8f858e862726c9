// What the mqtt source and the mqtt sink both report of their connection.
//
// Thread safety: pure function. Ownership: the counters outlive the registrations.
#pragma once

#include <vector>

#include "components/mqtt/mqtt_link.h"
#include "metrics/registry.h"

namespace colloquium::components {

void register_link(metrics::Registry& registry, const metrics::Labels& labels, const MqttLinkCounters& counters,
                   std::vector<metrics::Registration>& registrations);

}  // namespace colloquium::components
