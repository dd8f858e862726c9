#include "config/ai_section.h"

#include <catch2/catch.hpp>
#include <string>

#include "config/ai_spec.h"
#include "config/redact.h"
#include "config/testing/components.h"

namespace colloquium::config {
namespace {

struct Outcome {
  PipelineConfig config;
  std::string messages;
};

Outcome read(const std::string& ai) {
  ConfigProblems problems;
  Outcome outcome;
  Substitutions substitutions;
  substitutions.variable = [](std::string_view name) -> std::optional<std::string> {
    return name == "KEY" ? std::optional<std::string>("sk-1") : std::nullopt;
  };
  substitutions.secret = [](std::string_view) -> Result<std::string> { return "s3cret"; };
  outcome.config = read_pipeline(ai + "\nsources: [{file: {path: in.ndjson}}]\nsinks: [{file: {path: out/x}}]\n",
                                 "p.yaml", {testing::registry(), substitutions, "/base"}, problems);
  outcome.messages = describe(problems);
  return outcome;
}

// Of a file whose `ai` has two providers, and `text`, each line of it indented as its keys are.
Outcome with(const std::string& text) {
  return read("ai:\n  providers: [{openai: {}}, {name: local, ollama: {}}]\n" + text);
}

std::string of_entry(const std::string& more) {
  return read("ai: {providers: [{openai: {}, " + more + "}]}").messages;
}

TEST_CASE("an ai section with everything in it is read into its model", "[REQ-061][REQ-062][REQ-069]") {
  const auto [config, messages] = read(R"(
ai:
  providers:
    - openai: {api_key: "${KEY}"}
      limits: {requests: 500, tokens: 200000, per: 30s, request_burst: 20, token_burst: 9000}
      models:
        gpt-4o: {limits: {requests: 50}, max_output_tokens: 2000}
        org/model: {}
      timeouts: {connect: 1s, first_byte: 2s, silence: 3s, total: 4s}
      retry: {attempts: 5, initial: 1s, max: 9s}
      breaker: {failures: 2, open: 1m}
      connections: 8
    - name: local
      ollama: {}
  prices: my-prices.json
  unpriced: 1 USD
  budgets:
    - {name: team, limit: 10 USD, window: month, provider: openai, model: gpt-4o, key: a, pipeline: p,
       alerts: [10, 90], then: wait}
    - {name: cheap, limit: "0.5 USD", then: {switch: local/llama3.2}}
  cache: {ttl: 2h, size: 1MiB}
  calls: {retention: {time: 7d, size: 1GiB}}
  audit: {retention: {time: 365d}, bodies: true}
  redact: [email, {name: order, expression: "ORD-[0-9]+"}])");
  CHECK(messages == "");
  REQUIRE(config.providers.size() == 2);
  const ComponentConfig& openai = config.providers[0];
  CHECK(openai.name == "openai");
  CHECK(openai.descriptor->kind == ComponentKind::kProvider);
  CHECK(config_of<testing::ModelConfig>(openai.parsed).api_key.value == "sk-1");
  REQUIRE(openai.provider.limits);
  CHECK(openai.provider.limits->requests == 500);
  CHECK(openai.provider.limits->tokens == 200'000);
  CHECK(openai.provider.limits->per.ms == 30'000);
  CHECK(openai.provider.limits->request_burst == 20);
  CHECK(openai.provider.limits->token_burst == 9000);
  CHECK(openai.provider.models.at("gpt-4o").limits->requests == 50);
  CHECK(openai.provider.models.at("gpt-4o").max_output_tokens == 2000);
  CHECK_FALSE(openai.provider.models.at("org/model").limits);
  CHECK(openai.provider.timeouts.connect.ms == 1000);
  CHECK(openai.provider.timeouts.first_byte.ms == 2000);
  CHECK(openai.provider.timeouts.silence.ms == 3000);
  CHECK(openai.provider.timeouts.total.ms == 4000);
  CHECK(openai.provider.retry.attempts == 5);
  CHECK(openai.provider.retry.initial.ms == 1000);
  CHECK(openai.provider.retry.max.ms == 9000);
  CHECK(openai.provider.breaker.failures == 2);
  CHECK(openai.provider.breaker.open.ms == 60'000);
  CHECK(openai.provider.connections == 8);
  CHECK(config.providers[1].name == "local");
  REQUIRE(config.ai);
  CHECK(config.ai->prices == "my-prices.json");
  CHECK(config.ai->unpriced.reserve == NanoUsd{kNanoPerUsd});
  REQUIRE(config.ai->budgets.size() == 2);
  const AiBudgetConfig& team = config.ai->budgets[0];
  CHECK(team.name == "team");
  CHECK(team.limit == NanoUsd{10 * kNanoPerUsd});
  CHECK(team.window == AiWindow::kMonth);
  CHECK(team.provider + team.model + team.key + team.pipeline == "openaigpt-4oap");
  CHECK(team.alerts == std::vector<int32_t>{10, 90});
  CHECK(team.then.action == AiBudgetAction::kWait);
  CHECK(team.then.switch_to == "");
  CHECK(team.mark.describe() == "p.yaml:18:7");
  CHECK(config.ai->budgets[1].limit == NanoUsd{kNanoPerUsd / 2});
  CHECK(config.ai->budgets[1].window == AiWindow::kDay);
  CHECK(config.ai->budgets[1].then.switch_to == "local/llama3.2");
  CHECK(config.ai->cache->ttl.ms == 7'200'000);
  CHECK(config.ai->cache->size.bytes == 1 << 20);
  CHECK(config.ai->calls.retention.time.ms == int64_t{7} * 86'400'000);
  CHECK(config.ai->audit->retention.time.ms == int64_t{365} * 86'400'000);
  CHECK(config.ai->audit->bodies);
  REQUIRE(config.ai->redact.size() == 2);
  CHECK(config.ai->redact[0].name == "email");
  CHECK(config.ai->redact[0].expression == "");
  CHECK(config.ai->redact[1].name == "order");
  CHECK(config.ai->redact[1].expression == "ORD-[0-9]+");
}

TEST_CASE("what an ai section does not say has its default, and without one there is none") {
  const auto [config, messages] = with("");
  CHECK(messages == "");
  REQUIRE(config.ai);
  CHECK(config.ai->mark.describe() == "p.yaml:2:3");
  CHECK_FALSE(config.ai->unpriced.reserve);
  CHECK(config.ai->budgets.empty());
  CHECK_FALSE(config.ai->cache);
  CHECK_FALSE(config.ai->audit);
  CHECK(config.ai->calls.retention.time.ms == int64_t{30} * 86'400'000);
  CHECK(config.ai->calls.retention.size.bytes == int64_t{10} << 30);
  const ProviderSettings& settings = config.providers[0].provider;
  CHECK_FALSE(settings.limits);
  CHECK(settings.timeouts.connect.ms == 10'000);
  CHECK(settings.timeouts.total.ms == 600'000);
  CHECK(settings.retry.attempts == 3);
  CHECK(settings.breaker.failures == 5);
  CHECK(settings.connections == 64);
  const PipelineConfig without = read("").config;
  CHECK_FALSE(without.ai);
  CHECK(without.providers.empty());
  // What is written empty is as if it were not given; `{}` asks for the defaults.
  CHECK_FALSE(with("  cache:").config.ai->cache);
  CHECK(with("  cache: {}").config.ai->cache->size.bytes == 64 << 20);
  CHECK(with("  unpriced: refuse").messages == "");
}

TEST_CASE("an ai section has providers, as a pipeline has sources") {
  CHECK(read("ai: {}").messages == "p.yaml:1:5: error: missing key 'providers' in ai\n");
  CHECK(read("ai: on").messages == "p.yaml:1:5: error: ai must be a map with providers, found the string 'on'\n");
  CHECK(read("ai: {providers: []}").messages == "p.yaml:1:17: error: ai needs at least one provider\n");
  CHECK(
      read("ai: {providers: openai}").messages ==
      "p.yaml:1:17: error: ai.providers must be a list, found the string 'openai'; begin each entry with '- '\n");
  CHECK(read("ai: {providers: [openai]}").messages ==
        "p.yaml:1:18: error: ai.providers[0] must be a map, found the string 'openai'; write 'openai: {}'\n");
  CHECK(read("ai: {providers: [{opnai: {}}]}").messages ==
        "p.yaml:1:19: error: unknown provider 'opnai'; did you mean 'openai'?\n");
  CHECK(read("ai: {providers: [{filter: {}}]}").messages ==
        "p.yaml:1:19: error: 'filter' is a stage, not a provider; put it under 'stages'\n");
  CHECK(read("ai: {providers: [{openai: {}}, {openai: {}}]}").config.providers[1].name == "openai-2");
  CHECK(read("ai: {providers: [{name: a, openai: {}}, {name: a, ollama: {}}]}").messages ==
        "p.yaml:1:48: error: two ai.providers are called 'a'; the first is at p.yaml:1:25\n");
  CHECK(read("ai: {providers: [{openai: {api_kee: x}}]}").messages ==
        "p.yaml:1:28: error: unknown key 'api_kee' in openai; did you mean 'api_key'?\n");
  CHECK(with("  budget: []").messages ==
        "p.yaml:3:3: error: unknown key 'budget' in ai; did you mean 'budgets'?\n");
  CHECK(read("stages: [{openai: {}}]")
            .messages.find("'openai' is a provider, not a stage; put it under "
                           "'ai.providers'") != std::string::npos);
}

TEST_CASE("what every provider may be told is checked, each problem where it stands", "[REQ-061][REQ-069]") {
  CHECK(of_entry("timeout: {}") ==
        "p.yaml:1:31: error: unknown key 'timeout' in ai.providers[0]; did you mean 'timeouts'?\n");
  CHECK(of_entry("timeouts: {conect: 1s}") ==
        "p.yaml:1:42: error: unknown key 'conect' in ai.providers[0].timeouts; did you mean 'connect'?\n");
  CHECK(of_entry("limits: {}") == "p.yaml:1:39: error: ai.providers[0].limits needs requests, tokens, or both\n");
  CHECK(of_entry("limits: {reqests: 5}") ==
        "p.yaml:1:40: error: unknown key 'reqests' in ai.providers[0].limits; did you mean 'requests'?\n");
  CHECK(of_entry("limits: {requests: 0}") ==
        "p.yaml:1:50: error: ai.providers[0].limits.requests must be at least 1, found the number 0\n");
  CHECK(of_entry("limits: {requests: 9, token_burst: 5}") ==
        "p.yaml:1:66: error: ai.providers[0].limits.token_burst is of tokens: give them as well\n");
  CHECK(of_entry("limits: {tokens: 9, request_burst: 5}") ==
        "p.yaml:1:66: error: ai.providers[0].limits.request_burst is of requests: give them as well\n");
  CHECK(of_entry("models: {gpt-4o: {limits: {}}}") ==
        "p.yaml:1:57: error: ai.providers[0].models.gpt-4o.limits needs requests, tokens, or both\n");
  CHECK(of_entry("retry: {initial: 10s}") ==
        "p.yaml:1:38: error: ai.providers[0].retry.initial must not be longer than ai.providers[0].retry.max\n");
  CHECK(of_entry("connections: 0").find("ai.providers[0].connections must be between 1 and 10000") !=
        std::string::npos);
  CHECK(of_entry("when: true").find("unknown key 'when' in ai.providers[0]") != std::string::npos);
}

TEST_CASE("budgets speak of providers that there are, and of amounts", "[REQ-062]") {
  const auto budget = [](const std::string& text) { return with("  budgets: [" + text + "]").messages; };
  CHECK(budget("{name: a, limit: 10}") ==
        "p.yaml:3:30: error: ai.budgets[0].limit must be an amount such as 10 USD or 0.005 USD, found the number "
        "10\n");
  CHECK(budget("{name: a, limit: 10 EUR}").find("found the string '10 EUR'") != std::string::npos);
  CHECK(budget("{name: a, limit: 0 USD}") ==
        "p.yaml:3:30: error: ai.budgets[0].limit must be at least 0.000000001 USD, found the string '0 USD'\n");
  CHECK(budget("{name: a, limit: -1 USD}").find("must be at least") != std::string::npos);
  CHECK(budget("{limit: 1 USD}") == "p.yaml:3:13: error: missing key 'name' in ai.budgets[0]\n");
  CHECK(budget("{name: a, limit: 1 USD}, {name: a, limit: 2 USD}") ==
        "p.yaml:3:45: error: two budgets are called 'a'; the first is at p.yaml:3:20\n");
  CHECK(budget("{name: a, limit: 1 USD, provider: opnai}") ==
        "p.yaml:3:47: error: there is no provider 'opnai'; did you mean 'openai'?\n");
  CHECK(budget("{name: a, limit: 1 USD, provider: xyz}") ==
        "p.yaml:3:47: error: there is no provider 'xyz'; known: openai or local\n");
  CHECK(budget("{name: a, limit: 1 USD, alerts: [80, 50]}") ==
        "p.yaml:3:45: error: ai.budgets[0].alerts must ascend\n");
  CHECK(budget("{name: a, limit: 1 USD, alerts: [50, 50]}").find("must ascend") != std::string::npos);
  CHECK(budget("{name: a, limit: 1 USD, alerts: [0]}") ==
        "p.yaml:3:45: error: ai.budgets[0].alerts are percentages, from 1 to 1000\n");
  CHECK(budget("{name: a, limit: 1 USD, window: week}").find("must be hour, day, month or total") !=
        std::string::npos);
}

TEST_CASE("a provider that could not be read is no second problem of a budget that speaks of it") {
  CHECK(read("ai: {providers: [{opnai: {}}], budgets: [{name: a, limit: 1 USD, provider: openai}]}").messages ==
        "p.yaml:1:19: error: unknown provider 'opnai'; did you mean 'openai'?\n");
}

TEST_CASE("what becomes of a call that a budget does not allow is one thing", "[REQ-062][REQ-063]") {
  const auto then = [](const std::string& text) {
    return with("  budgets: [{name: a, limit: 1 USD, then: " + text + "}]");
  };
  CHECK(then("dead_letter").config.ai->budgets[0].then.action == AiBudgetAction::kDeadLetter);
  CHECK(then("{action: stop}").messages == "");
  CHECK(then("stopp").messages.find(
            "must be stop, dead_letter or wait, found the string 'stopp'; did you mean 'stop'?") !=
        std::string::npos);
  CHECK(then("{}").messages == "p.yaml:3:43: error: ai.budgets[0].then needs either an action or a switch\n");
  CHECK(then("{action: wait, switch: local/x}").messages.find("needs either") != std::string::npos);
  CHECK(
      then("{switch: gpt-4o}").messages ==
      "p.yaml:3:52: error: ai.budgets[0].then.switch must be a provider and a model, such as openai/gpt-4o-mini, "
      "found the string 'gpt-4o'\n");
  CHECK(then("{switch: lokal/x}").messages ==
        "p.yaml:3:52: error: there is no provider 'lokal'; did you mean 'local'?\n");
}

TEST_CASE("a model without a price is refused, or an amount is reserved for it", "[REQ-062]") {
  CHECK(with("  unpriced: \"0.25 USD\"").config.ai->unpriced.reserve == NanoUsd{kNanoPerUsd / 4});
  CHECK(with("  unpriced: 0 USD").config.ai->unpriced.reserve == NanoUsd{0});
  CHECK(with("  unpriced: allow").messages ==
        "p.yaml:3:13: error: ai.unpriced must be refuse, or an amount such as 1 USD, found the string 'allow'\n");
  CHECK(with("  unpriced: 1").messages.find("must be refuse, or an amount") != std::string::npos);
}

TEST_CASE("what is taken out of texts is known, or an expression of one's own") {
  CHECK(with("  redact: [emial]").messages ==
        "p.yaml:3:12: error: 'emial' is no redaction that is known; did you mean 'email'?\n");
  CHECK(with("  redact: [order]").messages ==
        "p.yaml:3:12: error: 'order' is no redaction that is known: give it an expression, or one of email, iban, "
        "card, "
        "ip or phone\n");
  CHECK(with("  redact: [{expression: x}]").messages ==
        "p.yaml:3:12: error: missing key 'name' in ai.redact[0]\n");
  CHECK(with("  redact: [{name: order, expression: \"\"}]")
            .messages.find("ai.redact[0].expression must not be empty") != std::string::npos);
}

TEST_CASE("a model's name is a provider's and its own") {
  CHECK(parse_model_name("openai/gpt-4o")->provider == "openai");
  CHECK(parse_model_name("local/org/model")->model == "org/model");
  for (const char* bad : {"", "x", "/x", "x/", "/"}) CHECK_FALSE(parse_model_name(bad));
}

TEST_CASE("amounts are shown as they are read") {
  struct Prices {
    NanoUsd most{kNanoPerUsd / 2};
  };
  auto spec = ConfigSpec<Prices>().field("most", &Prices::most, {.description = "Most.", .maximum = kNanoPerUsd});
  CHECK(spec.object().fields[0].options.default_text == "0.5 USD");
  const auto read_most = [&](const std::string& text) { return testing::read_text(spec, "most: " + text).second; };
  CHECK(read_most("0.000000001 USD") == "");
  CHECK(read_most("2 USD") == "f.yaml:1:7: error: thing.most must be at most 1 USD, found the string '2 USD'\n");
  for (const char* bad : {"USD", "\" USD\"", "1USD", "1.0000000001 USD", "1e3 USD", "[]"})
    CHECK(read_most(bad) != "");
}

TEST_CASE("keys of providers are shown to nobody") {
  const auto [config, messages] =
      read("ai: {providers: [{openai: {api_key: sk-plain}}, {ollama: {api_key: \"${secret:k}\"}}]}");
  CHECK(messages == "");
  const std::string shown = to_yaml(config.shown);
  CHECK(shown.find("sk-plain") == std::string::npos);
  CHECK(shown.find("s3cret") == std::string::npos);
  CHECK(shown.find("***") != std::string::npos);
}

}  // namespace
}  // namespace colloquium::config
