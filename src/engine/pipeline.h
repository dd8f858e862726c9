// Plan and Pipeline: from a pipeline's configuration to its legs, and the legs at work.
//
// A Plan is the compiled configuration: scripts compiled, components checked, legs known. It is immutable
// and shared. A Pipeline is one run of a plan: it creates the components, resumes from what was committed,
// and moves events until it is stopped or its finite sources are drained.
//
// Life of a Pipeline: create → start → (finished | stop) → closed → destroyed.
// Thread safety: Plan is immutable. Every method of Pipeline, and every callback, on the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/component.h"
#include "colloquium/config_spec.h"
#include "colloquium/executor.h"
#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

namespace colloquium::ai {
class OfflineCalls;
}
namespace colloquium::config {
struct PipelineConfig;
}
namespace colloquium::log {
class Log;
}
namespace colloquium::metrics {
class Registry;
}

namespace colloquium::engine {

class WorkerPool;
struct PlanData;
struct Replay;

class Plan {
 public:
  // Null if there is at least one error among `problems`; warnings alone do not stop it.
  static std::shared_ptr<const Plan> compile(config::PipelineConfig config, ConfigProblems& problems);
  explicit Plan(std::unique_ptr<const PlanData> data);
  ~Plan();

  const std::string& name() const;

  // The legs, a few lines each, as `validate --explain` prints them.
  std::string explain() const;

  // What each source-sink pair promises, one sentence each, as the start-up message says it.
  std::vector<std::string> promises() const;

  // False only if the pipeline is `log: off` and none of its sources can be re-read.
  bool needs_data_directory() const;

  const PlanData& data() const { return *data_; }

 private:
  std::unique_ptr<const PlanData> data_;
};

// What a pipeline runs in. Everything outlives it.
struct Environment {
  // The pipeline's own thread is the loop's; the executor's threads are reached through `workers` alone.
  Loop& loop;
  Executor& executor;
  const Clock& clock;
  Random& random;
  const Services& services;
  WorkerPool& workers;
  log::Log* log = nullptr;               // null if no pipeline of the process needs the data directory
  metrics::Registry* metrics = nullptr;  // may be null
  bool from_start = false;               // --from-start
  bool fresh_ai = false;                 // --fresh-ai: a replay uses no answer of a model that is recorded
  // What to read instead of the sources. Then `log` is where the replay's progress is kept, or null: nowhere.
  std::shared_ptr<const Replay> replay = nullptr;
};

// The worker threads, shared by all pipelines of the process. Destroy after the pipelines, before the Executor.
class WorkerPool {
 public:
  WorkerPool(Executor& executor, size_t workers);
  ~WorkerPool();
  size_t size() const { return workers_.size(); }
  // Serial per index, so whoever always uses one index needs no lock: a partition's runner and its stages do.
  TaskQueue& worker(size_t i) { return *workers_[i % workers_.size()]; }
  // Threads that cut, check and encode large bodies; serial per index.
  TaskQueue& door(size_t i) { return *doors_[i % doors_.size()]; }

 private:
  std::vector<std::unique_ptr<TaskQueue>> workers_;
  std::vector<std::unique_ptr<TaskQueue>> doors_;
};

struct ComponentHealth {
  std::string name;  // "source hook", "sink all"
  bool healthy = true;
  std::string detail;  // last error, or what it waits for
};

// What became of events that no sink has.
struct PipelineOutcome {
  uint64_t forwarded = 0;             // given up, and put into another pipeline
  uint64_t dead_letters = 0;          // given up, and kept in `dead_stream`
  uint64_t given_up = 0;              // given up, and kept nowhere (`log: off`)
  uint64_t left_behind = 0;           // accepted and not written when the pipeline was closed, and kept nowhere
  std::string dead_stream;            // empty: there is none
  std::optional<Error> source_error;  // a source could not be read to its end
};

// How far a replay is. Counts are of this process.
struct ReplayProgress {
  struct Delivered {
    std::string sink;
    uint64_t events = 0;
  };
  uint64_t read = 0;  // events
  double share = 0;   // of the offsets to be read, 0 to 1
  std::vector<Delivered> delivered;
};

class Pipeline {
 public:
  // Opens the streams, creates the components, restores sinks. Nothing runs yet.
  static Result<std::unique_ptr<Pipeline>> create(std::shared_ptr<const Plan> plan, Environment environment);
  virtual ~Pipeline() = default;

  // `finished` runs once when every source was finite, or the replay is through, and everything is committed;
  // `failed` runs once if the pipeline cannot go on (a sink's disk failed, a commit was refused).
  virtual Status start(Task finished, UniqueFunction<void(Error)> failed) = 0;

  // Stops intake, lets what was accepted drain into sinks and commits until `deadline_ms` from now, closes
  // the components; `closed` runs in a later turn. What did not drain is in the log, or is counted as left behind.
  // A negative deadline: nothing was to run at all, so nothing drains and nothing is said of it.
  virtual void stop(int64_t deadline_ms, Task closed) = 0;

  virtual bool ready() const = 0;  // started and not failed
  virtual std::vector<ComponentHealth> health() const = 0;
  // So far; final once `finished` or `closed` has run.
  virtual PipelineOutcome outcome() const = 0;
  // All zero unless the pipeline replays.
  virtual ReplayProgress replay_progress() const { return {}; }
};

// One result of run_in_memory.
struct SinkOutput {
  std::string sink;
  std::vector<std::string> values;  // JSON texts in order
};
struct InMemoryResult {
  std::vector<SinkOutput> sinks;
  std::vector<std::string> dead_letters;  // envelopes
};

// Runs the stages and every sink's `when` over `events` (JSON texts, one batch) without sources, sinks or
// log: what `colloquium test` does with a pipeline. Stages that ask models ask `calls`; null: there are none.
Result<InMemoryResult> run_in_memory(const Plan& plan, const std::vector<std::string>& events,
                                     Environment environment, ai::OfflineCalls* calls);

}  // namespace colloquium::engine
