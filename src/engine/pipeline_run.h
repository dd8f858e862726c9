// PipelineRun: the Pipeline there is. Private to src/engine/pipeline*.cc.
//
// Who owns whom: the run owns sources, intakes, and the sections with their runners and legs. A source speaks to
// its intake, the log (or a queue) wakes the runners, a runner posts to its section's legs, a leg gives credit
// back to the runner. Everything but the runners' insides lives on the loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/counters.h"
#include "computo/event_evaluator.h"
#include "engine/committed_cursors.h"
#include "engine/dead_letter_tally.h"
#include "engine/door.h"
#include "engine/error_alerts.h"
#include "engine/forwarded_events.h"
#include "engine/leg.h"
#include "engine/partition_runner.h"
#include "engine/pipeline.h"
#include "engine/plan_data.h"
#include "engine/replay.h"
#include "engine/replay_feed.h"
#include "engine/script_metrics.h"
#include "log/patient_commit.h"
#include "metrics/registry.h"

namespace colloquium::engine {

class AiDesk;
class StageLeg;

class PipelineRun final : public Pipeline {
 public:
  PipelineRun(std::shared_ptr<const Plan> plan, Environment environment);
  ~PipelineRun() override;

  Status build();

  Status start(Task finished, UniqueFunction<void(Error)> failed) override;
  void stop(int64_t deadline_ms, Task closed) override;
  bool ready() const override { return started_ && !failed_already_; }
  std::vector<ComponentHealth> health() const override;
  PipelineOutcome outcome() const override;
  ReplayProgress replay_progress() const override;

 private:
  // Counters outlive what counts and are read by the metrics registry until the run dies.
  struct Measured {
    Measured(std::string who, const Clock& clock) : letters(std::move(who), clock) {}
    ComponentCounters counters;
    DeadLetterTally letters;
    std::vector<metrics::Registration> registrations;
  };
  struct SourceUnit {
    // The intake is declared first and so dies last: a source may speak to it to its end.
    std::string name;
    std::unique_ptr<SourceIntake> intake;
    std::unique_ptr<Source> source;
    QueueFeed* queue = nullptr;  // `log: off`: owned by the runner
    bool finished = false;       // or failed
    std::optional<Error> error;
    bool closed = false;
  };

  // The legs that read one stream, and the runners that serve them.
  struct Section {
    const SectionPlan* plan = nullptr;
    log::StreamId stream = 0;                        // with a log
    std::string tag;                                 // of the stream
    std::vector<std::unique_ptr<QueueFeed>> queues;  // without: by partition, until their runners take them
    std::vector<std::unique_ptr<Leg>> legs;
    StageLeg* stage_leg = nullptr;  // the one of `legs`, where it ends in a stage
    // By leg: as the journal had it at the start (only building reads it), and what counts its letters.
    std::vector<std::optional<log::LegState>> leg_states;
    std::vector<DeadLetterTally*> letters;
    std::vector<std::shared_ptr<PartitionRunner>> runners;
    size_t drained = 0;  // of the legs
  };

  const config::PipelineConfig& config() const { return plan_->data().config; }
  const Replay* replay() const { return env_.replay.get(); }
  // Its partitions are a stream's, and not its sources'.
  bool reads_log() const { return replay() != nullptr || plan_->data().logged(); }
  // Where legs commit; null: nowhere.
  log::Log* store() const { return replay() != nullptr || plan_->needs_data_directory() ? env_.log : nullptr; }
  Measured& measure(const std::string& component, const Descriptor& descriptor);
  void measure_dedupe(const std::string& source, const Descriptor& descriptor,
                      const std::shared_ptr<DedupeTable>& table);
  ComponentContext component_context(const config::ComponentConfig& component) const;

  // Building, in this order. Any failure leaves a run that can be destroyed as it is: nothing has been started.
  log::Retention retention() const;
  log::Compaction compaction() const;
  Status open_streams();
  Status open_targets();
  void make_alerts();
  void tell_alert(const ErrorAlert& alert);
  Status open_dead_stream();
  Status open_section(Section& section);
  Status build_legs();
  Status build_stage_leg(Section& section, Section& next);
  Status build_sink_leg(Section& section, size_t index);
  LegOptions leg_options(Section& section, const config::ComponentConfig& component);
  LetterPlaces letter_places() const;
  Status build_sources();
  Status build_source(size_t index);
  IntakeOptions intake_options(size_t index);
  std::shared_ptr<DedupeTable> make_dedupe(const config::DedupeConfig& config) const;
  Status build_runners();
  Status build_log_runners(Section& section);
  Status build_replay_runners(Section& section);
  Status build_runner(Section& section, size_t partition, std::unique_ptr<Feed> feed);
  void join_queues(Section& section);
  Result<StageChain> build_chain(const SectionPlan& section);
  Result<LegPort> leg_port(Section& section, size_t leg, size_t partition, const Feed& feed);
  void place_port(const Section& section, size_t leg, size_t partition, LegPort& port) const;
  CommitPartition commit_partition(const Section& section, size_t index) const;
  // Of its events' ids. The positions of a source that cannot read again begin at 0 in every run, so there the tag
  // has to differ for ids not to repeat.
  const std::string& source_tag(size_t index) const {
    return plan_->data().logged() || plan_->data().sources[index].traits.rereadable ? stream_tag_ : run_tag_;
  }
  int64_t committed_position(const Section& section, size_t leg, size_t partition) const;
  int64_t position_of_sinks(const Section& section, size_t partition) const;
  Status check_read_streams() const;
  // The last one, whose legs are those of the sinks, as in config.
  Section& sinks() { return *sections_.back(); }
  const Section& sinks() const { return *sections_.back(); }
  void gather_committed();
  size_t partition_count() const;

  // A replay: what it is gets stored, then its runners start to drain what their feeds have; what was stored is
  // forgotten when they have. `then` runs on the loop.
  void start_replay();
  void stop_replay();
  void commit_replay(log::CommitRequest request, Task then);
  void finish_replay();
  void wake_later(size_t partition, int64_t wait_ms);

  // Ending: either all sources are finite and finished (drain, then `finished_`), or stop() was called (drain
  // until the deadline, then close). Closing goes source → intake and runner → leg, so that nobody calls into what
  // has closed.
  void source_finished(size_t index);
  void source_failed(size_t index, Error error);
  void drain_until(int64_t deadline_ms);
  void count_left_behind();
  void drain();
  void drain_runners(Section& section);
  void leg_drained(size_t section);
  void finish();
  void fail(Error error);
  // As often on as off: the sources go on when no leg wants them to wait.
  void pause_sources(bool on);
  void close_all();
  void close_runners();
  void close_legs();
  void close_desk();
  void one_closed();

  // Constant after build().
  std::shared_ptr<const Plan> plan_;
  Environment env_;
  std::shared_ptr<const std::map<std::string, std::string>> script_variables_;
  std::shared_ptr<const computo::HostContext> host_context_;
  std::shared_ptr<ScriptMetrics> script_metrics_;

  std::optional<log::StreamId> dead_stream_;
  ForwardTargets targets_;
  std::unique_ptr<ErrorAlerts> alerts_;  // null: none
  std::string stream_tag_;
  std::string run_tag_;  // no other run's
  std::shared_ptr<const BatchOrigin> dead_origin_;

  // Counters are declared before whatever adds to them, so that they outlive it.
  std::vector<std::unique_ptr<Measured>> measured_;
  std::vector<metrics::Registration> registrations_;
  std::map<size_t, Measured*> measured_stages_;
  std::vector<const ComponentCounters*> sink_counters_;
  std::vector<CommittedCursors> committed_;  // `log: off`: by source
  std::unique_ptr<AiDesk> ai_desk_;  // null: there is no `ai` section. Outlives sources and legs.
  std::vector<std::unique_ptr<SourceUnit>> sources_;
  // In order, each behind the one that feeds it; a replay of a stage's stream begins behind that stage.
  std::vector<std::unique_ptr<Section>> sections_;
  std::vector<Sink*> sink_components_;  // owned by their legs
  // A replay's: the runners own the feeds; a timer is there while a feed waits for its time.
  std::vector<ReplayFeed*> replay_feeds_;
  std::vector<std::unique_ptr<Timer>> replay_timers_;
  // Gone with the run: the log may answer a commit of the run itself later than that.
  std::unique_ptr<log::PatientCommit> replay_commit_;

  // Where in its life the run is. Each is set once and never back.
  bool started_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool closing_ = false;
  bool failed_already_ = false;
  // Countdowns of the step under way.
  int pausing_legs_ = 0;
  size_t to_close_ = 0;
  size_t to_idle_ = 0;
  uint64_t left_behind_ = 0;  // see PipelineOutcome
  std::unique_ptr<Timer> deadline_;
  Task finished_;
  Task closed_;
  UniqueFunction<void(Error)> failed_;
};

}  // namespace colloquium::engine
