#include "config/ai_spec.h"

#include "config/problems.h"

namespace colloquium {

using namespace config;

ConfigSpec<AiLimitsConfig> ConfigObject<AiLimitsConfig>::spec() {
  return ConfigSpec<AiLimitsConfig>()
      .field("requests", &AiLimitsConfig::requests,
             {.description = "Calls within `per`.", .default_text = "no limit", .example = "500", .minimum = 1})
      .field("tokens", &AiLimitsConfig::tokens,
             {.description = "Tokens within `per`, of what is asked and of the answers.",
              .default_text = "no limit",
              .example = "200000",
              .minimum = 1})
      .field("per", &AiLimitsConfig::per,
             {.description = "How long a time these are for.", .minimum = 1000, .maximum = 86'400'000})
      .field("request_burst", &AiLimitsConfig::request_burst,
             {.description = "Calls that may go at once after a pause.",
              .default_text = "as many as `requests`",
              .minimum = 1})
      .field(
          "token_burst", &AiLimitsConfig::token_burst,
          {.description = "Tokens that may go at once after a pause. A call that is larger waits until all of it "
                          "is there.",
           .default_text = "as many as `tokens`",
           .minimum = 1});
}

ConfigSpec<AiModelConfig> ConfigObject<AiModelConfig>::spec() {
  return ConfigSpec<AiModelConfig>()
      .field("limits", &AiModelConfig::limits,
             {.description = "Of this model, instead of the provider's.", .example = "{requests: 50}"})
      .field(
          "max_output_tokens", &AiModelConfig::max_output_tokens,
          {.description = "What an answer may take at most where a stage names no bound itself: it is sent along, "
                          "and its cost reserved.",
           .example = "2000",
           .minimum = 1});
}

ConfigSpec<AiTimeoutsConfig> ConfigObject<AiTimeoutsConfig>::spec() {
  return ConfigSpec<AiTimeoutsConfig>()
      .field("connect", &AiTimeoutsConfig::connect, {.description = "Until there is a connection.", .minimum = 1})
      .field("first_byte", &AiTimeoutsConfig::first_byte,
             {.description = "From then until the answer begins.", .minimum = 1})
      .field("silence", &AiTimeoutsConfig::silence,
             {.description = "Between two pieces of an answer.", .minimum = 1})
      .field("total", &AiTimeoutsConfig::total, {.description = "For one try, all in all.", .minimum = 1});
}

ConfigSpec<AiRetryConfig> ConfigObject<AiRetryConfig>::spec() {
  return ConfigSpec<AiRetryConfig>()
      .field("attempts", &AiRetryConfig::attempts,
             {.description = "How often a call is sent at most, the first time included.",
              .minimum = 1,
              .maximum = 100})
      .field("initial", &AiRetryConfig::initial,
             {.description = "Wait before the second time; it doubles from there. What the provider asks for goes "
                             "before it.",
              .minimum = 1})
      .field("max", &AiRetryConfig::max, {.description = "Wait at most.", .minimum = 1});
}

ConfigSpec<AiBreakerConfig> ConfigObject<AiBreakerConfig>::spec() {
  return ConfigSpec<AiBreakerConfig>()
      .field("failures", &AiBreakerConfig::failures,
             {.description = "After so many failures in a row nothing is sent …", .minimum = 1})
      .field("open", &AiBreakerConfig::open,
             {.description = "… for this long; then one call tries it.", .minimum = 1});
}

ConfigSpec<AiBudgetThen> ConfigObject<AiBudgetThen>::spec() {
  return ConfigSpec<AiBudgetThen>()
      .field("action", &AiBudgetThen::action,
             {.description = "`stop` ends the pipeline, `dead_letter` lays the event aside, `wait` holds it until "
                             "the next window begins."})
      .field("switch", &AiBudgetThen::switch_to,
             {.description = "Instead: the model that is asked in its place.",
              .example = "openai/gpt-4o-mini",
              .minimum = 1})
      .shorthand("action");
}

ConfigSpec<AiBudgetConfig> ConfigObject<AiBudgetConfig>::spec() {
  const auto scope = [](const char* whose, const char* example) {
    return FieldOptions{.description = std::string("Only calls ") + whose + " count.",
                        .default_text = "any",
                        .example = example,
                        .minimum = 1};
  };
  return ConfigSpec<AiBudgetConfig>()
      .field(
          "name", &AiBudgetConfig::name,
          {.description = "What messages and metrics call it.", .example = "team", .required = true, .minimum = 1})
      .field(
          "limit", &AiBudgetConfig::limit,
          {.description = "What may be spent in one window. What a call may cost at most is reserved before it is "
                          "sent, so calls that race do not exceed it.",
           .example = "10 USD",
           .required = true,
           .minimum = 1})
      .field("window", &AiBudgetConfig::window,
             {.description = "`hour`, `day` and `month` begin by UTC; `total` never ends."})
      .field("provider", &AiBudgetConfig::provider, scope("to this provider, by its name,", "openai"))
      .field("model", &AiBudgetConfig::model, scope("to this model", "gpt-4o"))
      .field("key", &AiBudgetConfig::key, scope("with the key of this name", "team-a"))
      .field("pipeline", &AiBudgetConfig::pipeline, scope("of this pipeline", "orders"))
      .field("alerts", &AiBudgetConfig::alerts,
             {.description = "Percentages of the limit that are told when they are reached, ascending.",
              .maximum = 20})
      .field("then", &AiBudgetConfig::then,
             {.description =
                  "What becomes of a call that it does not allow: `stop`, `dead_letter`, `wait`, or "
                  "`{switch: provider/model}`. Where only what is reserved for calls that are under way stands "
                  "in its way, it waits for those first: behind a batch that holds the money, for up to "
                  "a day.",
              .default_text = "stop"});
}

ConfigSpec<AiCacheConfig> ConfigObject<AiCacheConfig>::spec() {
  return ConfigSpec<AiCacheConfig>()
      .field("ttl", &AiCacheConfig::ttl,
             {.description =
                  "How far back a restart looks for them, at least: it always does as far as the `cache` of a "
                  "stage or source has them given again.",
              .minimum = 1})
      .field("size", &AiCacheConfig::size,
             {.description = "Memory for them; what was asked for longest ago goes first.",
              .minimum = int64_t{64} << 10});
}

ConfigSpec<AiRetentionConfig> ConfigObject<AiRetentionConfig>::spec() {
  return ConfigSpec<AiRetentionConfig>()
      .field("time", &AiRetentionConfig::time,
             {.description = "What is older may be removed.",
              .default_text = "for ever",
              .example = "30d",
              .minimum = 1000})
      .field("size", &AiRetentionConfig::size,
             {.description = "While there is more, the oldest may be removed.",
              .default_text = "any size",
              .example = "10GiB",
              .minimum = int64_t{2} << 20});
}

ConfigSpec<AiCallsConfig> ConfigObject<AiCallsConfig>::spec() {
  return ConfigSpec<AiCallsConfig>().field(
      "retention", &AiCallsConfig::retention,
      {.description =
           "How long a call's record is kept: what is asked again for the same event after that, as in a "
           "replay, is paid again.",
       .default_text = "{time: 30d, size: 10GiB}"});
}

ConfigSpec<AiAuditConfig> ConfigObject<AiAuditConfig>::spec() {
  return ConfigSpec<AiAuditConfig>()
      .field("retention", &AiAuditConfig::retention,
             {.description = "How long it is kept.", .example = "{time: 365d}"})
      .field(
          "bodies", &AiAuditConfig::bodies,
          {.description = "Keep also what was asked and answered, and not only who asked whom, when, and what it "
                          "cost."});
}

ConfigSpec<AiRedactConfig> ConfigObject<AiRedactConfig>::spec() {
  return ConfigSpec<AiRedactConfig>()
      .field("name", &AiRedactConfig::name,
             {.description = "What stands in its place, in brackets. Without an expression one of those that are "
                             "known: `email`, `iban`, `card`, `ip` and `phone`.",
              .example = "email",
              .required = true,
              .minimum = 1,
              .maximum = 100})
      .field("expression", &AiRedactConfig::expression,
             {.description = "A regular expression (RE2) of one's own.", .example = "ORD-[0-9]+", .minimum = 1})
      .shorthand("name");
}

FieldSpec ConfigType<AiUnpriced>::describe(std::string name, FieldOptions options) {
  const auto read = [](const ConfigNode& node, std::string_view path, const FieldOptions& bounds,
                       ConfigProblems& problems) -> std::optional<AiUnpriced> {
    if (node.unresolved) return std::nullopt;
    if (node.kind == ConfigNode::Kind::kString && node.text == "refuse") return AiUnpriced{};
    ConfigProblems others;
    if (const auto amount = read_amount(node, path, bounds, others)) return AiUnpriced{amount};
    add_error(problems, node.mark,
              std::string(path) + " must be refuse, or an amount such as 1 USD, " + found(node));
    return std::nullopt;
  };
  options.minimum = 0;
  return scalar_field<AiUnpriced>(std::move(name), FieldType::kAmount, std::move(options), read);
}

std::string ConfigType<AiUnpriced>::show(const AiUnpriced& value) {
  return value.reserve ? show_amount(*value.reserve) : "refuse";
}

namespace config {
namespace {

ConfigSpec<AiConfig> ai_spec() {
  return ConfigSpec<AiConfig>()
      .field(
          "prices", &AiConfig::prices,
          {.description = "A file with prices of models, which go before those that ship; relative to this one.",
           .default_text = "those that ship",
           .example = "prices.json",
           .minimum = 1})
      .field(
          "unpriced", &AiConfig::unpriced,
          {.description = "A model that has no price is refused, or counts as this much a call until its cost is "
                          "known."})
      .field("budgets", &AiConfig::budgets, {.description = "How much may be spent."})
      .field("cache", &AiConfig::cache,
             {.description =
                  "Memory for answers that are given again. Stages and sources say with a `cache` of their "
                  "own which are, and for how long; without this section they have 64MiB.",
              .example = "{ttl: 1h, size: 64MiB}"})
      .field("calls", &AiConfig::calls, {.description = "The record of every call, with its answer."})
      .field(
          "audit", &AiConfig::audit,
          {.description = "A stream that says who asked whom, when, and what it cost. Without it there is none.",
           .example = "{retention: {time: 365d}}"})
      .field(
          "redact", &AiConfig::redact,
          {.description = "What is taken out of every text before it leaves, in prompts and in records alike, and "
                          "out of the addresses of images; what images show is not looked into.",
           .example = "[email, {name: order, expression: 'ORD-[0-9]+'}]"});
}

}  // namespace

ConfigSpec<ProviderSettings> provider_settings_spec() {
  return ConfigSpec<ProviderSettings>()
      .field("limits", &ProviderSettings::limits,
             {.description = "How much may be sent to each of its models in a while. More of it waits.",
              .example = "{requests: 500, tokens: 200000, per: 1m}"})
      .field("models", &ProviderSettings::models,
             {.description = "What holds for one of its models.", .example = "{gpt-4o: {limits: {requests: 50}}}"})
      .field("timeouts", &ProviderSettings::timeouts, {.description = "How long it may take."})
      .field("retry", &ProviderSettings::retry,
             {.description = "What happens to a call that failed, where another try may help."})
      .field("breaker", &ProviderSettings::breaker,
             {.description = "When to leave a provider that fails alone for a while."})
      .field("connections", &ProviderSettings::connections,
             {.description = "Connections to it at a time.", .minimum = 1, .maximum = 10'000});
}

ObjectSpec ai_object() {
  ObjectSpec object = ai_spec().object();
  FieldSpec providers{
      .name = "providers",
      .type = FieldType::kAny,
      .options = {.description = "Whom stages and sources may ask, by its name, and a model of it as "
                                 "`provider/model`.",
                  .required = true}};
  providers.read = [](const ConfigNode&, std::string_view, void*, ConfigProblems&) {};
  object.fields.insert(object.fields.begin(), std::move(providers));
  return object;
}

}  // namespace config
}  // namespace colloquium
