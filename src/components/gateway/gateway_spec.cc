// The settings of the gateways, and how they are made.
#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "components/gateway/gateway_source.h"
#include "config/problems.h"
#include "net/http_server.h"

namespace colloquium {

ConfigSpec<components::GatewayModel> ConfigObject<components::GatewayModel>::spec() {
  using Model = components::GatewayModel;
  return ConfigSpec<Model>()
      .field("model", &Model::model,
             {.description = "A provider of `ai.providers` and one of its models: `openai/gpt-4o-mini`.",
              .example = "openai/gpt-4o-mini",
              .required = true})
      .field("weight", &Model::weight, {.description = "Its share, with `route: weighted`."})
      .shorthand("model");
}

ConfigSpec<components::GatewayKey> ConfigObject<components::GatewayKey>::spec() {
  using Key = components::GatewayKey;
  return ConfigSpec<Key>()
      .field("name", &Key::name,
             {.description = "Who has it, for records and reports. Without: `key-1` and so on, by its place."})
      .field("key", &Key::key, {.description = "What the client sends.", .required = true})
      .shorthand("key");
}

ConfigSpec<components::GatewayCache> ConfigObject<components::GatewayCache>::spec() {
  using Cache = components::GatewayCache;
  return ConfigSpec<Cache>().field(
      "ttl", &Cache::ttl,
      {.description = "How long an answer is given again.", .minimum = 1, .maximum = int64_t{366} * 86'400'000});
}

namespace components {

ConfigSpec<GatewayConfig> gateway_spec(const std::string& path) {
  using Config = GatewayConfig;
  return ConfigSpec<Config>()
      .field("path", &Config::path,
             {.description = "Below which path of the listen address the API is.", .default_text = path})
      .field("models", &Config::models,
             {.description =
                  "Models by the names under which clients ask for them. The next of a list is asked where "
                  "one can't answer. `provider/model` needs no entry.",
              .example = "{gpt-4o-mini: [openai/gpt-4o-mini, claude/claude-haiku-4-5]}"})
      .field(
          "keys", &Config::keys,
          {.description = "Keys that clients have to send one of. Nobody is given another key's answer. Without: "
                          "anyone who reaches the listen address may ask.",
           .example = "[{name: web, key: \"${WEB_KEY}\"}]"})
      .field("route", &Config::route,
             {.description = "Which is asked first: the first of them, one drawn by `weight`, or the cheapest for "
                             "this question."})
      .field("cache", &Config::cache, {.description = "Answers are given again for a while, at no cost."})
      .field("pass_on", &Config::pass_on,
             {.description = "Members of requests that go to the provider as they are, beside those that are "
                             "understood, which need not and may not be named. Others are left out.",
              .example = "[reasoning_effort]",
              .advanced = true})
      .field("max_output_tokens", &Config::max_output_tokens,
             {.description =
                  "What an answer may take at most where the request does not say. Some providers have to be "
                  "told, and it is what is reserved of budgets.",
              .minimum = 1})
      .field("max_body", &Config::max_body,
             {.description = "Longer requests are refused with 413.", .minimum = 1, .maximum = 32 << 20})
      .field("max_requests", &Config::max_requests,
             {.description = "Requests under way at a time; beyond: 429.", .minimum = 1, .maximum = 100'000})
      .field("bodies", &Config::bodies,
             {.description = "Events have the request and the text of its answer, too."});
}

void check_gateway(GatewayConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const auto need = [&](bool holds, const char* key, const std::string& what) {
    if (!holds) config::refuse(node, key, what, problems);
  };
  while (config.path.ends_with('/')) config.path.pop_back();
  need(config.path.empty() || config.path.starts_with('/'), "path", "a path begins with '/'");
  need(config.path.find_first_of("?#* ") == std::string::npos, "path", "a path has no '?', '#', '*' or space");
  for (const auto& [name, models] : config.models) {
    need(!models.empty(), "models", "'" + name + "' needs a model");
    for (const GatewayModel& each : models) {
      need(model_choice(each.model).has_value(), "models",
           "a model is 'provider/model', not " + config::quoted(each.model));
      need(each.weight >= 0 && each.weight < 1e9, "models", "a weight is 0 or more");
    }
  }
  std::set<std::string> names;
  std::set<std::string> values;
  for (const GatewayKey& key : config.keys) {
    need(!key.key.value.empty(), "keys", "a key is not empty");
    const std::string name = key.name.empty() ? "key-" + std::to_string(names.size() + 1) : key.name;
    need(names.insert(name).second, "keys", "each key has a name of its own");
    need(values.insert(key.key.value).second, "keys", "no two keys are the same");
  }
}

namespace {

// Of an event: what is said of a request, and its answer, which as a JSON string is six times as long at most.
constexpr int64_t kMetaBytes = int64_t{1} << 20;
constexpr int64_t kAnswerBytes = 6 * (int64_t{16} << 20);

using MakeApi = std::shared_ptr<const GatewayApi> (*)();

// What requests of an API are read for: it goes to the provider in that one's own words, and once.
using Members = std::span<const std::string_view>;
constexpr std::string_view kOpenAiMembers[] = {"model",
                                               "messages",
                                               "tools",
                                               "tool_choice",
                                               "response_format",
                                               "max_tokens",
                                               "max_completion_tokens",
                                               "temperature",
                                               "top_p",
                                               "seed",
                                               "stop",
                                               "stream",
                                               "stream_options",
                                               "input",
                                               "encoding_format",
                                               "dimensions"};
constexpr std::string_view kAnthropicMembers[] = {"model",      "messages",      "system",        "tools",
                                                  "max_tokens", "tool_choice",   "temperature",   "top_p",
                                                  "stream",     "output_config", "stop_sequences"};

void check_pass_on(const GatewayConfig& config, Members understood, const ConfigNode& node,
                   ConfigProblems& problems) {
  for (const std::string& member : config.pass_on) {
    if (std::find(understood.begin(), understood.end(), member) == understood.end()) continue;
    config::refuse(
        node, "pass_on",
        config::quoted(member) + " is understood by itself, and goes to the provider without being named",
        problems);
  }
}

Descriptor describe(const std::string& name, const std::string& path, MakeApi make_api, Members understood) {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = name;
  d.status = ComponentStatus::kBeta;
  d.input_trust =
      "Anyone who reaches the port, or has one of `keys`: requests are bounded in size, number and time, and each "
      "is "
      "checked before a model is asked.";
  d.guarantee =
      "An answer's end is sent once the answer is recorded. A request that has ended is an event; the answer does "
      "not "
      "wait for that, and an event that the log has no room for is lost.";
  bind_spec(d, gateway_spec(path),
            [path, understood](GatewayConfig& config, const ConfigNode& node, ConfigProblems& problems) {
              if (node.find("path") == nullptr) config.path = path;
              check_gateway(config, node, problems);
              check_pass_on(config, understood, node, problems);
            });
  d.create_source = [make_api](const ParsedConfig& parsed,
                               SourceContext context) -> Result<std::unique_ptr<Source>> {
    TRY_ASSIGN(auto* server, required_service<net::HttpServer>(context, "a gateway", "ingest server"));
    return GatewaySource::create(std::move(context), config_of<GatewayConfig>(parsed), make_api(), *server);
  };
  d.keeps_answers_ms = [](const ParsedConfig& parsed) {
    const auto& config = config_of<GatewayConfig>(parsed);
    return config.cache ? config.cache->ttl.ms : 0;
  };
  d.source_traits = [](const ParsedConfig& parsed) {
    // A request as it came, its answer, and what is said of them.
    const auto& config = config_of<GatewayConfig>(parsed);
    return SourceTraits{
        .listens = true,
        .max_event_bytes = kMetaBytes + (config.bodies ? config.max_body.bytes + kAnswerBytes : 0)};
  };
  d.claims = [make_api](const ParsedConfig& parsed, const std::string&) {
    std::vector<Claim> claims;
    for (const ApiPath& each : make_api()->paths(config_of<GatewayConfig>(parsed).path)) {
      claims.push_back({"the path " + each.path, "path", each.shared, "give every source a path of its own"});
    }
    return claims;
  };
  return d;
}

Descriptor describe_openai() {
  Descriptor d = describe("openai_api", "/v1", openai_gateway_api, kOpenAiMembers);
  d.summary = "Answers applications as OpenAI's API does, with the pipeline's models.";
  d.description =
      "An application whose client of OpenAI has `http://<listen address>/v1` as its base URL asks the pipeline's "
      "`ai` section: within its budgets, with its cache and failover, recorded and audited. Served are "
      "`/chat/completions`, whole and streamed, `/embeddings` and `/models`. Each request that has ended is an "
      "event: "
      "`{\"api\", \"id\", \"model\", \"key\", \"status\", \"stream\", \"took_ms\", \"answered_by\", \"call\", "
      "\"from\", \"usage\", \"cost_usd\"}`.";
  d.examples = {{"One name for two models",
                 "openai_api:\n  models: {gpt-4o-mini: [openai/gpt-4o-mini, claude/claude-haiku-4-5]}\n"
                 "  keys: [{name: web, key: \"${WEB_KEY}\"}]\n  cache: {ttl: 1h}"}};
  return d;
}

Descriptor describe_anthropic() {
  Descriptor d = describe("anthropic_api", "/", anthropic_gateway_api, kAnthropicMembers);
  d.summary = "Answers applications as Anthropic's API does, with the pipeline's models.";
  d.description =
      "An application whose client of Anthropic has `http://<listen address>` as its base URL asks the pipeline's "
      "`ai` section: within its budgets, with its cache and failover, recorded and audited. Served are "
      "`/v1/messages`, whole and streamed, in both of the API's versions, `/v1/messages/count_tokens`, which "
      "costs "
      "nothing, and `/v1/models`. Each request for an answer that has ended is an event, as of `openai_api`.";
  d.examples = {{"One name for two models",
                 "anthropic_api:\n  models: {claude-haiku-4-5: [claude/claude-haiku-4-5, openai/gpt-4o-mini]}\n"
                 "  keys: [{name: web, key: \"${WEB_KEY}\"}]"}};
  return d;
}

}  // namespace

const Descriptor& anthropic_api() {
  static const Descriptor descriptor = describe_anthropic();
  return descriptor;
}

const Descriptor& openai_api() {
  static const Descriptor descriptor = describe_openai();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
