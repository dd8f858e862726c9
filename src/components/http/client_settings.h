// What every HTTP client here takes besides its own settings: how it logs in, which certificates it trusts and
// shows, through which proxy it goes. One struct and one spec for sink and sources.
//
// Thread safety: values and pure functions.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/config_types.h"

#include "config/tls_settings.h"
#include "net/http_client.h"

namespace colloquium::components {

struct BasicAuth {
  std::string user;
  Secret password;
};

// Where the client's id and secret stand in the request for a token (RFC 6749, 2.3.1).
enum class OAuth2Credentials { kHeader, kBody };

struct OAuth2Settings {
  std::string token_url;
  std::string client_id;
  Secret client_secret;
  std::vector<std::string> scopes;
  std::string audience;
  OAuth2Credentials credentials = OAuth2Credentials::kHeader;
};

// One of them.
struct ClientAuth {
  std::optional<BasicAuth> basic;
  std::optional<Secret> bearer;
  std::optional<OAuth2Settings> oauth2;
};

struct ClientSettings {
  std::optional<ClientAuth> auth;
  std::optional<config::TlsSettings> tls;
  Secret proxy;
  Duration connect_timeout{10'000};
};

// An address of http or https with a host, and nothing that would end it.
bool is_http_url(std::string_view url);
// Of the setting `url` of `node`, unless it is missing or not known yet.
void check_url(const std::string& url, const ConfigNode& node, std::string_view example, ConfigProblems& problems);

// Headers that every request has: their names and values, and that none of them is one that framing, login or the
// component (`own`) sets.
void check_fixed_headers(const std::map<std::string, std::string>& headers,
                         std::initializer_list<std::string_view> own, bool has_auth, const ConfigNode& node,
                         ConfigProblems& problems);

// Checks what the types cannot. `node` is the component's.
void check_client(const ClientSettings& settings, const ConfigNode& node, ConfigProblems& problems);

// Whether the files of `tls` are there. Relative ones start at `base_dir`; `mark`: of the component.
void check_client_files(const ClientSettings& settings, const std::string& base_dir, const ConfigMark& mark,
                        ConfigProblems& problems);

// For a client that keeps so many connections.
net::ClientOptions client_options(const ClientSettings& settings, const std::string& base_dir, size_t connections);

// The value of Authorization for what needs no token; empty if it is not set.
std::string fixed_authorization(const ClientSettings& settings);

// Adds the fields to a spec whose Config is a ClientSettings, too.
template <class Config>
ConfigSpec<Config> with_client(ConfigSpec<Config> spec) {
  return std::move(spec)
      .field("auth", static_cast<std::optional<ClientAuth> Config::*>(&ClientSettings::auth),
             {.description = "How to log in. One of `basic`, `bearer` and `oauth2`."})
      .field("tls", static_cast<std::optional<config::TlsSettings> Config::*>(&ClientSettings::tls),
             {.description = "Certificates for https. Without, the system's are trusted and none is shown."})
      .field("proxy", static_cast<Secret Config::*>(&ClientSettings::proxy),
             {.description = "URL of a proxy to go through, with user and password where it wants them: "
                             "`http://user:password@proxy:3128`. The environment's proxy variables are not read.",
              .example = "http://proxy:3128",
              .advanced = true})
      .field("connect_timeout", static_cast<Duration Config::*>(&ClientSettings::connect_timeout),
             {.description = "For the connection, TLS included.",
              .advanced = true,
              .minimum = 1,
              .maximum = 600'000});
}

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::OAuth2Credentials> {
  static constexpr std::pair<std::string_view, components::OAuth2Credentials> values[] = {
      {"header", components::OAuth2Credentials::kHeader}, {"body", components::OAuth2Credentials::kBody}};
};

template <>
struct ConfigObject<components::BasicAuth> {
  static ConfigSpec<components::BasicAuth> spec();
};
template <>
struct ConfigObject<components::OAuth2Settings> {
  static ConfigSpec<components::OAuth2Settings> spec();
};
template <>
struct ConfigObject<components::ClientAuth> {
  static ConfigSpec<components::ClientAuth> spec();
};
}  // namespace colloquium
