#include "components/bedrock/bedrock_provider.h"

#include <algorithm>

#include "ai/endpoint_settings.h"
#include "components/bedrock/aws_credentials_file.h"
#include "components/bedrock/bedrock_converse.h"
#include "config/problems.h"
#include "net/aws_signature.h"

namespace colloquium::components {
namespace {

struct BedrockConfig {
  std::string region;
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string credentials_file;
  std::string profile = "default";
  Secret bearer_token;
  std::string bearer_token_file;
  std::string base_url;
};

ConfigSpec<BedrockConfig> spec() {
  return ConfigSpec<BedrockConfig>()
      .field("region", &BedrockConfig::region,
             {.description = "Of the service.", .example = "us-east-1", .required = true, .minimum = 1})
      .field("access_key_id", &BedrockConfig::access_key_id,
             {.description = "Whose signature it is. Signing needs this and the next.",
              .example = "${AWS_ACCESS_KEY_ID}"})
      .field("secret_access_key", &BedrockConfig::secret_access_key,
             {.description = "What is signed with.", .example = "${AWS_SECRET_ACCESS_KEY}"})
      .field("session_token", &BedrockConfig::session_token,
             {.description = "Of keys that expire.", .example = "${AWS_SESSION_TOKEN}"})
      .field("credentials_file", &BedrockConfig::credentials_file,
             {.description = "These three in a file instead, in the form of AWS's shared credentials. It is read "
                             "again when it changes: keys that expire need no restart.",
              .example = "/run/secrets/aws/credentials",
              .minimum = 1})
      .field("profile", &BedrockConfig::profile, {.description = "Which of that file's.", .minimum = 1})
      .field("bearer_token", &BedrockConfig::bearer_token,
             {.description = "An API key of Bedrock's, in the place of a signature.",
              .example = "${AWS_BEARER_TOKEN_BEDROCK}"})
      .field("bearer_token_file", &BedrockConfig::bearer_token_file,
             {.description = "A file with it instead, which is read again when it changes.", .minimum = 1})
      .field("base_url", &BedrockConfig::base_url,
             {.description = "Where it is, for endpoints of one's own network.",
              .default_text = "https://bedrock-runtime.REGION.amazonaws.com",
              .minimum = 1});
}

// Becomes a part of a host's name, and of what is signed for.
bool is_region(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// One way to log in.
void check_keys(const BedrockConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const bool id = node.find("access_key_id") != nullptr;
  const bool secret = node.find("secret_access_key") != nullptr;
  if (id != secret) {
    config::add_error(problems, node.mark, "access_key_id and secret_access_key go together");
  }
  int ways = id || secret ? 1 : 0;
  for (const char* way : {"credentials_file", "bearer_token", "bearer_token_file"})
    ways += node.find(way) != nullptr;
  if (ways == 0) {
    config::add_error(problems, node.mark,
                      "bedrock needs access_key_id and secret_access_key, a credentials_file, or a bearer_token");
  }
  if (ways > 1) {
    config::add_error(problems, node.mark,
                      "bedrock logs in one way: with access_key_id and secret_access_key, a credentials_file, a "
                      "bearer_token or a bearer_token_file");
  }
  if (node.find("session_token") != nullptr && !id) {
    config::refuse(node, "session_token", "session_token is of an access_key_id", problems);
  }
  if (node.find("profile") != nullptr && config.credentials_file.empty()) {
    config::refuse(node, "profile", "profile is of a credentials_file", problems);
  }
}

void check(const BedrockConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const ConfigNode* region = node.find("region");
  if (region != nullptr && !region->unresolved && !is_region(config.region)) {
    config::refuse(node, "region", "region must be one of AWS's, such as us-east-1", problems);
  }
  ai::check_url(config.base_url, "base_url", node, problems);
  ai::check_key({config.access_key_id}, "access_key_id", node, problems);
  ai::check_key(config.secret_access_key, "secret_access_key", node, problems);
  ai::check_key(config.session_token, "session_token", node, problems);
  ai::check_key(config.bearer_token, "bearer_token", node, problems);
  check_keys(config, node, problems);
}

std::string default_url(const std::string& region) {
  const char* const domain = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  return "https://bedrock-runtime." + region + domain;
}

Result<AiConnection> create(const ParsedConfig& parsed, const std::string& base_dir) {
  const auto& config = config_of<BedrockConfig>(parsed);
  AiConnection made;
  made.provider = std::make_unique<BedrockConverse>(config.region);
  made.access.base_url = ai::without_slash(config.base_url.empty() ? default_url(config.region) : config.base_url);
  made.access.key = config.bearer_token.value;
  if (!config.access_key_id.empty()) {
    made.access.signing =
        AiSigningKeys{config.access_key_id, config.secret_access_key.value, config.session_token.value};
  }
  if (config.credentials_file.empty()) {
    made.key_file = ai::path_from(base_dir, config.bearer_token_file);
    return made;
  }
  made.key_file = ai::path_from(base_dir, config.credentials_file);
  made.read_key = [profile = config.profile](std::string_view text, AiAccess& access) -> Status {
    TRY_ASSIGN(access.signing, parse_aws_credentials(text, profile));
    return {};
  };
  return made;
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kProvider;
  d.name = "bedrock";
  d.summary = "AWS Bedrock: models of many makers, by the Converse API.";
  d.description =
      "Chats, streamed or not, with images by their bytes, tools and answers by a JSON Schema; embeddings of "
      "Amazon's "
      "Titan and of Cohere. Requests are signed (AWS Signature Version 4), or carry an API key of Bedrock's. What "
      "one model "
      "alone knows goes into `extra: {additionalModelRequestFields: {…}}`.";
  d.input_trust =
      "Answers may be anything: what is no answer, breaks off or is too large has failed, and no more.";
  d.guarantee = "An answer ends once: it is complete, or it has failed, also where the service had said 200.";
  d.examples = {{"With keys from the environment",
                 "bedrock:\n  region: us-east-1\n  access_key_id: '${AWS_ACCESS_KEY_ID}'\n  secret_access_key: "
                 "'${AWS_SECRET_ACCESS_KEY}'"},
                {"With keys that expire, in a file that is renewed",
                 "bedrock: {region: eu-central-1, credentials_file: /run/secrets/aws/credentials}"},
                {"With an API key", "bedrock: {region: us-east-1, bearer_token: '${AWS_BEARER_TOKEN_BEDROCK}'}"}};
  bind_spec<BedrockConfig>(d, spec(), check);
  d.create_provider = create;
  return d;
}

}  // namespace

const Descriptor& bedrock_provider() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::components
