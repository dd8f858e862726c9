#include "components/plugin/plugin_provider.h"

#include <array>
#include <map>
#include <vector>

#include "ai/endpoint_settings.h"
#include "components/plugin/plugin_format.h"
#include "config/problems.h"
#include "config/program_settings.h"

namespace colloquium::components {
namespace {

// `base_url` is the endpoint itself here.
struct PluginConfig : ai::EndpointSettings {
  std::vector<std::string> command;
  std::string directory;
  std::map<std::string, std::string> environment;
  config::ProgramBackoff restart;
  Duration stall_timeout{300'000};
  Duration stop_timeout{5000};
};

constexpr std::array<std::string_view, 3> kOfEndpoints = {"api_key", "api_key_file", "headers"};
constexpr std::array<std::string_view, 5> kOfPrograms = {"directory", "environment", "restart", "stall_timeout",
                                                         "stop_timeout"};

void add_program(ConfigSpec<PluginConfig>& spec) {
  spec.field("command", &PluginConfig::command, config::command_field(false))
      .field("directory", &PluginConfig::directory, config::directory_field())
      .field("environment", &PluginConfig::environment,
             {.description = "Variables of the program's environment, beside ours: its own keys, say.",
              .example = "{MODEL_KEY: \"${MODEL_KEY}\"}",
              .secret = true})
      .field("restart", &PluginConfig::restart,
             {.description = "The pause before the program is started again: anything between nothing and this.",
              .advanced = true})
      .field("stall_timeout", &PluginConfig::stall_timeout,
             {.description = "How long the program may say nothing at all while it owes an answer, before it is "
                             "killed and started again.",
              .minimum = 1,
              .maximum = 86'400'000})
      .field("stop_timeout", &PluginConfig::stop_timeout, config::stop_timeout_field());
}

ConfigSpec<PluginConfig> spec() {
  ConfigSpec<PluginConfig> spec;
  std::string PluginConfig::*const url = &ai::EndpointSettings::base_url;
  spec.field("url", url,
             {.description = "The endpoint that is asked, by a POST to just this URL. Either this or `command`.",
              .example = "http://127.0.0.1:9100/models",
              .minimum = 1});
  ai::add_access(spec);
  add_program(spec);
  return spec;
}

template <size_t N>
void refuse_all(const std::array<std::string_view, N>& names, const std::string& why, const ConfigNode& node,
                ConfigProblems& problems) {
  for (const std::string_view name : names) {
    if (node.find(name) != nullptr) config::refuse(node, name, std::string(name) + " " + why, problems);
  }
}

void check_environment(const PluginConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  for (const auto& [name, value] : config.environment) {
    const bool is_name = !name.empty() && name.find('=') == name.npos && name.find('\0') == name.npos;
    if (is_name && value.find('\0') == value.npos) continue;
    config::refuse(node, "environment", "'" + name + "' and its value are no variable", problems);
  }
}

void check(const PluginConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const bool url = node.find("url") != nullptr;
  const bool command = node.find("command") != nullptr;
  if (url == command) {
    config::add_error(problems, node.mark, "a plugin is either a program or an endpoint: give `command` or `url`");
    return;
  }
  if (url) {
    ai::check_url(config.base_url, "url", node, problems);
    ai::check_access(config, node, problems);
    return refuse_all(kOfPrograms, "is of a program, and this plugin is an endpoint", node, problems);
  }
  config::check_command(config.command, node, problems);
  check_environment(config, node, problems);
  refuse_all(kOfEndpoints, "is of an endpoint, and this plugin is a program; give it by `environment`", node,
             problems);
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  const auto& config = config_of<PluginConfig>(parsed);
  AiConnection made = ai::connection(config, "", base_dir, std::make_unique<PluginFormat>());
  if (config.command.empty()) return made;
  for (const auto& [name, value] : config.environment) made.access.secrets.push_back(value);
  made.program = {.command = config.command,
                  .directory = config::program_directory(config.directory, base_dir),
                  .environment = {config.environment.begin(), config.environment.end()},
                  .restart_initial_ms = config.restart.initial.ms,
                  .restart_max_ms = config.restart.max.ms,
                  .stall_ms = config.stall_timeout.ms,
                  .stop_ms = config.stop_timeout.ms};
  return made;
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "plugin";
  d.summary = "Models that a program or an HTTP endpoint of one's own gives, in one small format.";
  d.description =
      "Chats, streamed or not, with everything that can be asked of a model, and embeddings. A request is one "
      "JSON "
      "object; an answer is lines of JSON. The same goes over HTTP, as the body of a POST and of its answer, and "
      "over the standard streams of a program, where each line has the `id` of its request and many requests are "
      "under way at once. The program is started with the first request, and again when it ends; what it writes "
      "to "
      "its standard error goes to the log. What was with it when it ended may have been paid, and counts so. "
      "When the pipeline stops, it gets SIGTERM, and SIGKILL after `stop_timeout`.\n\n"
      "The guide `docs/guides/own-provider.md` is the specification of the format.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed. A program that writes a "
      "line "
      "of more than 16 MiB, nothing but lines that are no answers, or nothing at all, is killed and started "
      "again. It "
      "runs with all our rights.";
  d.guarantee =
      "An answer ends once: it is complete, or it has failed. What was sent to a program that died counts as "
      "paid, as "
      "with a connection that broke.";
  d.examples = {{"A program beside the pipeline file", "plugin: {command: [python3, mood.py]}"},
                {"An endpoint",
                 "name: house\nplugin: {url: 'http://models.example.org/ask', api_key_file: /run/secrets/house}"}};
  bind_spec<PluginConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& plugin_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::components
