// What a source reports of events that it has read and the pipeline has not taken.
//
// Thread safety: loop only. Ownership: the counter outlives the registration.
#pragma once

#include <string>
#include <vector>

#include "colloquium/component.h"

#include "base/door_queue.h"
#include "metrics/registry.h"

namespace colloquium::metrics {

// By reason: the policy of a queue that drops, and "stop". Nothing without a registry. `kind`: "exec_source".
std::vector<Registration> register_drops(const ComponentContext& context, const std::string& kind,
                                         const DoorQueue& queue);

}  // namespace colloquium::metrics
