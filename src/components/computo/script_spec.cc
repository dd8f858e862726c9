// The settings of the stages `computo` and `filter`, and how they are made.

#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/computo/script.h"
#include "components/computo/script_stage.h"

namespace colloquium {

namespace components {
namespace {

struct OnErrorConfig {
  ConfigNode default_value;
  Expression fallback;

  // `default: null` is a value too, so the place tells whether it was given.
  bool has_default() const { return default_value.mark.line > 0; }
};

struct LimitsConfig {
  int64_t steps = static_cast<int64_t>(computo::Limits().steps);
  int32_t depth = static_cast<int32_t>(computo::Limits().depth);
  ByteSize memory{static_cast<int64_t>(computo::Limits().memory_bytes)};
  ByteSize output{static_cast<int64_t>(computo::Limits().output_bytes)};
};

}  // namespace
}  // namespace components

template <>
struct ConfigEnum<components::Emit> {
  static constexpr std::pair<std::string_view, components::Emit> values[] = {{"one", components::Emit::kOne},
                                                                             {"each", components::Emit::kEach}};
};

template <>
struct ConfigObject<components::OnErrorConfig> {
  static ConfigSpec<components::OnErrorConfig> spec() {
    using components::OnErrorConfig;
    return ConfigSpec<OnErrorConfig>()
        .field("default", &OnErrorConfig::default_value,
               {.description = "A value that takes the result's place; `null` drops the event.",
                .example = "{ok: false}"})
        .field("fallback", &OnErrorConfig::fallback,
               {.description =
                    "A script whose result takes the result's place: an expression, or the path of a file.",
                .example = "'= {input: $input, why: error/message}'"});
  }
};

template <>
struct ConfigObject<components::LimitsConfig> {
  static ConfigSpec<components::LimitsConfig> spec() {
    using components::LimitsConfig;
    return ConfigSpec<LimitsConfig>()
        .field("steps", &LimitsConfig::steps,
               {.description = "Steps: about an operator each.", .minimum = 1, .maximum = int64_t{1} << 40})
        .field("depth", &LimitsConfig::depth,
               {.description = "Functions that call one another.", .minimum = 1, .maximum = 100'000})
        .field("memory", &LimitsConfig::memory,
               {.description = "Memory of values that are made.", .minimum = 4096, .maximum = int64_t{1} << 36})
        .field("output", &LimitsConfig::output,
               {.description = "Bytes of the result.", .minimum = 1, .maximum = int64_t{1} << 30});
  }
};

namespace components {

namespace {

struct ComputoConfig {
  Expression script;
  Emit emit = Emit::kOne;
  OnErrorConfig on_error;
  Duration timeout;
  LimitsConfig limits;
};

struct FilterConfig {
  Expression expression;
  Duration timeout;
  LimitsConfig limits;
};

const io::FileSystem& files_of(const ComponentContext& context) {
  const io::FileSystem* files = context.services.find<io::FileSystem>();
  return files == nullptr ? io::posix_file_system() : *files;
}

Result<std::shared_ptr<const computo::HostContext>> host_context(const ComponentContext& context) {
  if (context.script_variables == nullptr) return std::shared_ptr<const computo::HostContext>();
  return computo::HostContext::create(*context.script_variables);
}

computo::Limits limits_of(const LimitsConfig& config, Duration timeout, const ComponentContext& context) {
  computo::Limits limits;
  limits.steps = static_cast<uint64_t>(config.steps);
  limits.depth = static_cast<uint32_t>(config.depth);
  limits.memory_bytes = static_cast<uint64_t>(config.memory.bytes);
  limits.output_bytes = static_cast<uint64_t>(config.output.bytes);
  limits.timeout_ms = timeout.ms;
  limits.clock = &context.clock;
  return limits;
}

// A default is the value of a variable that a script of one word reads, so that it is written like any result.
constexpr const char* kDefaultVariable = "default";
constexpr const char* kErrorVariable = "error";

ConfigNode default_script() {
  ConfigNode script;
  script.kind = ConfigNode::Kind::kString;
  script.text = "=default";
  return script;
}

computo::ExpressionScope fallback_scope(const ScriptNames& names, const io::FileSystem& files) {
  computo::ExpressionScope scope = scope_of(names, files);
  scope.variables.emplace_back(kErrorVariable);
  return scope;
}

// The script that runs where the stage's own has failed, if there is one.
Result<std::optional<ScriptSetup>> fallback_of(const OnErrorConfig& config, ScriptSetup script,
                                               const ComponentContext& context) {
  if (config.has_default()) {
    TRY_ASSIGN(script.program, computo::compile_expression(default_script(), {kDefaultVariable}));
    TRY_ASSIGN(script.context, computo::HostContext::create({{kDefaultVariable, config.default_value.to_json()}}));
    return std::optional<ScriptSetup>(std::move(script));
  }
  if (!config.fallback) return std::optional<ScriptSetup>();
  const io::FileSystem& files = files_of(context);
  TRY_ASSIGN(script.program, compile_setting(config.fallback.node, context.base_dir,
                                             fallback_scope(script_names(context), files), files));
  return std::optional<ScriptSetup>(std::move(script));
}

Result<ScriptSetup> setup_of(const Expression& expression, const LimitsConfig& limits, Duration timeout,
                             const ComponentContext& context) {
  const io::FileSystem& files = files_of(context);
  ScriptSetup setup;
  TRY_ASSIGN(setup.program,
             compile_setting(expression.node, context.base_dir, scope_of(script_names(context), files), files));
  TRY_ASSIGN(setup.context, host_context(context));
  setup.metrics = context.script_metrics;
  setup.limits = limits_of(limits, timeout, context);
  return setup;
}

Result<std::unique_ptr<PureStage>> create_computo(const ParsedConfig& parsed, ComponentContext context) {
  const auto& config = config_of<ComputoConfig>(parsed);
  TRY_ASSIGN(ScriptSetup script, setup_of(config.script, config.limits, config.timeout, context));
  TRY_ASSIGN(std::optional<ScriptSetup> fallback, fallback_of(config.on_error, script, context));
  return std::make_unique<ComputoStage>(std::move(script), config.emit, std::move(fallback));
}

Result<std::unique_ptr<PureStage>> create_filter(const ParsedConfig& parsed, ComponentContext context) {
  const auto& config = config_of<FilterConfig>(parsed);
  TRY_ASSIGN(ScriptSetup script, setup_of(config.expression, config.limits, config.timeout, context));
  return std::make_unique<FilterStage>(std::move(script));
}

void check_on_error(const OnErrorConfig& config, const ScriptNames& names, ConfigProblems& problems) {
  if (config.has_default() && config.fallback) {
    problems.push_back({config.fallback.node.mark, "on_error takes a default or a fallback, not both"});
  }
  if (!config.fallback) return;
  const io::FileSystem& files = io::posix_file_system();
  compile_setting(config.fallback.node, names.base_dir, fallback_scope(names, files), files, problems);
}

Descriptor describe_computo() {
  Descriptor d;
  d.kind = ComponentKind::kStage;
  d.name = "computo";
  d.summary = "Runs a Computo script on every event; what it gives takes the event's place.";
  d.description =
      "The script is an inline expression, or the path of a `.json` or `.computo` file, relative to the pipeline "
      "file. An expression is in JSON form, written as a YAML list, or in sugar, as a string that begins with "
      "`=`. It reads the event as `$input`, and the variables `event_metadata`, `stream_metadata`, "
      "`pipeline_config` and those of the pipeline's `context`; it may `import` other scripts, found from its own "
      "folder, and change the pipeline's `metrics`. A result of `null` drops the event. With `emit: each` an "
      "array becomes one event per element (`null` elements are dropped). Key, headers and time are the input "
      "event's.\n\n"
      "Values that a script only moves keep their bytes; objects it builds have their keys in ascending order.\n\n"
      "An event that the script fails on is a dead letter, unless `on_error` says what takes its place: a "
      "`default`, or what a `fallback` script gives, which runs over the same event and reads the failure as the "
      "variable `error`: `{arguments, category, column, line, message, path}`. If the fallback fails as well, the "
      "event is a dead letter that names both.";
  d.input_trust =
      "A script cannot reach files, network, clock or environment; steps, depth, memory and output are bounded, "
      "and an event that passes a bound fails alone.";
  d.guarantee = "A function of the event: the same event gives the same results however often it is run.";
  d.examples = {{"Rename and compute",
                 "computo: [obj, id, [$input, /order/id], total, [\"*\", [$input, /price], [$input, /count]]]"},
                {"One event per line item", "computo:\n  script: [$input, /items]\n  emit: each"},
                {"Drop events without a customer", "computo: [if, [$input, /customer], [$input], null]"},
                {"The same in sugar", "computo: = if $input/customer then $input else null"},
                {"Something else where the script fails",
                 "computo:\n  script: '= {total: $input/price * $input/count}'\n"
                 "  on_error:\n    fallback: '= {total: null, why: error/message}'"},
                {"At most 50 ms for an event", "computo:\n  script: = sort($input/items)\n  timeout: 50ms"}};
  bind_spec(
      d, ConfigSpec<ComputoConfig>()
             .field("script", &ComputoConfig::script,
                    {.description = "An expression, or the path of a `.json` or `.computo` file that holds one.",
                     .example = "[obj, id, [$input, /id]]",
                     .required = true})
             .field("emit", &ComputoConfig::emit,
                    {.description = "`one`: the result is one event. `each`: each element of a result that is "
                                    "an array is one."})
             .field("on_error", &ComputoConfig::on_error,
                    {.description = "What takes the place of an event that the script fails on; without it the "
                                    "event is a dead letter."})
             .field("timeout", &ComputoConfig::timeout,
                    {.description = "How long one evaluation may take; then the event has failed. 0: as long as "
                                    "its steps last.",
                     .minimum = 0,
                     .maximum = 3'600'000})
             .field("limits", &ComputoConfig::limits,
                    {.description = "What one evaluation may use; an event that passes a bound fails alone.",
                     .advanced = true})
             .shorthand("script"));
  d.create_pure_stage = create_computo;
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    const auto& config = config_of<ComputoConfig>(parsed);
    const io::FileSystem& files = io::posix_file_system();
    compile_setting(config.script.node, names.base_dir, scope_of(names, files), files, problems);
    check_on_error(config.on_error, names, problems);
  };
  return d;
}

Descriptor describe_filter() {
  Descriptor d;
  d.kind = ComponentKind::kStage;
  d.name = "filter";
  d.summary = "Keeps the events for which a Computo expression is truthy.";
  d.description =
      "The expression is written and reads what the script of `computo` does. Falsy are `false`, `null`, 0, "
      "`\"\"`, `[]` and `{}`; everything else keeps the event, unchanged to the byte.";
  d.input_trust =
      "An expression cannot reach files, network, clock or environment; steps, depth and memory are bounded, and "
      "an event that passes a bound fails alone.";
  d.guarantee = "A function of the event: the same event is kept or dropped however often it is run.";
  d.examples = {{"Large orders", "filter: [\">\", [$input, /total], 1000]"},
                {"The same in sugar", "filter: = $input/total > 1000"},
                {"Events that have a value", "filter: [not, [$, /event_metadata/tombstone]]"}};
  bind_spec(
      d, ConfigSpec<FilterConfig>()
             .field("expression", &FilterConfig::expression,
                    {.description = "An expression, or the path of a `.json` or `.computo` file that holds one.",
                     .example = "[\">\", [$input, /total], 0]",
                     .required = true})
             .field("timeout", &FilterConfig::timeout,
                    {.description = "How long one evaluation may take; then the event has failed. 0: as long as "
                                    "its steps last.",
                     .minimum = 0,
                     .maximum = 3'600'000})
             .field("limits", &FilterConfig::limits,
                    {.description = "What one evaluation may use; an event that passes a bound fails alone.",
                     .advanced = true})
             .shorthand("expression"));
  d.create_pure_stage = create_filter;
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    const auto& config = config_of<FilterConfig>(parsed);
    const io::FileSystem& files = io::posix_file_system();
    compile_setting(config.expression.node, names.base_dir, scope_of(names, files), files, problems);
  };
  return d;
}

}  // namespace

const Descriptor& computo_stage() {
  static const Descriptor descriptor = describe_computo();
  return descriptor;
}

const Descriptor& filter_stage() {
  static const Descriptor descriptor = describe_filter();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
