// What a source reports of events for which the pipeline had no room.
//
// Thread safety: loop only. Ownership: the counter outlives the registration.
#pragma once

#include <string>

#include "colloquium/component.h"

#include "base/door_queue.h"
#include "metrics/registry.h"

namespace colloquium::metrics {

// Of a queue that drops; nothing of another, or without a registry. `kind`: "exec_source".
Registration register_drops(const ComponentContext& context, const std::string& kind, const DoorQueue& queue);

}  // namespace colloquium::metrics
