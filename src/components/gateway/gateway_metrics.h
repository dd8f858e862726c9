// What a gateway reports beside what every source does: what became of the requests, by what they asked for.
//
// Ownership: the counters outlive the registrations. Thread safety: the counters on any thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/counters.h"
#include "components/gateway/gateway_api.h"
#include "metrics/registry.h"

namespace colloquium::components {

class GatewayCounters {
 public:
  // Requests that ended with these, and those that ended with another one. 499: the client went away.
  static constexpr std::array<int, 13> kStatuses = {200, 400, 401, 403, 404, 405, 408,
                                                    413, 415, 429, 499, 502, 503};

  // An answer that begins with 200 and fails then counts with what it failed with.
  void count(ApiEndpoint endpoint, int status);

  Gauge under_way;

 private:
  friend std::vector<metrics::Registration> register_gateway(metrics::Registry&, metrics::Labels,
                                                             const std::shared_ptr<GatewayCounters>&);
  using ByStatus = std::array<Counter, kStatuses.size() + 1>;
  std::array<ByStatus, kApiEndpoints> requests_;
};

std::vector<metrics::Registration> register_gateway(metrics::Registry& registry, metrics::Labels labels,
                                                    const std::shared_ptr<GatewayCounters>& counters);

}  // namespace colloquium::components
