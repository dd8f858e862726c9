#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "colloquium/config_types.h"

#include "config/problems.h"
#include "config/redact.h"
#include "config/scalar.h"
#include "config/yaml.h"

namespace colloquium {

template <>
struct ConfigEnum<LogLevel> {
  static constexpr std::pair<std::string_view, LogLevel> values[] = {{"debug", LogLevel::kDebug},
                                                                     {"info", LogLevel::kInfo},
                                                                     {"warning", LogLevel::kWarning},
                                                                     {"error", LogLevel::kError},
                                                                     {"off", LogLevel::kOff}};
};

template <>
struct ConfigEnum<LogFormat> {
  static constexpr std::pair<std::string_view, LogFormat> values[] = {{"console", LogFormat::kConsole},
                                                                      {"json", LogFormat::kJson}};
};

template <>
struct ConfigEnum<config::MinimumTls> {
  static constexpr std::pair<std::string_view, config::MinimumTls> values[] = {
      {"TLSv1.2", config::MinimumTls::kTls12}, {"TLSv1.3", config::MinimumTls::kTls13}};
};

namespace config {
namespace {

using Kind = ConfigNode::Kind;

constexpr std::string_view kVariablePrefix = "COLLOQUIUM_";
// Variables that choose the files to read, or are for other verbs, so they are no settings.
constexpr std::string_view kOtherVariables[] = {"COLLOQUIUM_CONFIG", "COLLOQUIUM_ENV", "COLLOQUIUM_LOG_KEY",
                                                "COLLOQUIUM_LOG_KEY_FILE"};

// Values from outside files have no line; the name of the variable or flag says where to look.
ConfigMark place(std::string name) {
  return {std::make_shared<const std::string>(std::move(name)), 0, 0};
}

const FieldSpec* find_setting(const ObjectSpec& spec, std::string_view name) {
  for (const FieldSpec& field : spec.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

// Outside YAML there are no quotes: every text may be what its setting needs.
ConfigNode text_node(const std::string& text, const ConfigMark& mark) {
  ConfigNode node;
  node.mark = mark;
  set_plain(node, text);
  if (node.kind == Kind::kNull) set_string(node, text);
  node.substituted = true;
  return node;
}

// Empty pieces are dropped: a trailing comma, or a variable set to nothing for "none".
ConfigNode list_node(const std::string& text, const ConfigMark& mark) {
  ConfigNode list;
  list.kind = Kind::kList;
  list.mark = mark;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) list.items.push_back(text_node(text.substr(begin, end - begin), mark));
    begin = end + 1;
  }
  return list;
}

ConfigNode outside_node(const FieldSpec& field, const std::string& text, const ConfigMark& mark) {
  return field.type == FieldType::kList ? list_node(text, mark) : text_node(text, mark);
}

// Replaces the key as a whole, place included, so that a problem points at the winner.
void put(ConfigNode& map, const std::string& key, ConfigNode value) {
  const ConfigMark mark = value.mark;
  const auto it = std::find_if(map.members.begin(), map.members.end(),
                               [&](const ConfigNode::Member& member) { return member.key == key; });
  if (it == map.members.end()) {
    map.members.push_back({key, mark, std::move(value)});
  } else {
    *it = {key, mark, std::move(value)};
  }
}

// A file that cannot be read has been reported; the rest of the settings is still checked.
void merge_file(ConfigNode& settings, const std::optional<SettingsText>& file, const Substitutions& substitutions,
                ConfigProblems& problems) {
  if (!file) return;
  std::optional<ConfigNode> root = load_yaml(file->text, file->file_name, problems);
  if (!root || root->kind == Kind::kNull) return;
  if (root->kind != Kind::kMap) {
    add_error(problems, root->mark, "the settings must be a map, " + found(*root));
    return;
  }
  substitute(*root, substitutions, problems);
  settings = merge(settings, *root);
}

// A variable that looks like ours but is none is only a warning: the environment is shared, and a service manager
// may set what a later version will know.
void merge_variables(ConfigNode& settings, const ObjectSpec& spec,
                     const std::vector<std::pair<std::string, std::string>>& variables, ConfigProblems& problems) {
  std::vector<std::string> names(std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const FieldSpec& field : spec.fields) names.push_back(variable_name(field.name));
  for (const auto& [name, text] : variables) {
    const auto it = std::find_if(spec.fields.begin(), spec.fields.end(), [&name = name](const FieldSpec& field) {
      return variable_name(field.name) == name;
    });
    if (it != spec.fields.end()) {
      put(settings, it->name, outside_node(*it, text, place(name)));
    } else if (name.substr(0, kVariablePrefix.size()) == kVariablePrefix &&
               std::find(names.begin(), names.end(), name) == names.end()) {
      add_warning(problems, place(name), "there is no such setting" + suggestion(name, names));
    }
  }
}

// A flag is typed by hand for this very run, so an unknown one is an error.
void merge_flags(ConfigNode& settings, const ObjectSpec& spec,
                 const std::vector<std::pair<std::string, std::string>>& flags, ConfigProblems& problems) {
  std::vector<std::string> names;
  for (const FieldSpec& field : spec.fields) names.push_back(flag_name(field.name));
  std::vector<std::string> seen;
  for (const auto& [flag, text] : flags) {
    std::string name = flag;
    std::replace(name.begin(), name.end(), '-', '_');
    const ConfigMark mark = place("--" + flag_name(name));
    const FieldSpec* field = find_setting(spec, name);
    if (field == nullptr) {
      add_error(problems, mark, "there is no such setting" + suggestion(flag_name(name), names));
      continue;
    }
    ConfigNode node = outside_node(*field, text, mark);
    const bool again = std::find(seen.begin(), seen.end(), name) != seen.end();
    if (again && field->type == FieldType::kList) {
      const ConfigNode* before = settings.find(name);
      node.items.insert(node.items.begin(), before->items.begin(), before->items.end());
    }
    seen.push_back(name);
    put(settings, name, std::move(node));
  }
}

// In place of an address: open no port.
constexpr std::string_view kNoPort = "off";

// "host:port"; "[::1]:8080" for IPv6.
bool is_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  const std::string host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string::npos) return false;
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc() && after == end;
}

// Only what was given is checked; found() then shows it as it was written.
void check_address(const ConfigNode& settings, const std::string& name, const std::string& value,
                   ConfigProblems& problems) {
  const ConfigNode* node = settings.find(name);
  const bool is_text = node != nullptr && (node->kind == Kind::kString || node->substituted);
  if (!is_text || node->unresolved || value == kNoPort || is_address(value)) return;
  add_error(problems, node->mark, name + " must be an address and a port such as 127.0.0.1:8080, " + found(*node));
}

// A half of the two would leave the port without TLS, and what was meant to be encrypted in the open.
void check_tls(const ConfigNode& settings, const Settings& read, ConfigProblems& problems) {
  const auto need = [&](const char* name, const char* other) {
    const ConfigNode* const given = settings.find(name);
    add_error(problems, given == nullptr ? ConfigMark{} : given->mark,
              std::string(name) + " needs " + other + " beside it");
  };
  if (!read.tls_certificate.empty() && read.tls_key.empty()) need("tls_certificate", "tls_key");
  if (!read.tls_key.empty() && read.tls_certificate.empty()) need("tls_key", "tls_certificate");
  if (!read.tls_client_ca.empty() && read.tls_certificate.empty()) need("tls_client_ca", "tls_certificate");
}

// What `colloquium config` shows of one setting. Lists are shown in flow style, on one line.
SettingOrigin origin_of(const FieldSpec& field, const ConfigNode& settings) {
  const ConfigNode* node = settings.find(field.name);
  if (node == nullptr) return {field.name, field.options.default_text, "default"};
  ConfigNode shown = *node;
  if (field.options.secret) set_string(shown, kMasked);
  const bool nested = shown.kind == Kind::kList || shown.kind == Kind::kMap;
  std::string value = nested ? mask_secrets(shown).to_json() : to_yaml(mask_secrets(shown));
  if (!value.empty() && value.back() == '\n') value.pop_back();
  return {field.name, std::move(value), node->mark.describe()};
}

}  // namespace

ConfigSpec<Settings> settings_spec() {
  return ConfigSpec<Settings>()
      .field("data_dir", &Settings::data_dir,
             {.description = "Directory of the event log and of everything else that must survive a restart.",
              .minimum = 1})
      .field("listen", &Settings::listen,
             {.description =
                  "Address and port on which http sources take events. Port 0 takes a free one, `off` opens none.",
              .minimum = 1})
      .field("admin", &Settings::admin,
             {.description = "Address and port of metrics, health, API and dashboard. Port 0 takes a free one, "
                             "`off` opens none.",
              .minimum = 1})
      .field("tls_certificate", &Settings::tls_certificate,
             {.description = "File of the certificate of `listen`, in PEM form, with those that lead to its authority "
                             "behind it. With it http sources take events over TLS only; SIGHUP reads it again."})
      .field("tls_key", &Settings::tls_key,
             {.description = "File of the certificate's private key, in PEM form, without pass phrase."})
      .field("tls_client_ca", &Settings::tls_client_ca,
             {.description = "File of the authorities of clients, in PEM form: only clients with a certificate of one "
                             "of them can connect to `listen`."})
      .field("tls_minimum", &Settings::tls_minimum, {.description = "Oldest version of TLS that `listen` takes."})
      .field("workers", &Settings::workers,
             {.description = "Threads that run scripts. 0: one less than there are cores, at least 1.",
              .minimum = 0,
              .maximum = 256})
      .field("log_level", &Settings::log_level, {.description = "Messages below this level are not written."})
      .field("log_format", &Settings::log_format,
             {.description = "How messages are written to stderr: `console` for people, `json` for programs."})
      .field(
          "drain_timeout", &Settings::drain_timeout,
          {.description = "How long a stop waits for accepted events to reach their sinks. What is left stays in "
                          "the log.",
           .minimum = 0})
      .field("pipelines", &Settings::pipelines, {.description = "Pipeline files to run."});
}

LoadedSettings load_settings(const SettingsSources& sources, ConfigProblems& problems) {
  const ConfigSpec<Settings> spec = settings_spec();
  ConfigNode merged;
  merged.kind = Kind::kMap;
  // In the order of precedence: each replaces what stands before.
  merge_file(merged, sources.file, sources.substitutions, problems);
  merge_file(merged, sources.overlay, sources.substitutions, problems);
  merge_variables(merged, spec.object(), sources.variables, problems);
  merge_flags(merged, spec.object(), sources.flags, problems);
  LoadedSettings loaded{spec.read(merged, "", problems), {}};
  check_address(merged, "listen", loaded.settings.listen, problems);
  check_address(merged, "admin", loaded.settings.admin, problems);
  check_tls(merged, loaded.settings, problems);
  for (const FieldSpec& field : spec.object().fields) loaded.origins.push_back(origin_of(field, merged));
  return loaded;
}

std::string variable_name(std::string_view setting) {
  std::string name(kVariablePrefix);
  for (char c : setting) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::string flag_name(std::string_view setting) {
  std::string name(setting);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// The environment goes before the last ending; a dot in a folder's name is no ending.
std::string overlay_name(std::string_view file_name, std::string_view environment) {
  const size_t slash = file_name.find_last_of('/');
  const size_t dot = file_name.find_last_of('.');
  const bool has_ending = dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash + 1);
  const size_t end = has_ending ? dot : file_name.size();
  return std::string(file_name.substr(0, end)) + "." + std::string(environment) +
         std::string(file_name.substr(end));
}

ConfigNode merge(const ConfigNode& base, const ConfigNode& overlay) {
  if (base.kind != Kind::kMap || overlay.kind != Kind::kMap) return overlay;
  ConfigNode merged = base;
  for (const ConfigNode::Member& member : overlay.members) {
    const auto it = std::find_if(merged.members.begin(), merged.members.end(),
                                 [&](const ConfigNode::Member& m) { return m.key == member.key; });
    if (it == merged.members.end()) {
      merged.members.push_back(member);
    } else {
      *it = {member.key, member.mark, merge(it->value, member.value)};
    }
  }
  return merged;
}

}  // namespace config
}  // namespace colloquium
