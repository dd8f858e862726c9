// What the ingest port's TLS reports at /metrics: handshakes, and those that were refused, by reason.
//
// Ownership: the counters and the registry outlive the registrations. Thread safety: pure function.
#pragma once

#include "app/log_metrics.h"
#include "net/tls_context.h"

namespace colloquium::app {

Registrations register_tls(const net::TlsCounters& counters, metrics::Registry& registry);

}  // namespace colloquium::app
