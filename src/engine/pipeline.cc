#include "engine/pipeline.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "engine/ai_desk.h"
#include "engine/feed.h"
#include "engine/pipeline_run.h"
#include "engine/stage_leg.h"

namespace colloquium::engine {

namespace {

// Tasks that may wait for one worker. Every partition posts at most one wake, and a release per item of its
// bounded credit.
constexpr size_t kWorkerQueue = 1u << 20;

// Bodies that may wait for one door thread; sources stop long before, at their bytes under way.
constexpr size_t kDoorQueue = 1u << 16;

}  // namespace

WorkerPool::WorkerPool(Executor& executor, size_t workers) {
  ASSERT(workers > 0);
  for (size_t i = 0; i < workers; ++i) {
    workers_.push_back(executor.make_queue("worker-" + std::to_string(i), 1, kWorkerQueue));
    doors_.push_back(executor.make_queue("door-" + std::to_string(i), 1, kDoorQueue));
  }
}
WorkerPool::~WorkerPool() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::create(std::shared_ptr<const Plan> plan, Environment environment) {
  LOOP_ASSERT(environment.loop);
  auto run = std::make_unique<PipelineRun>(std::move(plan), environment);
  TRY(run->build());
  return std::unique_ptr<Pipeline>(std::move(run));
}

PipelineRun::PipelineRun(std::shared_ptr<const Plan> plan, Environment environment)
    : plan_(std::move(plan)),
      env_(environment),
      script_variables_(
          std::make_shared<const std::map<std::string, std::string>>(plan_->data().script_variables())) {}
PipelineRun::~PipelineRun() = default;

Status PipelineRun::start(Task finished, UniqueFunction<void(Error)> failed) {
  LOOP_ASSERT(env_.loop);
  ASSERT(!started_);
  finished_ = std::move(finished);
  failed_ = std::move(failed);
  for (Sink* sink : sink_components_) TRY(sink->start());
  for (size_t s = 0; s < sections_.size(); ++s) {
    Section& section = *sections_[s];
    for (size_t i = 0; i < section.legs.size(); ++i) {
      section.legs[i]->start(
          [&section, i](size_t partition, size_t bytes) { section.runners[partition]->release(i, bytes); },
          [this, s] { leg_drained(s); }, [this](Error error) { fail(std::move(error)); });
    }
  }
  if (replay() != nullptr) {
    start_replay();
    return {};
  }
  // Weak: the log keeps its subscribers until it closes, which may be long after this pipeline.
  for (const auto& section : sections_) {
    if (!plan_->data().logged()) break;
    std::vector<std::weak_ptr<PartitionRunner>> runners(section->runners.begin(), section->runners.end());
    env_.log->subscribe(section->stream, [runners = std::move(runners)](int32_t partition) {
      if (auto runner = runners[static_cast<size_t>(partition)].lock()) runner->wake();
    });
  }
  started_ = true;
  // What the log still holds for the legs goes first, whether a source says anything or not.
  for (const auto& section : sections_) {
    for (const auto& runner : section->runners) runner->wake();
  }
  for (const auto& unit : sources_) {
    // Also with --from-start: the source needs it to give what it reads again positions of its own.
    TRY(unit->source->start(unit->intake->stored_cursor()));
  }
  if (alerts_ != nullptr) alerts_->start();
  return {};
}

void PipelineRun::tell_alert(const ErrorAlert& alert) {
  LOOP_ASSERT(env_.loop);
  const config::AlertConfig& settings = *config().errors.alert;
  const std::string who = plan_->name() + "/" + alert.component;
  log_warning(who, (alert.raised ? "more than " : "no longer more than ") + std::to_string(settings.percent) +
                       " % fail: " + std::to_string(alert.errors) + " errors for " + std::to_string(alert.events) +
                       " events in the last " + std::to_string(settings.window.ms / 1000) + " s");
  if (settings.to.empty()) return;
  const ForwardTarget& target = targets_.at(settings.to);
  const int64_t now_ms = env_.clock.wall_ms();
  BatchBuilder builder;
  builder.add(alert.json(plan_->name(), settings.percent, settings.window.ms, now_ms), {},
              {.timestamp_ms = now_ms});
  auto encoded = log::encode(builder.seal(target.origin, 0), log::Codec::kNone, nullptr);
  const auto done = [who](Result<log::AppendResult> stored) {
    if (!stored) log_error(who, "an alert is not stored as an event: " + stored.error().describe());
  };
  if (!encoded) return done(colloquium::fail(encoded.error()));
  env_.log->append(target.stream, 0, std::move(*encoded), log::AckLevel::kDurable, done);
}

void PipelineRun::source_finished(size_t index) {
  LOOP_ASSERT(env_.loop);
  sources_[index]->finished = true;
  const bool all = std::all_of(sources_.begin(), sources_.end(), [](const auto& unit) { return unit->finished; });
  if (all && !stopping_) drain();
}

// It ends like one that was read to its end; what the difference is, outcome() tells.
void PipelineRun::source_failed(size_t index, Error error) {
  log_error(plan_->name() + "/" + sources_[index]->name, error.describe());
  sources_[index]->error = std::move(error);
  source_finished(index);
}

// Waits until every acknowledgement is out, then lets the runners run dry.
void PipelineRun::drain() {
  if (draining_) return;
  draining_ = true;
  if (replay() != nullptr) return stop_replay();
  to_idle_ = sources_.size();
  for (const auto& unit : sources_) {
    SourceIntake* const intake = unit->intake.get();
    const auto offered = [this, intake] {
      intake->when_idle([this, intake] {
        intake->store_cursor([this](Status status) {
          if (!status) return fail(std::move(status).error());
          if (--to_idle_ == 0) drain_runners(*sections_.front());
        });
      });
    };
    if (stopping_) {
      unit->source->when_offered(offered);
    } else {
      offered();
    }
  }
}

void PipelineRun::drain_runners(Section& section) {
  // Nobody who stops wants a backlog to be asked about first.
  if (stopping_ && section.stage_leg != nullptr) section.stage_leg->wind_down();
  for (const auto& runner : section.runners) runner->drain();
}

// A finite pipeline is done when the slowest leg has committed its last event. What a section has made is in its
// stream, or its queues, by then.
void PipelineRun::leg_drained(size_t index) {
  Section& section = *sections_[index];
  if (++section.drained < section.legs.size()) return;
  if (index + 1 < sections_.size()) return drain_runners(*sections_[index + 1]);
  if (stopping_) return close_all();
  if (replay() != nullptr) return finish_replay();
  finish();
}

void PipelineRun::finish() {
  if (!finished_) return;
  Task finished = std::move(finished_);
  finished_ = nullptr;
  finished();
}

void PipelineRun::pause_sources(bool on) {
  LOOP_ASSERT(env_.loop);
  const bool were = pausing_legs_ > 0;
  pausing_legs_ += on ? 1 : -1;
  ASSERT(pausing_legs_ >= 0);
  if (were == (pausing_legs_ > 0)) return;
  for (const auto& unit : sources_) unit->intake->set_paused(on);
}

void PipelineRun::fail(Error error) {
  LOOP_ASSERT(env_.loop);
  // Every leg and runner may fail of the same disk; the first reason is the one reported.
  if (failed_already_) return;
  failed_already_ = true;
  log_error(plan_->name(), "the pipeline can't go on: " + error.describe());
  if (stopping_) return close_all();
  if (failed_) {
    auto failed = std::move(failed_);
    failed_ = nullptr;
    failed(std::move(error));
  }
}

void PipelineRun::stop(int64_t deadline_ms, Task closed) {
  LOOP_ASSERT(env_.loop);
  ASSERT(!stopping_);
  stopping_ = true;
  closed_ = std::move(closed);
  for (const auto& unit : sources_) {
    if (started_) unit->source->stop_intake();
  }
  // Draining would wait for ever for legs that never started, or that commit nothing more.
  const bool drained = sinks().drained == sinks().legs.size();
  if (!started_ || failed_already_ || drained || deadline_ms < 0) return close_all();
  drain_until(deadline_ms);
}

void PipelineRun::drain_until(int64_t deadline_ms) {
  deadline_ = env_.loop.start_timer(deadline_ms, [this] {
    // Without a log it depends on the source what becomes of the rest: see count_left_behind().
    const bool kept = reads_log();
    log_warning(plan_->name(), kept ? "not everything drained before the deadline; the rest stays in the log"
                                    : "not everything drained before the deadline");
    close_all();
  });
  drain();
}

// `log: off`, once nothing moves any more. What a source can read again is not gone: its position was committed
// only as far as everything was written.
void PipelineRun::count_left_behind() {
  if (reads_log()) return;
  const Section& section = sinks();
  ASSERT_WHY(section.runners.size() == sources_.size(), "without a log every source is a partition");
  for (size_t p = 0; p < section.runners.size(); ++p) {
    if (plan_->data().sources[p].traits.rereadable) continue;
    // A leg that is behind has events of its own waiting, and then those in the queue; the others have all of
    // them.
    uint64_t waiting = 0;
    for (const auto& leg : section.legs) waiting = std::max(waiting, leg->waiting_events(p));
    left_behind_ += waiting + static_cast<const QueueFeed&>(section.runners[p]->feed()).waiting_events();
  }
}

PipelineOutcome PipelineRun::outcome() const {
  PipelineOutcome outcome;
  uint64_t letters = 0;
  for (const auto& measured : measured_) {
    letters += measured->letters.counts().total() - measured->letters.forwarded();
    outcome.forwarded += measured->letters.forwarded();
  }
  if (dead_stream_) outcome.dead_stream = plan_->data().dead_stream();
  const bool kept = dead_stream_ || replay() != nullptr;
  (kept ? outcome.dead_letters : outcome.given_up) = letters;
  outcome.left_behind = left_behind_;
  for (const auto& unit : sources_) {
    if (unit->error && !outcome.source_error) outcome.source_error = unit->error;
  }
  return outcome;
}

void PipelineRun::close_all() {
  if (closing_) return;
  // Reached from the deadline, from the last leg and from a failure; whichever comes first closes.
  closing_ = true;
  deadline_ = nullptr;
  if (alerts_ != nullptr) alerts_->stop();
  to_close_ = sources_.size();
  if (to_close_ == 0) return close_runners();
  for (const auto& unit : sources_) {
    unit->source->close([this] {
      if (--to_close_ == 0) close_runners();
    });
  }
}

// No task on a door or log thread may find an intake gone, so acknowledgements under way come first.
void PipelineRun::close_runners() {
  replay_timers_.clear();
  to_close_ = sources_.size();
  for (const auto& section : sections_) to_close_ += section->runners.size();
  if (to_close_ == 0) return close_legs();
  auto one = [this] {
    if (--to_close_ == 0) close_legs();
  };
  for (const auto& unit : sources_) unit->intake->close(one);
  for (const auto& section : sections_) {
    for (const auto& runner : section->runners) runner->close(one);
  }
}

void PipelineRun::close_legs() {
  // Last, as runners deliver to legs until they have closed.
  to_close_ = 0;
  for (const auto& section : sections_) to_close_ += section->legs.size();
  if (to_close_ == 0) return close_desk();
  for (const auto& section : sections_) {
    for (const auto& leg : section->legs) {
      leg->close([this] {
        if (--to_close_ == 0) close_desk();
      });
    }
  }
}

// Nobody asks any more.
void PipelineRun::close_desk() {
  if (ai_desk_ == nullptr) return one_closed();
  ai_desk_->close([this] { one_closed(); });
}

void PipelineRun::one_closed() {
  count_left_behind();
  // In a later turn, so that whoever is told may destroy the pipeline.
  env_.loop.post([this] {
    Task closed = std::move(closed_);
    closed();
  });
}

std::vector<ComponentHealth> PipelineRun::health() const {
  std::vector<ComponentHealth> out;
  for (const auto& unit : sources_) {
    ComponentHealth health{.name = "source " + unit->name, .healthy = true, .detail = {}};
    if (unit->finished) health.detail = "finished";
    if (unit->error) health = {.name = health.name, .healthy = false, .detail = unit->error->describe()};
    out.push_back(std::move(health));
  }
  for (const auto& section : sections_) {
    const std::vector<std::string> names = plan_->data().legs(*section->plan);
    const std::string kind = section->plan->async_stage ? "stage " : "sink ";
    for (size_t i = 0; i < section->legs.size(); ++i) {
      const Leg& leg = *section->legs[i];
      out.push_back({.name = kind + names[i],
                     .healthy = !leg.degraded(),
                     .detail = leg.degraded() ? leg.last_error() : std::string()});
    }
  }
  if (ai_desk_ != nullptr) {
    for (ComponentHealth& model : ai_desk_->health()) out.push_back(std::move(model));
  }
  for (const auto& section : sections_) {
    for (size_t i = 0; i < section->runners.size(); ++i) {
      const std::string& obstacle = section->runners[i]->obstacle();
      if (obstacle.empty()) continue;
      const std::string of = section == sections_.front() ? "" : " of stream " + section->plan->stream;
      out.push_back({.name = "partition " + std::to_string(i) + of,
                     .healthy = false,
                     .detail = "reading is tried again until it succeeds: " + obstacle});
    }
  }
  return out;
}

}  // namespace colloquium::engine
