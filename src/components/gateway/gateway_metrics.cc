#include "components/gateway/gateway_metrics.h"

#include <algorithm>
#include <string>
#include <utility>

namespace colloquium::components {
namespace {

// By endpoint.
constexpr std::array<metrics::Family, kApiEndpoints> kFamilies = {
    {{"colloquium_gateway_chat_requests_total", "Requests for an answer of a model, by their HTTP status."},
     {"colloquium_gateway_embedding_requests_total", "Requests for embeddings, by their HTTP status."},
     {"colloquium_gateway_model_list_requests_total", "Requests for the list of models, by their HTTP status."},
     {"colloquium_gateway_count_requests_total", "Requests for counts of tokens, by their HTTP status."},
     {"colloquium_gateway_other_requests_total",
      "Requests for what the gateway does not offer, by their HTTP status."}}};

}  // namespace

void GatewayCounters::count(ApiEndpoint endpoint, int status) {
  const auto* const found = std::find(kStatuses.begin(), kStatuses.end(), status);
  requests_[static_cast<size_t>(endpoint)][static_cast<size_t>(found - kStatuses.begin())].add();
}

std::vector<metrics::Registration> register_gateway(metrics::Registry& registry, metrics::Labels labels,
                                                    const std::shared_ptr<GatewayCounters>& counters) {
  std::vector<metrics::Registration> held;
  held.push_back(
      registry.gauge({"colloquium_gateway_requests_under_way", "Requests that have no whole answer yet."}, labels,
                     counters->under_way));
  for (size_t endpoint = 0; endpoint < kApiEndpoints; ++endpoint) {
    for (size_t status = 0; status <= GatewayCounters::kStatuses.size(); ++status) {
      const bool known = status < GatewayCounters::kStatuses.size();
      labels.reason = known ? std::to_string(GatewayCounters::kStatuses[status]) : "other";
      held.push_back(registry.counter(kFamilies[endpoint], labels, counters->requests_[endpoint][status]));
    }
  }
  return held;
}

}  // namespace colloquium::components
