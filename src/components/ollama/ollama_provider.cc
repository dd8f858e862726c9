#include "components/ollama/ollama_provider.h"

#include "ai/endpoint_settings.h"
#include "components/ollama/ollama_chat.h"

namespace colloquium::components {
namespace {

constexpr char kUrl[] = "http://127.0.0.1:11434";

using OllamaConfig = ai::EndpointSettings;

ConfigSpec<OllamaConfig> spec() {
  ConfigSpec<OllamaConfig> spec;
  ai::add_endpoint(spec, kUrl);
  return spec;
}

// A server of one's own wants no key.
void check(const OllamaConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  ai::check_endpoint(config, {"ollama", ""}, node, problems);
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  return ai::connection(config_of<OllamaConfig>(parsed), kUrl, base_dir, std::make_unique<OllamaChat>());
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "ollama";
  d.summary = "Models that an Ollama server runs.";
  d.description =
      "Chats, streamed or not, with images by their bytes, tools and answers by a JSON Schema; embeddings. It "
      "speaks "
      "Ollama's own API, which has settings that OpenAI's has not (`extra: {options: {num_ctx: 8192}}`). A key is "
      "sent as a "
      "bearer's, for what stands before a server.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the server had said 200.";
  d.examples = {{"A server on this machine", "ollama: {}"},
                {"Another one", "name: gpu\nollama: {base_url: 'http://gpu.example.org:11434'}"}};
  bind_spec<OllamaConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& ollama_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::components
