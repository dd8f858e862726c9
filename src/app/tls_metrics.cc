#include "app/tls_metrics.h"

#include <utility>

namespace colloquium::app {

Registrations register_tls(const net::TlsCounters& counters, metrics::Registry& registry) {
  Registrations held;
  held.push_back(
      registry.counter({"colloquium_tls_handshakes_total", "TLS handshakes of the ingest port that were done."},
                       {}, counters.handshakes));
  const std::pair<const char*, const Counter*> reasons[] = {
      {"certificate_missing", &counters.certificate_missing},
      {"certificate_expired", &counters.certificate_expired},
      {"certificate_untrusted", &counters.certificate_untrusted},
      {"version", &counters.version},
      {"plain_http", &counters.plain_http},
      {"other", &counters.other}};
  for (const auto& [reason, counter] : reasons) {
    held.push_back(registry.counter({"colloquium_tls_handshakes_refused_total",
                                     "TLS handshakes of the ingest port that were refused, by reason."},
                                    {.reason = reason}, *counter));
  }
  return held;
}

}  // namespace colloquium::app
