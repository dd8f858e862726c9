// The routes of the admin port.
//
//   /metrics   everything measured, in Prometheus' text format 0.0.4
//   /livez     200 while the loop turns: answering is the proof. For a liveness probe.
//   /readyz    200 when every pipeline has started and nothing has failed, else 503. For a readiness probe.
//   /healthz   the same with every component's status, as JSON; 503 if anything has failed
//
// Errors are application/problem+json. Nothing here changes anything, and nothing shows event data or secrets.
// Thread safety: loop only.
#pragma once

#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "admin/health.h"
#include "metrics/registry.h"
#include "net/exchange.h"

namespace colloquium::net {
class HttpServer;
}

namespace colloquium::admin {

// References outlive the routes.
struct AdminView {
  const metrics::Registry& metrics;
  const Health& health;
  const Clock& clock;
  std::string version;
  int64_t started_ns = 0;  // by clock.monotonic_ns()
};

// The routes alone, for tests.
std::vector<net::Route> admin_routes(const AdminView& view);

// Fails if the server has one of the paths already.
Status add_admin_routes(net::HttpServer& server, const AdminView& view);

}  // namespace colloquium::admin
