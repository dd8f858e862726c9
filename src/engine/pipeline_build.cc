// How a run is put together: streams, legs, sources, runners, in that order.
#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
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

template <class Context>
Context PipelineRun::component_context(const config::ComponentConfig& component) const {
  return ComponentContext{.loop = env_.loop,
                          .clock = env_.clock,
                          .random = env_.random,
                          .services = env_.services,
                          .pipeline = plan_->name(),
                          .name = component.name,
                          .base_dir = config().base_dir,
                          .script_variables = script_variables_,
                          .script_metrics = script_metrics_};
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
  for (const config::ComponentConfig& sink : config().sinks) {
    retention.legs.push_back(plan_->name() + "/" + sink.name);
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
  if (replay() != nullptr) {
    if (store() == nullptr) return {};
    TRY_ASSIGN(stream_, env_.log->open_stream({.name = replay()->stream, .partitions = replay()->partitions}));
    TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(stream_));
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
  if (data.logged()) {
    TRY_ASSIGN(stream_, env_.log->open_stream({.name = plan_->name(),
                                               .partitions = config().log.partitions,
                                               .retention = retention(),
                                               .compaction = compaction()}));
    TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(stream_));
    stream_tag_ = info.tag;
  }
  TRY(open_targets());
  return open_dead_stream();
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

Status PipelineRun::build_legs() {
  for (size_t i = 0; i < config().sinks.size(); ++i) TRY(build_leg(i));
  return {};
}

Status PipelineRun::build_leg(size_t index) {
  const config::ComponentConfig& sink_config = config().sinks[index];
  SinkLegOptions options;
  const std::string leg = plan_->name() + "/" + sink_config.name;
  options.commit_name = replay() == nullptr ? leg : replay_leg(leg, replay()->generation);
  options.token_leg = leg;
  options.sink_name = sink_config.name;
  options.retry = plan_->data().retry(index);
  options.then = plan_->data().failure_action(sink_config);
  if (replay() == nullptr) options.to = plan_->data().forward_to(sink_config);
  options.targets = targets_;
  if (const auto& breaker = sink_config.errors.breaker ? sink_config.errors.breaker : config().errors.breaker) {
    options.breaker_failures = breaker->failures;
    options.breaker_open_ms = breaker->open.ms;
  }
  options.commit_interval_ms = config().commit.interval.ms;
  options.commit_bytes = static_cast<size_t>(config().commit.size.bytes);
  options.log = store();
  if (replay() == nullptr && plan_->data().logged()) options.max_lag = sink_config.max_lag;
  options.pause = [this](bool on) { pause_sources(on); };
  if (!reads_log()) {
    options.committed = [this, index](size_t source, const std::string& part, int64_t position,
                                      const std::string& cursor) {
      committed_[source].set(index, part, position, cursor);
    };
  }
  // A script waits for such a run to end; with a log it is enough that the events are safe.
  const auto& sources = plan_->data().sources;
  const bool finite = std::all_of(sources.begin(), sources.end(), [](const auto& s) { return s.traits.finite; });
  options.fail_when_stuck = replay() != nullptr ? store() == nullptr : !plan_->data().logged() && finite;
  if (replay() != nullptr) options.tell_letter = replay()->tell_dead_letter;
  options.dead_stream = dead_stream_;
  options.dead_origin = dead_origin_;
  Measured& measured = measure(sink_config.name, *sink_config.descriptor);
  options.counters = &measured.counters;
  options.letters = &measured.letters;
  sink_letters_.push_back(&measured.letters);
  sink_counters_.push_back(&measured.counters);
  for (size_t p = 0; p < partition_count(); ++p) options.partitions.push_back(commit_partition(p));
  TRY_ASSIGN(auto sink, sink_config.descriptor->create_sink(sink_config.parsed,
                                                            component_context<ComponentContext>(sink_config)));
  std::string token;
  if (options.log != nullptr) {
    leg_states_.push_back(options.log->leg_state(options.commit_name));
    if (const auto state = options.log->leg_state(leg)) token = state->sink_token;
  } else {
    leg_states_.emplace_back();
  }
  // A sink of that name may have been of another kind, that had one: it goes on at its position.
  if (!sink->has_token()) token.clear();
  // The sink goes back to its token before anything is read: what it holds beyond that is written again.
  TRY(sink->restore(token));
  options.first_token = options.log != nullptr && sink->has_token() && token.empty();
  legs_.push_back(
      std::make_unique<SinkLeg>(std::move(options), std::move(sink), env_.loop, env_.clock, env_.random));
  return {};
}

// How the journal names a partition. With `log: off` every source is one of its own.
CommitPartition PipelineRun::commit_partition(size_t index) const {
  BatchOrigin origin;
  if (!reads_log()) {
    origin.stream = config().sources[index].name;
    origin.tag = source_tag(index);
    origin.partition = -1;
    return {.stream = 0, .partition = 0, .external = origin.stream, .id = partition_id(origin)};
  }
  origin.stream = replay() != nullptr ? replay()->stream : plan_->name();
  origin.tag = stream_tag_;
  origin.partition = replay() != nullptr ? replay()->spans[index].partition : static_cast<int32_t>(index);
  return {.stream = stream_, .partition = origin.partition, .external = {}, .id = partition_id(origin)};
}

// Where a leg is to go on in a partition of the log; -1 if nothing was ever committed.
int64_t PipelineRun::committed_position(size_t leg, size_t partition) const {
  if (!leg_states_[leg]) return -1;
  const CommitPartition wanted = commit_partition(partition);
  const std::string& stream = replay() != nullptr ? replay()->stream : plan_->name();
  for (const auto& position : leg_states_[leg]->positions) {
    if (position.stream == stream && position.partition == wanted.partition) return position.next_offset;
  }
  return -1;
}

// What the legs have committed of the sources, and of their parts.
void PipelineRun::gather_committed() {
  committed_.assign(config().sources.size(), CommittedCursors(legs_.size()));
  for (size_t source = 0; source < committed_.size(); ++source) {
    const std::string& name = config().sources[source].name;
    for (size_t leg = 0; leg < legs_.size(); ++leg) {
      if (!leg_states_[leg]) continue;
      for (const auto& external : leg_states_[leg]->external) {
        if (!is_of_whole(external.source, name)) continue;
        const std::string part = external.source.substr(std::min(name.size() + 1, external.source.size()));
        committed_[source].set(leg, part, external.next_offset, external.cursor);
      }
    }
  }
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
    options.stream = stream_;
    options.stream_name = plan_->name();
    options.partitions = config().log.partitions;
    options.codec = data.codec();
    options.ack = data.ack();
  } else {
    queues_.push_back(std::make_unique<QueueFeed>(kQueueBytes));
    options.queue = queues_.back().get();
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
  SourceContext context{component_context<ComponentContext>(source_config),
                        *unit->intake,
                        env_.from_start,
                        [this, index] { source_finished(index); },
                        [this, index](Error error) { source_failed(index, std::move(error)); },
                        !plan_->data().logged() || plan_->data().ack() == log::AckLevel::kQueued};
  TRY_ASSIGN(unit->source, source_config.descriptor->create_source(source_config.parsed, std::move(context)));
  sources_.push_back(std::move(unit));
  return {};
}

Status PipelineRun::build_runners() {
  if (replay() != nullptr) return build_replay_runners();
  for (size_t p = 0; p < partition_count(); ++p) {
    if (!plan_->data().logged()) {
      TRY(build_runner(p, std::move(queues_[p])));
      continue;
    }
    TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(stream_));
    const int64_t oldest = info.partitions[p].oldest_offset;
    TRY_ASSIGN(auto reader, env_.log->read(stream_, static_cast<int32_t>(p), oldest, true));
    TRY(build_runner(p, std::make_unique<LogFeed>(std::move(reader), oldest)));
  }
  return {};
}

Result<StageChain> PipelineRun::build_chain() {
  std::vector<StageChain::Link> links;
  for (size_t i = 0; i < config().stages.size(); ++i) {
    const config::ComponentConfig& stage = config().stages[i];
    if (measured_stages_.size() <= i) measured_stages_.push_back(&measure(stage.name, *stage.descriptor));
    TRY_ASSIGN(auto made,
               stage.descriptor->create_pure_stage(stage.parsed, component_context<ComponentContext>(stage)));
    Measured& measured = *measured_stages_[i];
    links.push_back({.name = stage.name,
                     .stage = std::move(made),
                     .counters = &measured.counters,
                     .letters = &measured.letters,
                     .then = plan_->data().failure_action(stage),
                     .to = replay() != nullptr ? std::string() : plan_->data().forward_to(stage)});
  }
  const auto& sinks = plan_->data().sinks;
  const bool tape_after =
      std::any_of(sinks.begin(), sinks.end(), [](const SinkPlan& sink) { return sink.selects(); });
  return StageChain(std::move(links), tape_after, env_.clock);
}

Result<LegPort> PipelineRun::leg_port(size_t leg, size_t partition, const Feed& feed) {
  LegPort port;
  port.deliver = [target = legs_[leg].get()](LegItem item) { target->deliver(std::move(item)); };
  const SinkPlan& sink = plan_->data().sinks[leg];
  if (sink.selects()) port.when = std::make_unique<SelectStage>(sink, host_context_, script_metrics_);
  // What was put back for a sink is another try at events that stand in the stream before: no replay's business.
  port.takes_own_batches = replay() == nullptr;
  port.name = config().sinks[leg].name;
  port.then = plan_->data().failure_action(config().sinks[leg]);
  if (replay() == nullptr) port.to = plan_->data().forward_to(config().sinks[leg]);
  if (plan_->data().makes_events) port.origin_leg = config().sinks[leg].name;
  port.next_sequence = feed.first_sequence();
  if (reads_log()) {
    const int64_t committed = committed_position(leg, partition);
    // What follows what was committed may be gone by retention; then the oldest event that is left is next.
    if (committed >= 0 && committed < port.next_sequence) {
      log_warning(plan_->name() + "/" + config().sinks[leg].name,
                  "events were removed by retention before this sink had finished them: it goes on at the oldest",
                  {{"stream", replay() != nullptr ? replay()->stream : plan_->name()},
                   {"partition", partition},
                   {"first_lost_offset", committed},
                   {"oldest_offset", port.next_sequence}});
    }
    port.next_sequence = std::max(port.next_sequence, committed);
  } else {
    // The source resumed for the leg that is furthest behind; the others have these events already.
    port.skip_below = committed_[partition].positions(leg);
  }
  // The stages run for all legs together, so what fails there is one letter, whose position one leg commits.
  port.takes_dead_letters = leg == 0;
  port.letters = sink_letters_[leg];
  return port;
}

Status PipelineRun::build_runner(size_t partition, std::unique_ptr<Feed> feed) {
  TRY_ASSIGN(StageChain chain, build_chain());
  std::vector<LegPort> ports;
  for (size_t leg = 0; leg < legs_.size(); ++leg) {
    TRY_ASSIGN(LegPort port, leg_port(leg, partition, *feed));
    ports.push_back(std::move(port));
  }
  // Spread by name, so that many pipelines of one partition do not all land on the first worker.
  const size_t worker = partition + std::hash<std::string>()(plan_->name());
  auto runner = std::make_shared<PartitionRunner>(partition, env_.workers.worker(worker), env_.loop,
                                                  std::move(feed), std::move(chain), std::move(ports),
                                                  [this](Error error) { fail(std::move(error)); });
  runners_.push_back(std::move(runner));
  if (!reads_log()) join_queue(partition);
  return {};
}

void PipelineRun::join_queue(size_t partition) {
  auto& queue = static_cast<QueueFeed&>(runners_[partition]->feed());
  std::weak_ptr<PartitionRunner> weak = runners_[partition];
  queue.set_wake([weak] {
    if (auto alive = weak.lock()) alive->wake();
  });
  // A plain pointer will do: the runner's closing reaches the loop behind all its worker posted before, and the
  // intake goes after that.
  SourceIntake* intake = sources_[partition]->intake.get();
  queue.set_drained([this, intake] { env_.loop.post([intake] { intake->room(); }); });
}

}  // namespace colloquium::engine
