#include "components/google/google_provider.h"

#include "ai/endpoint_settings.h"
#include "components/google/google_generate.h"

namespace colloquium::components {
namespace {

constexpr char kUrl[] = "https://generativelanguage.googleapis.com";

using GoogleConfig = ai::EndpointSettings;

ConfigSpec<GoogleConfig> spec() {
  ConfigSpec<GoogleConfig> spec;
  ai::add_endpoint(spec, kUrl);
  return spec;
}

void check(const GoogleConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  ai::check_endpoint(config, {"google", kUrl}, node, problems);
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  return ai::connection(config_of<GoogleConfig>(parsed), kUrl, base_dir, std::make_unique<GoogleGenerate>());
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "google";
  d.summary = "Google's Gemini, by the Gemini API.";
  d.description =
      "Chats, streamed or not, with images, tools and answers by a JSON Schema; embeddings. When to ask again, "
      "and that "
      "a day's quota is used up, stands in the body of a refusal, and is heard.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the server had said 200.";
  d.examples = {{"Gemini", "google: {api_key: '${GEMINI_API_KEY}'}"},
                {"With a key that is rotated", "name: gemini\ngoogle: {api_key_file: /run/secrets/gemini}"}};
  bind_spec<GoogleConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& google_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::components
