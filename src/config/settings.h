// Settings of the process: colloquium.yaml, its environment overlay, COLLOQUIUM_… variables and flags.
//
// Each setting is declared once, in settings_spec(), and may be given in four places; later ones win:
// default < colloquium.yaml < colloquium.<env>.yaml < COLLOQUIUM_<NAME> < --<name>. A list counts as one value;
// as a variable it is separated by commas. Every value remembers where it came from (`colloquium config`).
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/config_spec.h"

#include "base/logging.h"
#include "config/substitution.h"

namespace colloquium::config {

enum class MinimumTls { kTls12, kTls13 };

struct Settings {
  std::string data_dir = "./colloquium-data";
  std::string listen = "127.0.0.1:8080";
  std::string admin = "127.0.0.1:9464";
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  MinimumTls tls_minimum = MinimumTls::kTls12;
  int32_t workers = 0;  // 0: one less than there are cores, at least 1
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kConsole;
  Duration drain_timeout{30'000};
  std::vector<std::string> pipelines;
};

ConfigSpec<Settings> settings_spec();

struct SettingsText {
  std::string file_name;
  std::string text;
};

// What there is to read. Variables and flags are names as written, "COLLOQUIUM_LISTEN" and "listen", with
// their values; a flag that is given twice counts as a list, for a setting that is one.
struct SettingsSources {
  std::optional<SettingsText> file;
  std::optional<SettingsText> overlay;
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::pair<std::string, std::string>> flags;
  Substitutions substitutions;  // for the two files
};

struct SettingOrigin {
  std::string name;
  std::string value;   // as YAML; secrets masked
  std::string origin;  // "default", "colloquium.yaml:3:1", "COLLOQUIUM_LISTEN", "--listen"
};

struct LoadedSettings {
  Settings settings;
  std::vector<SettingOrigin> origins;  // one per setting, in the order of the spec
};

LoadedSettings load_settings(const SettingsSources& sources, ConfigProblems& problems);

// "log_level" → "COLLOQUIUM_LOG_LEVEL" and "log-level".
std::string variable_name(std::string_view setting);
std::string flag_name(std::string_view setting);

// "colloquium.yaml" and "production" → "colloquium.production.yaml".
std::string overlay_name(std::string_view file_name, std::string_view environment);

// Maps are merged key by key, everything else is replaced by what `overlay` says.
ConfigNode merge(const ConfigNode& base, const ConfigNode& overlay);

}  // namespace colloquium::config
