#include <algorithm>
#include <set>
#include <string>

#include "components/ai/ai_stage_config.h"
#include "config/problems.h"
#include "json/put.h"

namespace colloquium {

ConfigSpec<components::AiModelSetting> ConfigObject<components::AiModelSetting>::spec() {
  using Setting = components::AiModelSetting;
  return ConfigSpec<Setting>()
      .field("model", &Setting::model,
             {.description = "A provider of `ai.providers` and one of its models: `openai/gpt-4o-mini`.",
              .example = "openai/gpt-4o-mini",
              .required = true})
      .field("weight", &Setting::weight, {.description = "Its share, with `route: weighted`."})
      .shorthand("model");
}

ConfigSpec<components::AiParameterSettings> ConfigObject<components::AiParameterSettings>::spec() {
  using Settings = components::AiParameterSettings;
  return ConfigSpec<Settings>()
      .field("max_output_tokens", &Settings::max_output_tokens,
             {.description = "What an answer may take at most. Also what is reserved of budgets for it.",
              .example = "500",
              .minimum = 1})
      .field("temperature", &Settings::temperature, {.description = "As the provider has it.", .example = "0"})
      .field("top_p", &Settings::top_p, {.description = "As the provider has it."})
      .field("seed", &Settings::seed, {.description = "As the provider has it."})
      .field("stop", &Settings::stop, {.description = "Texts that end an answer."})
      .field(
          "extra", &Settings::extra,
          {.description = "Members that are added to the request as they are, for what only one provider knows.",
           .example = "{reasoning_effort: low}",
           .advanced = true});
}

ConfigSpec<components::AiToolSetting> ConfigObject<components::AiToolSetting>::spec() {
  using Setting = components::AiToolSetting;
  return ConfigSpec<Setting>()
      .field("name", &Setting::name, {.description = "What the model calls it.", .required = true, .minimum = 1})
      .field("description", &Setting::description, {.description = "When the model should want it."})
      .field(
          "parameters", &Setting::parameters,
          {.description = "JSON Schema of its arguments: a map, or the path of a JSON file.", .required = true});
}

ConfigSpec<components::AiOutputSettings> ConfigObject<components::AiOutputSettings>::spec() {
  using Settings = components::AiOutputSettings;
  return ConfigSpec<Settings>()
      .field("schema", &Settings::schema,
             {.description = "JSON Schema that the answer has to be of: a map, or the path of a JSON file.",
              .example = "schemas/triage.json",
              .required = true})
      .field("repairs", &Settings::repairs,
             {.description = "How often the model is told what is wrong with its answer and asked again.",
              .minimum = 0,
              .maximum = 5});
}

ConfigSpec<components::AiCacheSetting> ConfigObject<components::AiCacheSetting>::spec() {
  using Setting = components::AiCacheSetting;
  return ConfigSpec<Setting>()
      .field("ttl", &Setting::ttl,
             {.description = "How long an answer is given again.",
              .minimum = 1,
              .maximum = int64_t{366} * 86'400'000})
      .field("key", &Setting::key,
             {.description = "Events for which this gives the same get the same answer. Without: those that ask "
                             "the same in all."});
}

ConfigSpec<components::AiBatchSetting> ConfigObject<components::AiBatchSetting>::spec() {
  using Setting = components::AiBatchSetting;
  return ConfigSpec<Setting>()
      .field("size", &Setting::size,
             {.description =
                  "Twice as many events of each partition are asked for at the same time, and wait in memory for "
                  "up to a day: with 50000, 100,000. A batch is sent once it has so many questions …",
              .minimum = 1,
              .maximum = 50'000})
      .field("every", &Setting::every,
             {.description = "… or so long after its first.", .minimum = 1, .maximum = 86'400'000})
      .field("poll", &Setting::poll,
             {.description = "How often the provider is asked whether it is done.",
              .minimum = 10,
              .maximum = 86'400'000});
}

ConfigSpec<components::AiArmSetting> ConfigObject<components::AiArmSetting>::spec() {
  using Setting = components::AiArmSetting;
  return ConfigSpec<Setting>()
      .field("name", &Setting::name, {.description = "In reports and details.", .required = true, .minimum = 1})
      .field("weight", &Setting::weight, {.description = "Its share of the events."})
      .field("prompt", &Setting::prompt, {.description = "Another prompt than the stage's."})
      .field("models", &Setting::models, {.description = "Other models than the stage's."});
}

ConfigSpec<components::AiExperimentSettings> ConfigObject<components::AiExperimentSettings>::spec() {
  using Settings = components::AiExperimentSettings;
  return ConfigSpec<Settings>()
      .field("arms", &Settings::arms, {.description = "Two or more.", .required = true, .minimum = 2})
      .field("by", &Settings::by,
             {.description = "Events for which this gives the same are in the same arm. Without: by the event's "
                             "key, or its id where it has none."});
}

}  // namespace colloquium

namespace colloquium::components {

ConfigSpec<AiStageConfig> ai_stage_spec() {
  using Config = AiStageConfig;
  return ConfigSpec<Config>()
      .field("task", &Config::task,
             {.description = "`chat`: the answer's text. `classify`: one of `labels`. `extract`: JSON of "
                             "`output.schema`. `embed`: vectors of `input`."})
      .field("models", &Config::models,
             {.description = "Which models may be asked. The next one is asked where one can't answer.",
              .example = "[openai/gpt-4o-mini, claude/claude-haiku-4-5]",
              .required = true,
              .minimum = 1})
      .field("route", &Config::route,
             {.description = "Which is asked first: the first of them, one drawn by `weight`, or the cheapest for "
                             "this question."})
      .field("prompt", &Config::prompt,
             {.description = "A file of messages with `{{ expressions }}` in them, without its `.md`.",
              .example = "prompts/triage@3"})
      .field("system", &Config::system,
             {.description = "Instructions, instead of a file: text with `{{ expressions }}`."})
      .field("user", &Config::user,
             {.description = "What is asked, instead of a file: text with `{{ expressions }}`.",
              .example = "\"Translate into English: {{ $input/text }}\""})
      .field("messages", &Config::messages,
             {.description = "Instead: a script that gives the messages, `[{role, content}]`; a content is a text "
                             "or a list of `{text}` "
                             "and `{image}`.",
              .advanced = true})
      .field("input", &Config::input,
             {.description = "`embed`: a text, or a list of texts. Without: the event as JSON.",
              .example = "= $input/text"})
      .field("labels", &Config::labels, {.description = "`classify`: the answers there are."})
      .field("tools", &Config::tools,
             {.description = "What the model may call for. It is not called here: what it wants is the answer.",
              .advanced = true})
      .field("output", &Config::output, {.description = "What the answer has to be."})
      .field("parameters", &Config::parameters, {.description = "How the model answers."})
      .field(
          "into", &Config::into,
          {.description = "Where in the event the answer goes, a JSON Pointer. Without: `/` and the stage's name.",
           .example = "/triage"})
      .field("details", &Config::details,
             {.description = "Where in the event it is said who answered, at what cost: a JSON Pointer.",
              .example = "/triage_details"})
      .field("cache", &Config::cache, {.description = "Answers are given again for a while, at no cost."})
      .field("share", &Config::share,
             {.description = "Events that ask the same at the same time share one answer.", .advanced = true})
      .field("batch", &Config::batch,
             {.description =
                  "Questions are collected and sent as one batch, which costs less (mostly half) and takes "
                  "up to a day. For the providers `openai` and `anthropic`. A batch that is out outlives a "
                  "restart.",
              .example = "{size: 5000, every: 10m}"})
      .field("concurrency", &Config::concurrency,
             {.description = "Events that are asked for at the same time, in each partition. With `batch` it is "
                             "at least twice the batch's `size`, which may be more than this can be set to.",
              .minimum = 1,
              .maximum = 10'000})
      .field("on_unknown", &Config::on_unknown,
             {.description = "What becomes of an event whose question was on its way when the process died, so "
                             "that nobody knows "
                             "whether it was answered: asked again, and perhaps paid twice, or given up."})
      .field("on_error", &Config::on_error,
             {.description =
                  "What takes the answer's place where there is none: an expression that may read `$error`. "
                  "Without: `errors.then`."})
      .field("experiment", &Config::experiment, {.description = "Several prompts or models side by side."});
}

namespace {

void need(bool holds, const ConfigNode& node, const char* key, const char* what, ConfigProblems& problems) {
  if (!holds) config::refuse(node, key, what, problems);
}

void check_pointer(const std::string& pointer, const char* key, const ConfigNode& node, ConfigProblems& problems) {
  const auto path = json::parse_pointer(pointer);
  need(pointer.empty() || (path && !path->empty()), node, key, "a JSON Pointer begins with '/'", problems);
}

bool is_weight(double weight) {
  return weight >= 0 && weight < 1e9;
}

// Of models that one is drawn of.
bool can_draw(const std::vector<AiModelSetting>& models, AiRouting route) {
  double sum = 0;
  for (const AiModelSetting& model : models) {
    if (!is_weight(model.weight)) return false;
    sum += model.weight;
  }
  return models.empty() || route != AiRouting::kWeighted || sum > 0;
}

void check_weights(const AiStageConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  constexpr char kModels[] = "a weight is 0 or more, and with `route: weighted` one of them more than 0";
  need(can_draw(config.models, config.route), node, "models", kModels, problems);
  if (!config.experiment) return;
  const auto& arms = config.experiment->arms;
  const bool draws = std::all_of(arms.begin(), arms.end(),
                                 [&](const AiArmSetting& arm) { return can_draw(arm.models, config.route); });
  need(draws, node, "experiment", kModels, problems);
  bool all = true;
  double sum = 0;
  std::set<std::string> names;
  for (const AiArmSetting& arm : arms) {
    all = all && is_weight(arm.weight);
    sum += arm.weight;
    names.insert(arm.name);
  }
  need(all && sum > 0, node, "experiment", "a weight is 0 or more, and one of them more than 0", problems);
  need(names.size() == arms.size(), node, "experiment", "each arm has a name of its own", problems);
}

}  // namespace

void check_ai_stage(AiStageConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  const bool embeds = config.task == AiStageTask::kEmbed;
  const int ways = (config.prompt.empty() ? 0 : 1) + (config.user.empty() && config.system.empty() ? 0 : 1) +
                   (config.messages ? 1 : 0);
  const auto arm_asks = [&](const AiArmSetting& arm) { return !arm.prompt.empty(); };
  const bool arms_ask =
      config.experiment && std::all_of(config.experiment->arms.begin(), config.experiment->arms.end(), arm_asks);
  if (embeds) {
    need(ways == 0, node, config.prompt.empty() ? "user" : "prompt",
         "an embedding has an `input`, and no messages", problems);
    need(!config.output, node, "output", "an embedding has no schema", problems);
    need(config.tools.empty(), node, "tools", "an embedding calls nothing", problems);
  } else {
    need(!config.input, node, "input", "only `task: embed` has an input", problems);
    need(ways == 1 || (ways == 0 && arms_ask), node, "task",
         "what is asked is said by one of `prompt`, `user` (with `system`) and `messages`", problems);
  }
  const bool classifies = config.task == AiStageTask::kClassify;
  need(classifies == !config.labels.empty(), node, "labels",
       classifies ? "`task: classify` needs labels" : "only `task: classify` has labels", problems);
  const std::set<std::string> labels(config.labels.begin(), config.labels.end());
  need(labels.size() == config.labels.size() && labels.count("") == 0, node, "labels",
       "labels are different from each other, and not empty", problems);
  need(!classifies || !config.output, node, "output", "`task: classify` has a schema of its own", problems);
  need(config.task != AiStageTask::kExtract || config.output, node, "task", "`task: extract` needs output.schema",
       problems);
  need(config.parameters.extra.kind == ConfigNode::Kind::kNull ||
           config.parameters.extra.kind == ConfigNode::Kind::kMap,
       node, "parameters", "`extra` is a map", problems);
  check_pointer(config.into, "into", node, problems);
  check_pointer(config.details, "details", node, problems);
  check_weights(config, node, problems);
}

}  // namespace colloquium::components
