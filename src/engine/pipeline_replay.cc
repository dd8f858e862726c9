// What a run does differently when it replays: its feeds, and the progress it keeps.
#include "base/assert.h"
#include "base/logging.h"
#include "engine/pipeline_run.h"
#include "engine/replay_pace.h"
#include "log/patient_commit.h"

namespace colloquium::engine {

Status PipelineRun::build_replay_runners(Section& section) {
  for (size_t p = 0; p < replay()->spans.size(); ++p) {
    const ReplaySpan& span = replay()->spans[p];
    TRY_ASSIGN(auto reader, replay()->open(span.partition, span.from));
    auto feed = std::make_unique<ReplayFeed>(std::move(reader), span, replay()->pace, env_.clock);
    // A plain pointer will do: what the worker posts comes before the runner's closing, and the run goes after
    // that.
    feed->set_wake_in(
        [this, p](int64_t wait_ms) { env_.loop.post([this, p, wait_ms] { wake_later(p, wait_ms); }); });
    replay_feeds_.push_back(feed.get());
    TRY(build_runner(section, p, std::move(feed)));
  }
  return {};
}

void PipelineRun::wake_later(size_t partition, int64_t wait_ms) {
  LOOP_ASSERT(env_.loop);
  if (closing_) return;
  const Section& section = *sections_.front();
  replay_timers_.resize(section.runners.size());
  replay_timers_[partition] = env_.loop.start_timer(wait_ms, [this, &section, partition] {
    const std::unique_ptr<Timer> fired = std::move(replay_timers_[partition]);
    section.runners[partition]->wake();
  });
}

// What is to be replayed is fixed by now. Once it is stored, whoever goes on with the replay reads the same.
void PipelineRun::start_replay() {
  started_ = true;
  if (store() == nullptr || replay()->resumed) return drain_runners(*sections_.front());
  log::CommitRequest request;
  request.leg = replay_leg(plan_->name(), replay()->generation);
  request.sink_token = replay_description(*replay());
  commit_replay(std::move(request), [this] { drain_runners(*sections_.front()); });
}

void PipelineRun::commit_replay(log::CommitRequest request, Task then) {
  ASSERT(store() != nullptr);
  replay_commit_ = std::make_unique<log::PatientCommit>(*store(), env_.loop, plan_->name());
  replay_commit_->commit(std::move(request),
                         [this, then = std::move(then)](Status status, const log::CommitRequest&) mutable {
                           if (!status) return fail(std::move(status).error());
                           then();
                         });
}

// What was read is still written and committed.
void PipelineRun::stop_replay() {
  for (ReplayFeed* feed : replay_feeds_) feed->stop();
  // A description that is still on its way to the log starts them, too; a runner may be told twice.
  drain_runners(*sections_.front());
}

void PipelineRun::finish_replay() {
  if (store() == nullptr) return finish();
  log::CommitRequest request;
  request.leg = replay_leg(plan_->name(), replay()->generation);
  request.forgotten.push_back(request.leg);
  for (const config::ComponentConfig& sink : config().sinks) {
    const std::string leg = replay_leg(plan_->name() + "/" + sink.name, replay()->generation);
    request.forgotten.push_back(leg);
    request.forgotten.push_back(leg + "/@progress");  // a stream sink's
  }
  request.forgotten.push_back(ai_records(*replay(), plan_->name()) + "/@ai");
  commit_replay(std::move(request), [this] { finish(); });
}

ReplayProgress PipelineRun::replay_progress() const {
  LOOP_ASSERT(env_.loop);
  ReplayProgress progress;
  if (replay() == nullptr) return progress;
  int64_t all = 0;
  int64_t done = 0;
  for (size_t p = 0; p < replay_feeds_.size(); ++p) {
    const ReplaySpan& span = replay()->spans[p];
    progress.read += replay_feeds_[p]->events();
    all += span.to - span.from;
    done += replay_feeds_[p]->position() - span.from;
  }
  progress.share = all <= 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
  for (size_t i = 0; i < sink_counters_.size(); ++i) {
    progress.delivered.push_back({config().sinks[i].name, sink_counters_[i]->events_out.value()});
  }
  return progress;
}

}  // namespace colloquium::engine
