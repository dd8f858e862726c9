#include "engine/pipeline.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "engine/feed.h"
#include "engine/pipeline_run.h"

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
  for (size_t i = 0; i < legs_.size(); ++i) {
    TRY(legs_[i]->sink().start());
    legs_[i]->start([this, i](size_t partition, size_t bytes) { runners_[partition]->release(i, bytes); },
                    [this] { leg_drained(); }, [this](Error error) { fail(std::move(error)); });
  }
  if (replay() != nullptr) {
    start_replay();
    return {};
  }
  // Weak: the log keeps its subscribers until it closes, which may be long after this pipeline.
  if (plan_->data().logged()) {
    std::vector<std::weak_ptr<PartitionRunner>> runners(runners_.begin(), runners_.end());
    env_.log->subscribe(stream_, [runners = std::move(runners)](int32_t partition) {
      if (auto runner = runners[static_cast<size_t>(partition)].lock()) runner->wake();
    });
  }
  started_ = true;
  // What the log still holds for the legs goes first, whether a source says anything or not.
  for (const auto& runner : runners_) runner->wake();
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
          if (--to_idle_ == 0) drain_runners();
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

void PipelineRun::drain_runners() {
  for (const auto& runner : runners_) runner->drain();
}

void PipelineRun::leg_drained() {
  // A finite pipeline is done when the slowest leg has committed its last event.
  if (++legs_drained_ < legs_.size()) return;
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
  const bool drained = legs_drained_ == legs_.size();
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
  ASSERT_WHY(runners_.size() == sources_.size(), "without a log every source is a partition");
  for (size_t p = 0; p < runners_.size(); ++p) {
    if (plan_->data().sources[p].traits.rereadable) continue;
    // A leg that is behind has events of its own waiting, and then those in the queue; the others have all of
    // them.
    uint64_t waiting = 0;
    for (const auto& leg : legs_) waiting = std::max(waiting, leg->waiting_events(p));
    left_behind_ += waiting + static_cast<const QueueFeed&>(runners_[p]->feed()).waiting_events();
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
  to_close_ = sources_.size() + runners_.size();
  if (to_close_ == 0) return close_legs();
  auto one = [this] {
    if (--to_close_ == 0) close_legs();
  };
  for (const auto& unit : sources_) unit->intake->close(one);
  for (const auto& runner : runners_) runner->close(one);
}

void PipelineRun::close_legs() {
  // Last, as runners deliver to legs until they have closed.
  to_close_ = legs_.size();
  if (to_close_ == 0) return one_closed();
  for (const auto& leg : legs_) {
    leg->close([this] {
      if (--to_close_ == 0) one_closed();
    });
  }
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
  for (size_t i = 0; i < legs_.size(); ++i) {
    const bool degraded = legs_[i]->degraded();
    out.push_back({.name = "sink " + config().sinks[i].name,
                   .healthy = !degraded,
                   .detail = degraded ? legs_[i]->last_error() : std::string()});
  }
  for (size_t i = 0; i < runners_.size(); ++i) {
    const std::string& obstacle = runners_[i]->obstacle();
    if (obstacle.empty()) continue;
    out.push_back({.name = "partition " + std::to_string(i),
                   .healthy = false,
                   .detail = "reading is tried again until it succeeds: " + obstacle});
  }
  return out;
}

}  // namespace colloquium::engine
