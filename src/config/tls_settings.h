// What a component that connects to a peer with TLS may be told of it.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>

#include "colloquium/config_types.h"

namespace colloquium::config {

struct TlsSettings {
  std::string ca;
  std::string certificate;
  std::string key;
  Secret key_password;
  bool verify = true;
};

// Adds its rows to the spec of a type that has them from TlsSettings.
template <class Tls>
ConfigSpec<Tls> with_tls(ConfigSpec<Tls> spec) {
  const auto text = [](std::string TlsSettings::*member) -> std::string Tls::* { return member; };
  return std::move(spec)
      .field("ca", text(&TlsSettings::ca),
             {.description = "File with the certificates to trust (PEM); without, the system's."})
      .field("certificate", text(&TlsSettings::certificate),
             {.description = "File with our own certificate (PEM), for a peer that asks for one."})
      .field("key", text(&TlsSettings::key), {.description = "File with its private key (PEM)."})
      .field("key_password", static_cast<Secret Tls::*>(&TlsSettings::key_password),
             {.description = "What that key is encrypted with."})
      .field("verify", static_cast<bool Tls::*>(&TlsSettings::verify),
             {.description = "Whether the peer's certificate and name are checked.", .advanced = true});
}

// Its files as seen from `base_dir`.
TlsSettings resolved(TlsSettings tls, const std::string& base_dir);

}  // namespace colloquium::config

namespace colloquium {

template <>
struct ConfigObject<config::TlsSettings> {
  static ConfigSpec<config::TlsSettings> spec();
};

}  // namespace colloquium
