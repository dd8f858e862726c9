// What the event log reports at /metrics: its work, its size, its oldest and newest offsets, and how far each
// leg is behind.
//
// Thread safety: made and destroyed on one thread; read on whichever thread scrapes. The log and the registry
// outlive the registrations.
#pragma once

#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/log.h"
#include "metrics/registry.h"

namespace colloquium::app {

// They unregister when they go.
using Registrations = std::vector<metrics::Registration>;

// The log as a whole.
Registrations register_log(const log::Log& log, metrics::Registry& registry);

// One stream of a pipeline and the legs that read it. Opens the stream, which has to exist by then.
Result<Registrations> register_stream(log::Log& log, const log::StreamSpec& stream, const std::string& pipeline,
                                      const std::vector<std::string>& legs, metrics::Registry& registry);

}  // namespace colloquium::app
