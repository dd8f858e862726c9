#include <algorithm>
#include <set>

#include "base/assert.h"
#include "computo/expression.h"
#include "engine/ai_desk.h"
#include "engine/pipeline.h"
#include "engine/plan_data.h"
#include "engine/script_metrics.h"
#include "io/file_system.h"

namespace colloquium::engine {

namespace {

// Compiles one of the engine's own expressions; what is wrong with it joins `problems`.
computo::ProgramPtr compile(const Expression& expression, const computo::ExpressionScope& scope,
                            ConfigProblems& problems) {
  return expression ? computo::compile_expression_in(expression.node, scope, problems) : nullptr;
}

constexpr size_t kScriptLimitBytes = size_t{64} << 20;

// What the scripts of this pipeline may name.
ScriptNames script_names(const config::PipelineConfig& config) {
  ScriptNames names;
  names.base_dir = config.base_dir;
  for (const auto& [name, value] : config.context) names.variables.push_back(name);
  names.metrics = declared_metrics(config);
  names.providers.emplace();
  for (const config::ComponentConfig& provider : config.providers) names.providers->push_back(provider.name);
  return names;
}

// The same for expressions of the engine's own; what they import is found from the folder of the pipeline's file.
computo::ExpressionScope scope_of(const ScriptNames& names) {
  return computo::scope_of(
      names, [](const std::string& path, const std::string& from, std::string& found, std::string& problem) {
        return io::read_beside(io::posix_file_system(), path, from, kScriptLimitBytes, found, problem);
      });
}

// At the door an event has no meta data yet; and metrics would count what is refused or comes again.
computo::ExpressionScope door_scope(computo::ExpressionScope scope) {
  std::erase(scope.variables, computo::host_variables()[computo::kEventMetadata]);
  scope.metrics.clear();
  return scope;
}

void check_scripts(const std::vector<config::ComponentConfig>& components, const ScriptNames& names,
                   ConfigProblems& problems) {
  for (const config::ComponentConfig& component : components) {
    if (component.parsed == nullptr || !component.descriptor->check_scripts) continue;
    component.descriptor->check_scripts(component.parsed, names, problems);
  }
}

bool has_errors(const ConfigProblems& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const ConfigProblem& problem) { return !problem.warning; });
}

// "sources hook, file" or "source hook".
std::string list_of(const std::vector<config::ComponentConfig>& components, const std::string& one) {
  std::string out = components.size() == 1 ? one : one + "s";
  for (size_t i = 0; i < components.size(); ++i) out += (i == 0 ? " " : ", ") + components[i].name;
  return out;
}

void add_route(const config::PipelineConfig& config, const config::ComponentConfig& sink,
               const std::vector<computo::ProgramPtr>& programs, SinkPlan& plan) {
  if (sink.route.empty()) return;
  const auto takes = [&](const std::string& name) {
    return std::find(sink.route.begin(), sink.route.end(), name) != sink.route.end();
  };
  ASSERT(programs.size() == config.route.cases.size());
  for (size_t i = 0; i < programs.size(); ++i) {
    plan.route.push_back({programs[i], takes(config.route.cases[i].name)});
  }
  plan.first_match = config.route.match == config::RouteMatch::kFirst;
  plan.takes_rest = !config.route.rest.empty() && takes(config.route.rest);
}

std::string route_text(const config::ComponentConfig& sink) {
  std::string names;
  for (const std::string& name : sink.route) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? names : " -> route " + names;
}

std::string_view to_string(log::AckLevel level) {
  switch (level) {
    case log::AckLevel::kDurable:
      return "durable";
    case log::AckLevel::kWritten:
      return "written";
    case log::AckLevel::kQueued:
      return "queued";
  }
  return "durable";
}

std::string_view to_string(log::Codec codec) {
  switch (codec) {
    case log::Codec::kNone:
      return "none";
    case log::Codec::kGzip:
      return "gzip";
    case log::Codec::kLz4:
      return "lz4";
    case log::Codec::kZstd:
      return "zstd";
  }
  return "none";
}

std::vector<SectionPlan> sections_of(const config::PipelineConfig& config) {
  std::vector<SectionPlan> sections = {{.stream = config.name}};
  for (size_t i = 0; i < config.stages.size(); ++i) {
    const config::ComponentConfig& stage = config.stages[i];
    sections.back().end_stage = i + 1;
    // Whatever is no filter may make several events of one, so ids need the leg's name to stay distinct.
    if (stage.descriptor->create_pure_stage) {
      sections.back().makes_events = sections.back().makes_events || stage.descriptor->name != "filter";
      continue;
    }
    sections.back().end_stage = i;
    sections.back().async_stage = i;
    sections.push_back({.stream = config.name + "." + stage.name, .first_stage = i + 1, .end_stage = i + 1});
  }
  return sections;
}

// What such a stage makes stands in a stream that is called after it.
void check_async_stages(const PlanData& data, ConfigProblems& problems) {
  for (const SectionPlan& section : data.sections) {
    if (!section.async_stage) continue;
    const config::ComponentConfig& stage = data.config.stages[*section.async_stage];
    if (!stage.named) {
      problems.push_back({stage.kind_mark,
                          "stage " + stage.name + " needs a name: what it makes is kept in the stream '" +
                              data.config.name + ".<name>'",
                          false});
    }
    const auto same = [&](const config::ComponentConfig& sink) { return sink.name == stage.name; };
    if (stage.name == "calls" || stage.name == "audit") {
      problems.push_back({stage.kind_mark,
                          "stage " + stage.name + " would share the stream '" + data.config.name + "." +
                              stage.name + "' with the records of calls to models; give it another name",
                          false});
    } else if (std::any_of(data.config.sinks.begin(), data.config.sinks.end(), same)) {
      problems.push_back({stage.kind_mark,
                          "stage " + stage.name + " and sink " + stage.name +
                              " are legs, and would commit under one name; give one of them another",
                          false});
    }
    if (!data.logged()) {
      problems.push_back({stage.kind_mark,
                          "stage " + stage.name + " needs the log, which keeps what it makes; remove 'log: off'",
                          false});
    }
  }
}

// What the pair promises (design: Promises).
std::string promise(const PlanData& data, size_t source, size_t sink) {
  const config::ComponentConfig& from = data.config.sources[source];
  const config::ComponentConfig& to = data.config.sinks[sink];
  const std::string pair = from.name + " -> " + to.name + ": ";
  const bool rereadable = data.sources[source].traits.rereadable;
  // From the weakest promise to the strongest; the first that applies is the one made.
  if (!data.logged() && !rereadable) {
    return pair + "at most once if the process stops (log: off, and the source can't be read again)";
  }
  if (data.sinks[sink].guarantee == Guarantee::kAtLeastOnce) {
    const std::string& known_by = to.descriptor->repeats_known_by;
    return pair + "at least once" +
           (known_by.empty() ? "" : " (the receiver can drop repeats by " + known_by + ")");
  }
  const std::string good =
      data.sinks[sink].guarantee == Guarantee::kExactlyOnce ? "exactly once" : "effectively once, by stable id";
  const std::string& repeats = data.sources[source].traits.repeats;
  if (rereadable && repeats.empty()) return pair + good;
  if (data.sources[source].dedupe_sequence)
    return pair + good + " for events that their producer numbers, as dedupe.sequence has it";
  if (data.sources[source].dedupe_key)
    return pair + good + " for events with the id of dedupe.key, within its window";
  if (rereadable) return pair + "at least once " + repeats + ", else " + good;
  return pair + good + " from its acceptance on; a client that sends again makes a new event (set dedupe)";
}

}  // namespace

bool PlanData::any_rereadable() const {
  return std::any_of(sources.begin(), sources.end(),
                     [](const SourcePlan& source) { return source.traits.rereadable; });
}

log::Codec PlanData::codec() const {
  switch (config.log.compression) {
    case config::Compression::kNone:
      return log::Codec::kNone;
    case config::Compression::kGzip:
      return log::Codec::kGzip;
    case config::Compression::kLz4:
      return log::Codec::kLz4;
    case config::Compression::kZstd:
      return log::Codec::kZstd;
  }
  return log::Codec::kLz4;
}

log::AckLevel PlanData::ack() const {
  switch (config.log.ack) {
    case config::Ack::kDurable:
      return log::AckLevel::kDurable;
    case config::Ack::kWritten:
      return log::AckLevel::kWritten;
    case config::Ack::kQueued:
      return log::AckLevel::kQueued;
  }
  return log::AckLevel::kDurable;
}

RetryPolicy PlanData::retry(const config::ComponentConfig& component) const {
  const config::RetryConfig& retry = component.errors.retry.value_or(config.errors.retry);
  RetryPolicy policy;
  policy.kind = retry.policy == config::RetryKind::kNone    ? RetryPolicy::Kind::kNone
                : retry.policy == config::RetryKind::kFixed ? RetryPolicy::Kind::kFixed
                                                            : RetryPolicy::Kind::kExponential;
  policy.initial_ms = retry.initial.ms;
  policy.max_ms = retry.max.ms;
  policy.attempts = retry.attempts;
  policy.age_ms = retry.age.ms;
  return policy;
}

config::FailureAction PlanData::failure_action(const config::ComponentConfig& component) const {
  return component.errors.then.value_or(config.errors.then);
}

std::string PlanData::forward_to(const config::ComponentConfig& component) const {
  if (!component.errors.to.empty()) return component.errors.to;
  return component.errors.then ? std::string() : config.errors.to;
}

std::vector<std::string> PlanData::rescuers() const {
  std::set<std::string> targets;
  for (const auto* components : {&config.stages, &config.sinks}) {
    for (const config::ComponentConfig& component : *components) targets.insert(forward_to(component));
  }
  targets.erase("");
  return {targets.begin(), targets.end()};
}

std::vector<std::string> PlanData::forward_targets() const {
  const std::vector<std::string> all = rescuers();
  std::set<std::string> targets(all.begin(), all.end());
  if (config.errors.alert) targets.insert(config.errors.alert->to);
  targets.erase("");
  return {targets.begin(), targets.end()};
}

std::string PlanData::dead_stream() const {
  return config.errors.dead_letter.empty() ? config.name + ".dead" : config.errors.dead_letter;
}

std::vector<std::string> PlanData::legs(const SectionPlan& section) const {
  if (section.async_stage) return {config.stages[*section.async_stage].name};
  std::vector<std::string> names;
  for (const config::ComponentConfig& sink : config.sinks) names.push_back(sink.name);
  return names;
}

std::map<std::string, std::string> PlanData::script_variables() const {
  ConfigNode name;
  name.kind = ConfigNode::Kind::kString;
  name.text = config.name;
  std::map<std::string, std::string> variables = {
      {"stream_metadata", "{\"name\":" + name.to_json() +
                              ",\"partitions\":" + std::to_string(logged() ? config.log.partitions : 1) + "}"},
      {"pipeline_config", config.shown.to_json()}};
  for (const auto& [variable, value] : config.context) variables.emplace(variable, value.to_json());
  return variables;
}

Plan::Plan(std::unique_ptr<const PlanData> data) : data_(std::move(data)) {}
Plan::~Plan() = default;

std::shared_ptr<const Plan> Plan::compile(config::PipelineConfig config, ConfigProblems& problems) {
  auto data = std::make_unique<PlanData>();
  data->config = std::move(config);
  const config::PipelineConfig& from = data->config;
  const ScriptNames names = script_names(from);
  const computo::ExpressionScope scope = scope_of(names);
  const computo::ExpressionScope at_door = door_scope(scope);
  data->partition_by = engine::compile(from.log.partition_by, at_door, problems);
  for (const config::ComponentConfig& source : from.sources) {
    SourcePlan plan;
    if (source.descriptor->source_traits) plan.traits = source.descriptor->source_traits(source.parsed);
    if (plan.traits.needs_log && !data->logged()) {
      problems.push_back({source.kind_mark,
                          "source " + source.name + " needs the log, which keeps its positions; remove 'log: off'",
                          false});
    }
    if (source.dedupe) plan.dedupe_key = engine::compile(source.dedupe->key, at_door, problems);
    if (source.dedupe) plan.dedupe_sequence = engine::compile(source.dedupe->sequence, at_door, problems);
    data->sources.push_back(std::move(plan));
  }
  for (const config::ComponentConfig& sink : from.sinks) {
    if (!sink.max_lag || data->logged()) continue;
    problems.push_back(
        {sink.max_lag->mark,
         "max_lag of sink " + sink.name + " needs the log; with 'log: off' nothing waits but the source", false});
  }
  if (!data->forward_targets().empty() && !data->logged()) {
    problems.push_back({from.mark,
                        "errors.to and errors.alert.to need the log; with 'log: off' an event that failed is kept "
                        "as a dead letter, or dropped",
                        false});
  }
  check_ai(from, problems);
  data->sections = sections_of(from);
  check_async_stages(*data, problems);
  for (const auto* section : {&from.sources, &from.stages, &from.sinks}) check_scripts(*section, names, problems);
  std::vector<computo::ProgramPtr> routes;
  for (const config::RouteCaseConfig& each : from.route.cases) {
    routes.push_back(engine::compile(each.when, scope, problems));
  }
  for (const config::ComponentConfig& sink : from.sinks) {
    SinkPlan plan;
    plan.when = engine::compile(sink.when, scope, problems);
    add_route(from, sink, routes, plan);
    const Descriptor& descriptor = *sink.descriptor;
    plan.guarantee = descriptor.delivery_of ? descriptor.delivery_of(sink.parsed) : descriptor.delivery;
    data->sinks.push_back(std::move(plan));
  }
  // Only now, so that all of them are reported at once.
  if (has_errors(problems)) return nullptr;
  return std::make_shared<const Plan>(std::move(data));
}

const std::string& Plan::name() const {
  return data_->config.name;
}

std::string Plan::explain() const {
  const config::PipelineConfig& config = data_->config;
  std::string out = "pipeline " + config.name + "\n";
  std::string input = list_of(config.sources, "source");
  if (data_->logged()) {
    out += "  leg " + config.name + ": " + input + " -> stream " + config.name + " (" +
           std::to_string(config.log.partitions) +
           (config.log.partitions == 1 ? " partition, " : " partitions, ") +
           std::string(to_string(data_->codec())) + ", ack " + std::string(to_string(data_->ack())) + ")\n";
    input = "stream " + config.name;
  } else {
    input += " (log: off, joined by a bounded queue per source)";
  }
  for (const SectionPlan& section : data_->sections) {
    std::string stages;
    for (size_t i = section.first_stage; i < section.end_stage; ++i) stages += " -> " + config.stages[i].name;
    if (section.async_stage) {
      const config::ComponentConfig& stage = config.stages[*section.async_stage];
      const std::string stream = config.name + "." + stage.name;
      out += "  leg " + config.name + "/" + stage.name + ": " + input + stages + " -> " + stage.name + " (" +
             stage.descriptor->name + ") -> stream " + stream + "\n";
      input = "stream " + stream;
      continue;
    }
    for (const config::ComponentConfig& sink : config.sinks) {
      out += "  leg " + config.name + "/" + sink.name + ": " + input + stages + route_text(sink) +
             (sink.when ? " -> when" : "") + " -> sink " + sink.name + " (" + sink.descriptor->name + ")\n";
    }
  }
  out += needs_data_directory() ? "  dead letters: stream " + data_->dead_stream() + "\n"
                                : "  dead letters: none; what fails is logged and counted\n";
  for (const std::string& line : promises()) out += "  promise: " + line + "\n";
  return out;
}

std::vector<std::string> Plan::promises() const {
  std::vector<std::string> out;
  for (size_t source = 0; source < data_->sources.size(); ++source) {
    for (size_t sink = 0; sink < data_->sinks.size(); ++sink) out.push_back(promise(*data_, source, sink));
  }
  return out;
}

bool Plan::needs_data_directory() const {
  return data_->logged() || data_->any_rereadable();
}

}  // namespace colloquium::engine
