#include "config/tls_settings.h"

#include "config/paths.h"

namespace colloquium {

ConfigSpec<config::TlsSettings> ConfigObject<config::TlsSettings>::spec() {
  return config::with_tls(ConfigSpec<config::TlsSettings>());
}

namespace config {

TlsSettings resolved(TlsSettings tls, const std::string& base_dir) {
  for (std::string* path : {&tls.ca, &tls.certificate, &tls.key}) *path = resolved_path(base_dir, *path);
  return tls;
}

}  // namespace config
}  // namespace colloquium
