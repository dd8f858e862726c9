// DryRun: the stages of a plan and the `when`s of its sinks over batches, without sources, sinks or log.
//
// What comes out of it is what the sinks would be given, with the ids they would see. Nothing is counted.
//
// The plan and what the environment refers to outlive it. Thread safety: one thread.
#pragma once

#include <memory>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "computo/event_evaluator.h"
#include "engine/pipeline.h"
#include "engine/stage_chain.h"
#include "engine/select_stage.h"

namespace colloquium::engine {

class DryRun {
 public:
  static Result<std::unique_ptr<DryRun>> create(const Plan& plan, const Environment& environment);

  struct Outcome {
    std::vector<std::shared_ptr<const Batch>> sinks;  // as in the plan
    std::shared_ptr<const Batch> dead;                // envelopes: of the stages, then of each sink's `when`
  };
  // REQUIRES: the batch has tapes.
  Outcome run(const std::shared_ptr<const Batch>& input);

 private:
  explicit DryRun(const Plan& plan) : plan_(plan) {}
  Status build(const Environment& environment);
  std::shared_ptr<const Batch> select(size_t sink, const std::shared_ptr<const Batch>& result);

  const Plan& plan_;
  std::unique_ptr<StageChain> chain_;
  std::vector<std::unique_ptr<SelectStage>> whens_;  // by sink; null: every event
  BatchBuilder dead_;
  BatchBuilder kept_;
  std::vector<FailedEvent> failed_;
};

}  // namespace colloquium::engine
