#include "components/http/http_source_metrics.h"

#include <utility>

namespace colloquium::components {
namespace {

using Reasons = std::vector<std::pair<const char*, const Counter*>>;

void add_by_reason(metrics::Registry& registry, const metrics::Family& family, metrics::Labels labels,
                   const Reasons& reasons, std::vector<metrics::Registration>& held) {
  for (const auto& [reason, counter] : reasons) {
    labels.reason = reason;
    held.push_back(registry.counter(family, labels, *counter));
  }
}

}  // namespace

std::vector<metrics::Registration> register_http_source(metrics::Registry& registry, const metrics::Labels& labels,
                                                        const AuthRefusals* refusals,
                                                        const net::WebSocketCounters* sockets) {
  std::vector<metrics::Registration> held;
  const metrics::Family refused{
      "colloquium_http_refused_total",
      "Requests and handshakes that an http source refused for who sent them, by reason."};
  if (refusals != nullptr) {
    add_by_reason(registry, refused, labels,
                  {{"credentials_missing", &refusals->credentials_missing},
                   {"credentials_wrong", &refusals->credentials_wrong},
                   {"signature_missing", &refusals->signature_missing},
                   {"signature_malformed", &refusals->signature_malformed},
                   {"signature_expired", &refusals->signature_expired},
                   {"signature_wrong", &refusals->signature_wrong}},
                  held);
  }
  if (sockets == nullptr) return held;
  add_by_reason(registry, refused, labels,
                {{"websocket_origin", &sockets->refused_origin},
                 {"websocket_limit", &sockets->refused_limit},
                 {"websocket_handshake", &sockets->refused_handshake}},
                held);
  add_by_reason(registry,
                {"colloquium_http_websockets_closed_total", "WebSockets that an http source closed, by reason."},
                labels,
                {{"bad_data", &sockets->closed_bad_data},
                 {"too_big", &sockets->closed_too_big},
                 {"protocol", &sockets->closed_protocol},
                 {"busy", &sockets->closed_busy},
                 {"idle", &sockets->closed_idle}},
                held);
  held.push_back(
      registry.gauge({"colloquium_http_websockets", "WebSockets that are open now."}, labels, sockets->open));
  held.push_back(registry.counter({"colloquium_http_websocket_messages_total", "Messages that came whole."},
                                  labels, sockets->messages));
  return held;
}

}  // namespace colloquium::components
