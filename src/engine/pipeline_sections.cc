// How a run's legs and runners are put together, section by section.
#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "engine/feed.h"
#include "engine/pipeline_run.h"
#include "engine/select_stage.h"
#include "engine/sink_leg.h"
#include "engine/stage_leg.h"

namespace colloquium::engine {

namespace {

// Bytes that wait between an asynchronous stage of a replay and the legs behind it.
constexpr size_t kSectionQueueBytes = size_t{16} << 20;

}  // namespace

Status PipelineRun::build_legs() {
  for (size_t i = 0; i + 1 < sections_.size(); ++i) TRY(build_stage_leg(*sections_[i], *sections_[i + 1]));
  for (size_t i = 0; i < config().sinks.size(); ++i) TRY(build_sink_leg(sinks(), i));
  return replay() == nullptr && plan_->data().logged() ? check_read_streams() : Status();
}

LetterPlaces PipelineRun::letter_places() const {
  LetterPlaces places;
  places.dead_stream = dead_stream_;
  places.dead_origin = dead_origin_;
  if (replay() != nullptr) places.tell = replay()->tell_dead_letter;
  places.targets = targets_;
  return places;
}

// Also makes the leg's place in the section.
LegOptions PipelineRun::leg_options(Section& section, const config::ComponentConfig& component) {
  LegOptions options;
  const std::string leg = plan_->name() + "/" + component.name;
  options.commit_name = replay() == nullptr ? leg : replay_leg(leg, replay()->generation);
  options.component = component.name;
  options.retry = plan_->data().retry(component);
  options.then = plan_->data().failure_action(component);
  if (replay() == nullptr) options.to = plan_->data().forward_to(component);
  options.commit_interval_ms = config().commit.interval.ms;
  options.commit_bytes = static_cast<size_t>(config().commit.size.bytes);
  options.log = store();
  // A script waits for such a run to end; with a log it is enough that the events are safe.
  const auto& sources = plan_->data().sources;
  const bool finite = std::all_of(sources.begin(), sources.end(), [](const auto& s) { return s.traits.finite; });
  options.fail_when_stuck = replay() != nullptr ? store() == nullptr : !plan_->data().logged() && finite;
  options.places = letter_places();
  Measured& measured = measure(component.name, *component.descriptor);
  options.counters = &measured.counters;
  options.letters = &measured.letters;
  section.letters.push_back(&measured.letters);
  for (size_t p = 0; p < partition_count(); ++p) options.partitions.push_back(commit_partition(section, p));
  section.leg_states.emplace_back();
  if (options.log != nullptr) section.leg_states.back() = options.log->leg_state(options.commit_name);
  return options;
}

Status PipelineRun::build_stage_leg(Section& section, Section& next) {
  const config::ComponentConfig& stage_config = config().stages[*section.plan->async_stage];
  StageLegOptions options{leg_options(section, stage_config)};
  if (replay() == nullptr) {
    options.output = next.stream;
    options.output_name = next.plan->stream;
    options.output_tag = next.tag;
    options.codec = plan_->data().codec();
  } else {
    // A replay's stream is its input; what is made of it goes straight on, and the sinks commit its position.
    options.log = nullptr;
    for (size_t p = 0; p < partition_count(); ++p) {
      next.queues.push_back(std::make_unique<QueueFeed>(kSectionQueueBytes));
      options.queues.push_back(next.queues.back().get());
    }
  }
  TRY_ASSIGN(auto stage,
             stage_config.descriptor->create_async_stage(stage_config.parsed, component_context(stage_config)));
  auto leg = std::make_unique<StageLeg>(std::move(options), std::move(stage), env_.loop, env_.clock, env_.random);
  section.stage_leg = leg.get();
  section.legs.push_back(std::move(leg));
  return {};
}

Status PipelineRun::build_sink_leg(Section& section, size_t index) {
  const config::ComponentConfig& sink_config = config().sinks[index];
  SinkLegOptions options{leg_options(section, sink_config)};
  sink_counters_.push_back(options.counters);
  options.token_leg = plan_->name() + "/" + sink_config.name;
  if (const auto& breaker = sink_config.errors.breaker ? sink_config.errors.breaker : config().errors.breaker) {
    options.breaker_failures = breaker->failures;
    options.breaker_open_ms = breaker->open.ms;
  }
  if (replay() == nullptr && plan_->data().logged()) options.max_lag = sink_config.max_lag;
  options.pause = [this](bool on) { pause_sources(on); };
  if (!reads_log()) {
    options.committed = [this, index](size_t source, const std::string& part, int64_t position,
                                      const std::string& cursor) {
      committed_[source].set(index, part, position, cursor);
    };
  }
  TRY_ASSIGN(auto sink, sink_config.descriptor->create_sink(sink_config.parsed, component_context(sink_config)));
  std::string token;
  if (options.log != nullptr) {
    if (const auto state = options.log->leg_state(options.token_leg)) token = state->sink_token;
  }
  // A sink of that name may have been of another kind, that had one: it goes on at its position.
  if (!sink->has_token()) token.clear();
  // The sink goes back to its token before anything is read: what it holds beyond that is written again.
  TRY(sink->restore(token));
  options.first_token = options.log != nullptr && sink->has_token() && token.empty();
  sink_components_.push_back(sink.get());
  section.legs.push_back(
      std::make_unique<SinkLeg>(std::move(options), std::move(sink), env_.loop, env_.clock, env_.random));
  return {};
}

// How the journal names a partition. With `log: off` every source is one of its own; a replay's are those of the
// stream it reads, for all of its legs.
CommitPartition PipelineRun::commit_partition(const Section& section, size_t index) const {
  BatchOrigin origin;
  if (!reads_log()) {
    origin.stream = config().sources[index].name;
    origin.tag = source_tag(index);
    origin.partition = -1;
    return {.stream = 0, .partition = 0, .external = origin.stream, .id = partition_id(origin)};
  }
  if (replay() != nullptr) {
    origin.stream = replay()->stream;
    origin.tag = stream_tag_;
    origin.partition = replay()->spans[index].partition;
    return {.stream = sections_.front()->stream,
            .partition = origin.partition,
            .external = {},
            .id = partition_id(origin)};
  }
  origin.stream = section.plan->stream;
  origin.tag = section.tag;
  origin.partition = static_cast<int32_t>(index);
  return {.stream = section.stream, .partition = origin.partition, .external = {}, .id = partition_id(origin)};
}

// Where a leg is to go on in a partition of the log; -1 if nothing was ever committed.
int64_t PipelineRun::committed_position(const Section& section, size_t leg, size_t partition) const {
  const std::optional<log::LegState>& state = section.leg_states[leg];
  if (!state) return -1;
  const CommitPartition wanted = commit_partition(section, partition);
  const std::string& stream = replay() != nullptr ? replay()->stream : section.plan->stream;
  for (const auto& position : state->positions) {
    if (position.stream == stream && position.partition == wanted.partition) return position.next_offset;
  }
  return -1;
}

// What the legs have committed of the sources, and of their parts.
void PipelineRun::gather_committed() {
  const Section& section = sinks();
  committed_.assign(config().sources.size(), CommittedCursors(section.legs.size()));
  for (size_t source = 0; source < committed_.size(); ++source) {
    const std::string& name = config().sources[source].name;
    for (size_t leg = 0; leg < section.legs.size(); ++leg) {
      if (!section.leg_states[leg]) continue;
      for (const auto& external : section.leg_states[leg]->external) {
        if (!is_of_whole(external.source, name)) continue;
        const std::string part = external.source.substr(std::min(name.size() + 1, external.source.size()));
        committed_[source].set(leg, part, external.next_offset, external.cursor);
      }
    }
  }
}

Status PipelineRun::build_runners() {
  for (const auto& section : sections_) {
    if (section->queues.empty() && replay() != nullptr) {
      TRY(build_replay_runners(*section));
    } else if (section->queues.empty() && plan_->data().logged()) {
      TRY(build_log_runners(*section));
    } else {
      for (size_t p = 0; p < partition_count(); ++p) TRY(build_runner(*section, p, std::move(section->queues[p])));
      join_queues(*section);
    }
  }
  return {};
}

Status PipelineRun::build_log_runners(Section& section) {
  TRY_ASSIGN(const log::StreamInfo info, env_.log->stream_info(section.stream));
  for (size_t p = 0; p < partition_count(); ++p) {
    const int64_t oldest = info.partitions[p].oldest_offset;
    TRY_ASSIGN(auto reader, env_.log->read(section.stream, static_cast<int32_t>(p), oldest, true));
    TRY(build_runner(section, p, std::make_unique<LogFeed>(std::move(reader), oldest)));
  }
  return {};
}

Result<StageChain> PipelineRun::build_chain(const SectionPlan& section) {
  std::vector<StageChain::Link> links;
  for (size_t i = section.first_stage; i < section.end_stage; ++i) {
    const config::ComponentConfig& stage = config().stages[i];
    Measured*& measured = measured_stages_[i];
    if (measured == nullptr) measured = &measure(stage.name, *stage.descriptor);
    TRY_ASSIGN(auto made, stage.descriptor->create_pure_stage(stage.parsed, component_context(stage)));
    links.push_back({.name = stage.name,
                     .stage = std::move(made),
                     .counters = &measured->counters,
                     .letters = &measured->letters,
                     .then = plan_->data().failure_action(stage),
                     .to = replay() != nullptr ? std::string() : plan_->data().forward_to(stage)});
  }
  const auto& sinks = plan_->data().sinks;
  // An asynchronous stage may look into its events.
  const bool tape_after = section.async_stage || std::any_of(sinks.begin(), sinks.end(),
                                                             [](const SinkPlan& sink) { return sink.selects(); });
  return StageChain(std::move(links), tape_after, env_.clock);
}

Result<LegPort> PipelineRun::leg_port(Section& section, size_t leg, size_t partition, const Feed& feed) {
  LegPort port;
  port.deliver = [target = section.legs[leg].get()](LegItem item) { target->deliver(std::move(item)); };
  const bool ends_in_stage = section.plan->async_stage.has_value();
  const config::ComponentConfig& component =
      ends_in_stage ? config().stages[*section.plan->async_stage] : config().sinks[leg];
  if (!ends_in_stage && plan_->data().sinks[leg].selects()) {
    port.when = std::make_unique<SelectStage>(plan_->data().sinks[leg], host_context_, script_metrics_);
  }
  // What was put back for a sink is another try at events that stand in the stream before: no replay's business.
  port.takes_own_batches = replay() == nullptr;
  port.name = component.name;
  port.then = plan_->data().failure_action(component);
  if (replay() == nullptr) port.to = plan_->data().forward_to(component);
  if (section.plan->makes_events) port.origin_leg = component.name;
  port.next_sequence = feed.first_sequence();
  place_port(section, leg, partition, port);
  // The stages run for all legs together, so what fails there is one letter, whose position one leg commits.
  port.takes_dead_letters = leg == 0;
  port.letters = section.letters[leg];
  return port;
}

// Where the sinks stand in a partition of a section's stream, the one that is furthest behind; -1: none has read
// it.
int64_t PipelineRun::position_of_sinks(const Section& section, size_t partition) const {
  int64_t lowest = -1;
  for (const std::optional<log::LegState>& state : sinks().leg_states) {
    if (!state) continue;
    for (const auto& position : state->positions) {
      if (position.stream != section.plan->stream || position.partition != static_cast<int32_t>(partition))
        continue;
      lowest = lowest < 0 ? position.next_offset : std::min(lowest, position.next_offset);
    }
  }
  return lowest;
}

// What a stage has made that is there no more, or has another name, nobody would read to its end; and what its
// sinks have had would come again by the stream they read now.
Status PipelineRun::check_read_streams() const {
  const auto is_read = [this](const std::string& stream) {
    return std::any_of(sections_.begin(), sections_.end(),
                       [&](const auto& section) { return section->plan->stream == stream; });
  };
  for (size_t sink = 0; sink < sinks().leg_states.size(); ++sink) {
    if (!sinks().leg_states[sink]) continue;
    for (const auto& position : sinks().leg_states[sink]->positions) {
      const bool ours = position.stream.starts_with(plan_->name() + ".");
      if (!ours || is_read(position.stream)) continue;
      const std::string leg = plan_->name() + "/" + config().sinks[sink].name;
      return colloquium::fail(
          ErrorCode::kInvalidConfig,
          "sink " + config().sinks[sink].name + " has read the stream '" + position.stream +
              "', which no stage of the pipeline makes any more: give the stage its name back; or, if it is to "
              "begin anew with all that is kept, 'colloquium log forget " +
              leg + "'",
          leg);
    }
  }
  return {};
}

// Where the leg begins to read.
void PipelineRun::place_port(const Section& section, size_t leg, size_t partition, LegPort& port) const {
  if (!reads_log()) {
    // The source resumed for the leg that is furthest behind; the others have these events already.
    port.skip_below = committed_[partition].positions(leg);
    return;
  }
  int64_t committed = committed_position(section, leg, partition);
  // A stage that is new stands where the sinks stood: what they have is not asked about again.
  if (section.stage_leg != nullptr && replay() == nullptr && committed < 0) {
    committed = position_of_sinks(section, partition);
  }
  if (section.stage_leg != nullptr && replay() != nullptr) {
    // It has no position of its own: it makes again what the sink that is furthest behind has not committed.
    const Section& last = sinks();
    for (size_t sink = 0; sink < last.legs.size(); ++sink) {
      const int64_t position = committed_position(last, sink, partition);
      committed = sink == 0 ? position : std::min(committed, position);
    }
  }
  if (&section != sections_.front().get() && replay() != nullptr) {
    if (committed >= 0) port.skip_below[std::string()] = committed;
    port.skips_offsets = true;
    return;
  }
  // What follows what was committed may be gone by retention; then the oldest event that is left is next.
  if (committed >= 0 && committed < port.next_sequence) {
    log_warning(plan_->name() + "/" + port.name,
                "events were removed by retention before this leg had finished them: it goes on at the oldest",
                {{"stream", replay() != nullptr ? replay()->stream : section.plan->stream},
                 {"partition", partition},
                 {"first_lost_offset", committed},
                 {"oldest_offset", port.next_sequence}});
  }
  port.next_sequence = std::max(port.next_sequence, committed);
}

Status PipelineRun::build_runner(Section& section, size_t partition, std::unique_ptr<Feed> feed) {
  TRY_ASSIGN(StageChain chain, build_chain(*section.plan));
  std::vector<LegPort> ports;
  for (size_t leg = 0; leg < section.legs.size(); ++leg) {
    TRY_ASSIGN(LegPort port, leg_port(section, leg, partition, *feed));
    ports.push_back(std::move(port));
  }
  // Spread by name, so that many pipelines of one partition do not all land on the first worker.
  const size_t worker = partition + std::hash<std::string>()(plan_->name());
  section.runners.push_back(std::make_shared<PartitionRunner>(partition, env_.workers.worker(worker), env_.loop,
                                                              std::move(feed), std::move(chain), std::move(ports),
                                                              [this](Error error) { fail(std::move(error)); }));
  return {};
}

// Whoever fills a queue wakes its runner, and hears of it when there is room again. Plain pointers will do: a
// runner's closing reaches the loop behind all its worker posted before, and the intakes and legs go after that.
void PipelineRun::join_queues(Section& section) {
  for (size_t p = 0; p < section.runners.size(); ++p) {
    auto& queue = static_cast<QueueFeed&>(section.runners[p]->feed());
    std::weak_ptr<PartitionRunner> weak = section.runners[p];
    queue.set_wake([weak] {
      if (auto alive = weak.lock()) alive->wake();
    });
    if (&section == sections_.front().get()) {
      SourceIntake* intake = sources_[p]->intake.get();
      queue.set_drained([this, intake] { env_.loop.post([intake] { intake->room(); }); });
    } else {
      const auto before = std::find_if(sections_.begin(), sections_.end(),
                                       [&](const auto& each) { return each.get() == &section; }) -
                          1;
      StageLeg* leg = (*before)->stage_leg;
      queue.set_drained([this, leg] { env_.loop.post([leg] { leg->room(); }); });
    }
  }
}

}  // namespace colloquium::engine
