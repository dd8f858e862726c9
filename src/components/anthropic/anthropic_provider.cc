#include "components/anthropic/anthropic_provider.h"

#include "ai/endpoint_settings.h"
#include "components/anthropic/anthropic_messages.h"
#include "config/problems.h"

namespace colloquium::components {

enum class AnthropicAuth { kByVersion, kApiKey, kBearer };

struct AnthropicConfig : ai::EndpointSettings {
  std::string version = "2023-06-01";
  AnthropicAuth auth = AnthropicAuth::kByVersion;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::AnthropicAuth> {
  static constexpr std::pair<std::string_view, components::AnthropicAuth> values[] = {
      {"by_version", components::AnthropicAuth::kByVersion},
      {"api_key", components::AnthropicAuth::kApiKey},
      {"bearer", components::AnthropicAuth::kBearer}};
};

namespace components {
namespace {

constexpr char kUrl[] = "https://api.anthropic.com";

// From this one on keys are bearers', and nothing is sampled. Dates order as their texts do.
constexpr std::string_view kNewer = "2026-10-21";

ConfigSpec<AnthropicConfig> spec() {
  ConfigSpec<AnthropicConfig> spec;
  ai::add_endpoint(spec, kUrl);
  spec.field("version", &AnthropicConfig::version,
             {.description = "Of the API. From `2026-10-21` on it knows no `temperature` and no `top_p`; they are "
                             "left out then.",
              .minimum = 10,
              .maximum = 10})
      .field("auth", &AnthropicConfig::auth,
             {.description =
                  "How the key is sent: in `x-api-key`, or as a bearer's; by default as the version has it."});
  return spec;
}

bool is_date(std::string_view text) {
  if (text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

void check(const AnthropicConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  ai::check_endpoint(config, {"anthropic", kUrl}, node, problems);
  if (is_date(config.version)) return;
  config::refuse(node, "version", "version must be a date such as 2023-06-01", problems);
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  const auto& config = config_of<AnthropicConfig>(parsed);
  const bool newer = config.version >= kNewer;
  AnthropicDialect dialect = newer ? anthropic_2026() : anthropic_2023();
  dialect.version = config.version;
  if (config.auth != AnthropicAuth::kByVersion) dialect.bearer = config.auth == AnthropicAuth::kBearer;
  return ai::connection(config, kUrl, base_dir, std::make_unique<AnthropicMessages>(std::move(dialect)));
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "anthropic";
  d.summary = "Anthropic's Claude, by the messages API.";
  d.description =
      "Chats, streamed or not, with images, tools and answers by a JSON Schema. A call has to say how many tokens "
      "its "
      "answer may have. There are no embeddings, and no seed.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the server had said 200.";
  d.examples = {{"Claude", "name: claude\nanthropic: {api_key: '${ANTHROPIC_API_KEY}'}"},
                {"The newer version of the API, with a key that is rotated",
                 "anthropic: {version: '2026-10-21', api_key_file: /run/secrets/anthropic}"}};
  bind_spec<AnthropicConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& anthropic_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
