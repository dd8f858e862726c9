// Items that wait for the same sink become one: behind a slow sink single requests pile up as items of an event
// each, and whatever a write costs (a request, a transaction, a hop to another thread) is paid once for all of
// them.
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <deque>

#include "colloquium/sink.h"

#include "engine/partition_runner.h"

namespace colloquium::engine {

// Makes one item of the first ones, as far as `limits` let it and their events are of one origin; it is done when
// all of them would be, in order. Returns how many items fewer there are.
size_t join_front(std::deque<LegItem>& waiting, const JoinLimits& limits);

}  // namespace colloquium::engine
