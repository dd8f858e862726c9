// EndpointSettings: what the settings of all AI providers have in common: where, and with which key.
//
// Thread safety: values and pure functions.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "colloquium/ai_provider.h"
#include "colloquium/config_types.h"

namespace colloquium::ai {

struct EndpointSettings {
  std::string base_url;  // empty: the provider's own
  Secret api_key;
  std::string api_key_file;
  std::map<std::string, std::string> headers;
};

// Adds the key and the headers to the spec of a component whose settings begin with them.
template <class Config>
void add_access(ConfigSpec<Config>& spec) {
  static_assert(std::is_base_of_v<EndpointSettings, Config>);
  // A member of the base is one of the derived, but is not deduced as one.
  Secret Config::*const api_key = &EndpointSettings::api_key;
  std::string Config::*const api_key_file = &EndpointSettings::api_key_file;
  std::map<std::string, std::string> Config::*const headers = &EndpointSettings::headers;
  spec.field("api_key", api_key,
             {.description = "The key, best from a variable or the secret store.", .example = "${API_KEY}"})
      .field("api_key_file", api_key_file,
             {.description = "A file with the key instead. It is read again when it changes: a new key needs no "
                             "restart.",
              .example = "/run/secrets/api_key",
              .minimum = 1})
      .field("headers", headers,
             {.description = "Further headers of every request.", .advanced = true, .secret = true});
}

// Adds all of them.
template <class Config>
void add_endpoint(ConfigSpec<Config>& spec, std::string default_url) {
  std::string Config::*const base_url = &EndpointSettings::base_url;
  spec.field("base_url", base_url,
             {.description = "Where it is; also another server that speaks as it does.",
              .default_text = std::move(default_url),
              .minimum = 1});
  add_access(spec);
}

struct EndpointRules {
  std::string_view name;         // of the provider, for messages
  std::string_view default_url;  // which wants a key; empty: no server is known to want one
};

// What can't be, each problem where it stands in `node`.
void check_endpoint(const EndpointSettings& settings, const EndpointRules& rules, const ConfigNode& node,
                    ConfigProblems& problems);
// Of its key and headers alone.
void check_access(const EndpointSettings& settings, const ConfigNode& node, ConfigProblems& problems);
void check_url(const std::string& url, std::string_view field, const ConfigNode& node, ConfigProblems& problems);
// That a header can carry the key, which no message shows.
void check_key(const Secret& key, std::string_view field, const ConfigNode& node, ConfigProblems& problems);

// REQUIRES: checked. Relative paths start at `base_dir`.
AiConnection connection(const EndpointSettings& settings, const std::string& default_url,
                        const std::string& base_dir, std::unique_ptr<AiProvider> provider);
std::string without_slash(std::string url);
std::string path_from(const std::string& base_dir, const std::string& path);

}  // namespace colloquium::ai
