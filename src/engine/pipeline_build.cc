// How a run is put together: streams, legs, sources, runners, in that order. Legs and runners are in
// pipeline_sections.cc.
#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "engine/ai_desk.h"
#include "engine/feed.h"
#include "engine/id_window.h"
#include "engine/pipeline_run.h"
#include "engine/producer_sequences.h"
#include "engine/select_stage.h"

namespace colloquium::engine {

namespace {

// Bytes that wait between a source and its legs with `log: off`.
constexpr size_t kQueueBytes = 16u << 20;

constexpr char kTagAlphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

std::string random_tag(Random& random) {
  std::string tag;
  for (int i = 0; i < 8; ++i) tag.push_back(kTagAlphabet[random.next() % 36]);
  return tag;
}

std::string kind_label(const Descriptor& descriptor) {
  switch (descriptor.kind) {
    case ComponentKind::kSource:
      return descriptor.name + "_source";
    case ComponentKind::kStage:
      return descriptor.name + "_stage";
    case ComponentKind::kSink:
      return descriptor.name + "_sink";
    case ComponentKind::kProvider:
      return descriptor.name + "_provider";
  }
  return descriptor.name;
}

// Of what is put into a stream from outside of its pipeline.
std::shared_ptr<const BatchOrigin> origin_of(const log::StreamInfo& info) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = info.name;
  origin->tag = info.tag;
  return origin;
}

log::Retention retention_of(const config::RetentionConfig& wanted) {
  log::Retention retention;
  retention.time_ms = wanted.time.ms;
  retention.size_bytes = static_cast<uint64_t>(wanted.size.bytes);
  retention.drop_unread = wanted.drop_unread;
  return retention;
}

}  // namespace

Status PipelineRun::build() {
  TRY_ASSIGN(host_context_, computo::HostContext::create(*script_variables_));
  TRY_ASSIGN(script_metrics_, PipelineMetrics::create(config(), env_.metrics));
  // Legs before sources: where a source resumes follows from what the legs have committed (`log: off`). Runners
  // last, as they take the sources' queues and deliver to the legs.
  TRY(open_streams());
  make_alerts();
  // A replay has no sources, and perhaps begins behind the stages that ask.
  if (config().ai && (replay() == nullptr || sections_.size() > 1)) {
    TRY_ASSIGN(ai_desk_, AiDesk::create(config(), env_, plan_->data().logged() ? store() : nullptr));
  }
  TRY(build_legs());
  TRY(build_sources());
  return build_runners();
}

PipelineRun::Measured& PipelineRun::measure(const std::string& component, const Descriptor& descriptor) {
  measured_.push_back(std::make_unique<Measured>(plan_->name() + "/" + component, env_.clock));
  Measured& measured = *measured_.back();
  const auto alert = alerts_ == nullptr ? nullptr : alerts_->watch(component, measured.counters);
  if (env_.metrics == nullptr) return measured;
  metrics::Labels labels{.pipeline = plan_->name(),
                         .component = component,
                         .kind = kind_label(descriptor),
                         .reason = {},
                         .partition = {}};
  measured.registrations.push_back(env_.metrics->add(labels, measured.counters));
  if (alert) {
    measured.registrations.push_back(env_.metrics->gauge(
        {"colloquium_error_alert", "1 while more of a component's events fail than errors.alert allows."}, labels,
        alert));
  }
  // Every reason from the start, as for errors.
  for (size_t i = 0; i < ErrorCounters::kReasons; ++i) {
    const auto reason = static_cast<ErrorCode>(i);
    labels.reason = to_string(reason);
    measured.registrations.push_back(env_.metrics->counter(
        {"colloquium_dead_letters_total", "Events a component gave up for good, by reason."}, labels,
        [&letters = measured.letters, reason] { return static_cast<double>(letters.counts().value(reason)); }));
  }
  return measured;
}

void PipelineRun::measure_dedupe(const std::string& source, const Descriptor& descriptor,
                                 const std::shared_ptr<DedupeTable>& table) {
  if (env_.metrics == nullptr) return;
  const metrics::Labels labels{.pipeline = plan_->name(),
                               .component = source,
                               .kind = kind_label(descriptor),
                               .reason = {},
                               .partition = {}};
  registrations_.push_back(env_.metrics->gauge(
      {"colloquium_dedupe_horizon_seconds",
       "How far back a source knows the ids it has delivered: its window, or less where max_ids cuts it short."},
      labels, [table, &clock = env_.clock] {
        const int64_t now_ms = clock.wall_ms();
        return static_cast<double>(now_ms - table->horizon_ms(now_ms)) / 1000;
      }));
  registrations_.push_back(env_.metrics->gauge({"colloquium_dedupe_ids", "Ids a source remembers."}, labels,
                                               [table] { return static_cast<double>(table->size()); }));
}

ComponentContext PipelineRun::component_context(const config::ComponentConfig& component) const {
  return ComponentContext{.loop = env_.loop,
                          .clock = env_.clock,
                          .random = env_.random,
                          .services = env_.services,
                          .pipeline = plan_->name(),
                          .name = component.name,
                          .base_dir = config().base_dir,
                          .script_variables = script_variables_,
                          .script_metrics = script_metrics_,
                          .ai = ai_desk_ == nullptr ? nullptr : &ai_desk_->calls()};
}

size_t PipelineRun::partition_count() const {
  if (replay() != nullptr) return replay()->spans.size();
  return plan_->data().logged() ? static_cast<size_t>(config().log.partitions) : config().sources.size();
}

// Also if nothing is to be removed: a pipeline that is started again may have had another retention before.
log::Retention PipelineRun::retention() const {
  log::Retention retention = retention_of(config().log.retention);
  for (const config::ComponentConfig& source : config().sources) {
    if (source.dedupe) retention.keep_ms = std::max(retention.keep_ms, source.dedupe->window.ms);
  }
  return retention;
}

log::Compaction PipelineRun::compaction() const {
  log::Compaction compaction;
  const auto& wanted = config().log.compaction;
  if (!wanted) return compaction;
  compaction.on = true;
  compaction.lag_ms = wanted->after.ms;
  compaction.tombstone_ms = wanted->tombstones.ms;
  return compaction;
}

Status PipelineRun::open_streams() {
  const PlanData& data = plan_->data();
  run_tag_ = random_tag(env_.random);
  for (const SectionPlan& section : data.sections) {
    // What a stage has made goes on behind it; a stream of any other name is the pipeline's input.
    if (replay() != nullptr && section.stream == replay()->stream) sections_.clear();
    sections_.push_back(std::make_unique<Section>());
    sections_.back()->plan = &section;
  }
  if (replay() != nullptr) {
    if (store() == nullptr) return {};
    Section& first = *sections_.front();
    TRY_ASSIGN(first.stream,
               env_.log->open_stream({.name = replay()->stream, .partitions = replay()->partitions}));
    TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(first.stream));
    stream_tag_ = info.tag;
    return open_dead_stream();
  }
  if (!plan_->needs_data_directory()) {
    // Nothing of this run is stored, so its ids need only be distinct from those of other runs.
    stream_tag_ = run_tag_;
    return {};
  }
  ASSERT(env_.log != nullptr);
  stream_tag_ = env_.log->data_tag();
  for (const auto& section : sections_) {
    if (data.logged()) TRY(open_section(*section));
  }
  if (data.logged()) stream_tag_ = sections_.front()->tag;
  TRY(open_targets());
  return open_dead_stream();
}

Status PipelineRun::open_section(Section& section) {
  const bool first = &section == sections_.front().get();
  log::Retention kept = retention();
  // Only what comes from a source may come again, and be known again.
  if (!first) kept.keep_ms = 0;
  for (const std::string& leg : plan_->data().legs(*section.plan)) kept.legs.push_back(plan_->name() + "/" + leg);
  TRY_ASSIGN(section.stream, env_.log->open_stream({.name = section.plan->stream,
                                                    .partitions = config().log.partitions,
                                                    .retention = std::move(kept),
                                                    .compaction = compaction()}));
  TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(section.stream));
  section.tag = info.tag;
  return {};
}

// Made with one partition if the pipeline was never there, as the `stream` sink does.
Status PipelineRun::open_targets() {
  for (const std::string& name : plan_->data().forward_targets()) {
    auto opened = env_.log->open_stream({.name = name, .partitions = 0});
    if (!opened && opened.error().code == ErrorCode::kNotFound) {
      opened = env_.log->open_stream({.name = name, .partitions = 1});
    }
    TRY_ASSIGN(const log::StreamId stream, std::move(opened));
    TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(stream));
    targets_.emplace(name, ForwardTarget{stream, static_cast<int32_t>(info.partitions.size()), origin_of(info)});
  }
  return {};
}

void PipelineRun::make_alerts() {
  const auto& wanted = config().errors.alert;
  if (!wanted || replay() != nullptr) return;
  alerts_ = std::make_unique<ErrorAlerts>(
      ErrorAlerts::Settings{wanted->percent, wanted->window.ms, static_cast<uint64_t>(wanted->events)}, env_.loop,
      env_.clock, [this](const ErrorAlert& alert) { tell_alert(alert); });
}

Status PipelineRun::open_dead_stream() {
  const std::string name = plan_->data().dead_stream();
  log::StreamSpec spec{.name = name, .partitions = 1, .retention = {}, .compaction = {}};
  // Unless it is asked for: the letters may go into a stream that has its own.
  const log::Retention wanted = retention_of(config().errors.retention);
  if (wanted.removes() && replay() == nullptr) spec.retention = wanted;
  TRY_ASSIGN(const log::StreamId dead, env_.log->open_stream(std::move(spec)));
  TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(dead));
  dead_stream_ = dead;
  dead_origin_ = origin_of(info);
  return {};
}

Status PipelineRun::build_sources() {
  if (replay() != nullptr) return {};
  if (!reads_log()) gather_committed();
  for (size_t i = 0; i < config().sources.size(); ++i) TRY(build_source(i));
  return {};
}

// The seed follows from the stream's tag: the same after a restart, and not to be guessed from outside.
std::shared_ptr<DedupeTable> PipelineRun::make_dedupe(const config::DedupeConfig& config) const {
  const uint64_t seed = std::hash<std::string>()(stream_tag_);
  const auto most = static_cast<uint64_t>(config.max_ids);
  if (config.sequence) return std::make_shared<ProducerSequences>(seed, config.window.ms, most);
  return std::make_shared<IdWindow>(seed, config.window.ms, most);
}

IntakeOptions PipelineRun::intake_options(size_t index) {
  const config::ComponentConfig& source_config = config().sources[index];
  const PlanData& data = plan_->data();
  IntakeOptions options;
  options.source = source_config.name;
  options.pipeline = plan_->name();
  options.max_event_bytes = static_cast<uint64_t>(data.sources[index].traits.max_event_bytes);
  options.partition_by = data.partition_by;
  options.dedupe_key = data.sources[index].dedupe_key;
  options.script_context = host_context_;
  if (source_config.dedupe) {
    options.dedupe_sequence = data.sources[index].dedupe_sequence;
    options.dedupe = make_dedupe(*source_config.dedupe);
    measure_dedupe(source_config.name, *source_config.descriptor, options.dedupe);
  }
  options.door_thread = index;
  options.tag = source_tag(index);
  Measured& measured = measure(source_config.name, *source_config.descriptor);
  options.counters = &measured.counters;
  options.letters = &measured.letters;
  options.dead_stream = dead_stream_;
  options.dead_origin = dead_origin_;
  if (data.logged()) {
    options.log = env_.log;
    options.stream = sections_.front()->stream;
    options.stream_name = plan_->name();
    options.partitions = config().log.partitions;
    options.codec = data.codec();
    options.ack = data.ack();
  } else {
    auto& queues = sections_.front()->queues;
    queues.push_back(std::make_unique<QueueFeed>(kQueueBytes));
    options.queue = queues.back().get();
    options.committed = &committed_[index];
  }
  return options;
}

Status PipelineRun::build_source(size_t index) {
  const config::ComponentConfig& source_config = config().sources[index];
  auto unit = std::make_unique<SourceUnit>();
  unit->name = source_config.name;
  IntakeOptions options = intake_options(index);
  unit->queue = options.queue;
  unit->intake = std::make_unique<SourceIntake>(std::move(options), env_.loop, env_.clock, env_.workers);
  if (plan_->data().logged()) TRY(unit->intake->restore());
  SourceContext context{component_context(source_config),
                        *unit->intake,
                        env_.from_start,
                        [this, index] { source_finished(index); },
                        [this, index](Error error) { source_failed(index, std::move(error)); },
                        !plan_->data().logged() || plan_->data().ack() == log::AckLevel::kQueued};
  TRY_ASSIGN(unit->source, source_config.descriptor->create_source(source_config.parsed, std::move(context)));
  sources_.push_back(std::move(unit));
  return {};
}

}  // namespace colloquium::engine
