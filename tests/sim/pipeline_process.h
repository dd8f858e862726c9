// PipelineProcess: one life of a process that runs a pipeline over the shipped log: everything it has in memory,
// on one thread. Its disk, its clock and its peers outlive it.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_executor.h"
#include "engine/pipeline.h"
#include "log/segment_log.h"
#include "loop/test_loop.h"
#include "tests/sim/disk.h"

namespace colloquium::sim {

class PipelineProcess {
 public:
  // `options` are completed with what is simulated. `components` beside those of the binary; they come first.
  PipelineProcess(uint64_t seed, Disk& disk, ManualClock& clock, log::LogOptions options,
                  std::vector<Descriptor> components);
  ~PipelineProcess();
  PipelineProcess(const PipelineProcess&) = delete;
  PipelineProcess& operator=(const PipelineProcess&) = delete;

  Status open_log();
  // Opens the log and starts the pipeline.
  Status start(const std::string& yaml);

  // One small step of something.
  void step();
  // False if it was not closed after very many steps.
  bool stop(int64_t deadline_ms);
  // After stop().
  Status close_log();
  // Everything that is under way comes to its end, which is failure if the disk was halted before.
  void end();

  // What ends the process: the log or the pipeline can't go on.
  const std::optional<Error>& failure() const { return failure_; }
  log::SegmentLog* log() { return log_.get(); }
  bool is_ready() const { return pipeline_ != nullptr && pipeline_->ready(); }
  // A finite source has emitted everything, and it was taken.
  bool is_finished(const std::string& source) const;
  engine::PipelineOutcome outcome() const { return outcome_; }

 private:
  const Descriptor* find(ComponentKind kind, std::string_view name) const;
  std::shared_ptr<const engine::Plan> compile(const std::string& yaml, std::string& problem) const;
  void settle();

  ManualClock& clock_;
  log::LogOptions options_;
  const std::vector<Descriptor> components_;
  SimExecutor executor_;
  loop::TestLoop loop_;
  SeededRandom random_;  // what the process draws
  SeededRandom chance_;  // what moves next
  Services services_;
  engine::WorkerPool workers_;
  std::unique_ptr<log::SegmentLog> log_;
  std::unique_ptr<engine::Pipeline> pipeline_;
  std::optional<Error> failure_;
  engine::PipelineOutcome outcome_;
};

}  // namespace colloquium::sim
