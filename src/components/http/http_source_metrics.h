// What an http source reports beside what every source does: who was refused, and what its WebSockets do.
//
// Ownership: the counters outlive the registrations. Thread safety: pure function.
#pragma once

#include <vector>

#include "components/http/request_auth.h"
#include "metrics/registry.h"
#include "net/exchange.h"

namespace colloquium::components {

// Either may be null: the source has none.
std::vector<metrics::Registration> register_http_source(metrics::Registry& registry, const metrics::Labels& labels,
                                                        const AuthRefusals* refusals,
                                                        const net::WebSocketCounters* sockets);

}  // namespace colloquium::components
