#include "components/openai/openai_provider.h"

#include "ai/endpoint_settings.h"
#include "components/openai/openai_chat.h"
#include "components/openai/openai_responses.h"
#include "config/problems.h"

namespace colloquium::components {

enum class OpenAiApi { kChat, kResponses };

struct OpenAiConfig : ai::EndpointSettings {
  std::string organization;
  std::string project;
  OpenAiApi api = OpenAiApi::kChat;
  bool old_max_tokens = false;
  bool stream_usage = true;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::OpenAiApi> {
  static constexpr std::pair<std::string_view, components::OpenAiApi> values[] = {
      {"chat", components::OpenAiApi::kChat}, {"responses", components::OpenAiApi::kResponses}};
};

namespace components {
namespace {

constexpr char kUrl[] = "https://api.openai.com/v1";

ConfigSpec<OpenAiConfig> spec() {
  ConfigSpec<OpenAiConfig> spec;
  ai::add_endpoint(spec, kUrl);
  spec.field("organization", &OpenAiConfig::organization,
             {.description = "Whose account is charged, where a key is of several.", .example = "org-1"})
      .field("project", &OpenAiConfig::project,
             {.description = "The project that usage counts for.", .example = "proj_1"})
      .field("api", &OpenAiConfig::api,
             {.description = "`chat` is chat completions, which most other servers speak as well; `responses` is "
                             "OpenAI's newer API. Embeddings are the same with both."})
      .field(
          "old_max_tokens", &OpenAiConfig::old_max_tokens,
          {.description = "Say `max_tokens`, as older servers know it, in the place of `max_completion_tokens`.",
           .advanced = true})
      .field("stream_usage", &OpenAiConfig::stream_usage,
             {.description = "Ask for the usage of streams. With `false`, for servers that refuse that, costs of "
                             "streams are estimates.",
              .advanced = true});
  return spec;
}

void check(const OpenAiConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  ai::check_endpoint(config, {"openai", kUrl}, node, problems);
  if (config.api != OpenAiApi::kResponses) return;
  for (const char* field : {"old_max_tokens", "stream_usage"}) {
    if (node.find(field) != nullptr)
      config::refuse(node, field, std::string(field) + " is for `api: chat`", problems);
  }
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  const auto& config = config_of<OpenAiConfig>(parsed);
  std::unique_ptr<AiProvider> provider;
  if (config.api == OpenAiApi::kChat) {
    provider = std::make_unique<OpenAiChat>(ai::OpenAiDialect{config.old_max_tokens, config.stream_usage});
  } else {
    provider = std::make_unique<OpenAiResponses>();
  }
  AiConnection made = ai::connection(config, kUrl, base_dir, std::move(provider));
  auto& headers = made.access.headers;
  if (!config.organization.empty()) headers.emplace_back("OpenAI-Organization", config.organization);
  if (!config.project.empty()) headers.emplace_back("OpenAI-Project", config.project);
  return made;
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "openai";
  d.summary = "OpenAI, and servers that speak as it does (vLLM, llama.cpp, Mistral, Groq, OpenRouter …).";
  d.description =
      "Chats, streamed or not, with images, tools and answers by a JSON Schema; embeddings. What a server leaves "
      "out "
      "(usage, the end of a stream, ids of calls) is not missed, but without usage a cost is an estimate.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the server had said 200.";
  d.examples = {{"OpenAI itself", "openai: {api_key: '${OPENAI_API_KEY}'}"},
                {"The responses API, with a key that is rotated",
                 "openai: {api: responses, api_key_file: /run/secrets/openai, project: proj_1}"},
                {"A server of one's own", "name: local\nopenai: {base_url: 'http://127.0.0.1:8000/v1'}"}};
  bind_spec<OpenAiConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& openai_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
