#include "components/azure/azure_provider.h"

#include <algorithm>

#include "ai/endpoint_settings.h"
#include "components/azure/azure_openai.h"
#include "config/problems.h"

namespace colloquium::components {

enum class AzureAuth { kApiKey, kBearer };

struct AzureConfig : ai::EndpointSettings {
  std::string resource;
  std::string api_version = AzureDialect().api_version;
  std::map<std::string, std::string> deployments;
  AzureAuth auth = AzureAuth::kApiKey;
  bool old_max_tokens = false;
  bool stream_usage = true;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::AzureAuth> {
  static constexpr std::pair<std::string_view, components::AzureAuth> values[] = {
      {"api_key", components::AzureAuth::kApiKey}, {"bearer", components::AzureAuth::kBearer}};
};

namespace components {
namespace {

ConfigSpec<AzureConfig> spec() {
  ConfigSpec<AzureConfig> spec;
  spec.field("resource", &AzureConfig::resource,
             {.description = "The resource's name, which is the first part of its host's.",
              .example = "our-openai",
              .minimum = 1});
  ai::add_endpoint(spec, "https://RESOURCE.openai.azure.com");
  spec.field("api_version", &AzureConfig::api_version, {.description = "Of the API.", .minimum = 1})
      .field("deployments", &AzureConfig::deployments,
             {.description = "Which deployment serves a model; one that is not here has its model's name.",
              .example = "{gpt-4o: our-gpt-4o}"})
      .field(
          "auth", &AzureConfig::auth,
          {.description = "How the key is sent: in `api-key`, or as a bearer's, which is for tokens of Microsoft "
                          "Entra. These expire: let what renews them write an `api_key_file`."})
      .field(
          "old_max_tokens", &AzureConfig::old_max_tokens,
          {.description = "Say `max_tokens`, as older versions know it, in the place of `max_completion_tokens`.",
           .advanced = true})
      .field("stream_usage", &AzureConfig::stream_usage,
             {.description = "Ask for the usage of streams. With `false`, for versions that refuse that, costs of "
                             "streams are estimates.",
              .advanced = true});
  return spec;
}

void check(const AzureConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const bool resource = node.find("resource") != nullptr;
  if (resource == (node.find("base_url") != nullptr)) {
    config::add_error(problems, node.mark, "azure needs either resource or base_url");
  }
  // With the one or the other, it is Azure, and wants a key.
  ai::check_endpoint(config, {"azure", ""}, node, problems);
  if (node.find("api_key") == nullptr && node.find("api_key_file") == nullptr) {
    config::add_error(problems, node.mark, "azure needs api_key or api_key_file");
  }
  const bool plain =
      config.resource.find_first_of("./:") == std::string::npos && is_deployment_name(config.resource);
  if (!config.resource.empty() && !plain) {
    config::refuse(node, "resource", "resource is a name, such as our-openai; an address goes into base_url",
                   problems);
  }
  if (!is_deployment_name(config.api_version)) {
    config::refuse(node, "api_version", "api_version must be one such as 2024-10-21", problems);
  }
  for (const auto& [model, deployment] : config.deployments) {
    if (is_deployment_name(deployment)) continue;
    config::refuse(node, "deployments", "'" + deployment + "' is no name of a deployment", problems);
  }
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  const auto& config = config_of<AzureConfig>(parsed);
  auto provider =
      std::make_unique<AzureOpenAi>(AzureDialect{.api_version = config.api_version,
                                                 .deployments = config.deployments,
                                                 .bearer = config.auth == AzureAuth::kBearer,
                                                 .format = {config.old_max_tokens, config.stream_usage}});
  return ai::connection(config, "https://" + config.resource + ".openai.azure.com", base_dir, std::move(provider));
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "azure";
  d.summary = "Azure OpenAI: OpenAI's models as Microsoft serves them.";
  d.description =
      "Chats, streamed or not, with images, tools and answers by a JSON Schema; embeddings. A model is asked by "
      "its "
      "name, and its deployment found by that. What a content filter refuses is the caller's to change, and is "
      "not sent "
      "again.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the server had said 200.";
  d.examples = {{"A resource with a key",
                 "azure:\n  resource: our-openai\n  api_key: '${AZURE_OPENAI_API_KEY}'\n  deployments: {gpt-4o: "
                 "our-gpt-4o}"},
                {"Tokens of Microsoft Entra",
                 "azure: {resource: our-openai, auth: bearer, api_key_file: /run/secrets/entra-token}"}};
  bind_spec<AzureConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& azure_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
