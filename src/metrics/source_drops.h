// What a source reports of events that it has read and the pipeline has not taken.
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

// What a stop leaves, of a source that can't be read again.
Registration register_left(const ComponentContext& context, const std::string& kind, const DoorQueue& queue);

}  // namespace colloquium::metrics
