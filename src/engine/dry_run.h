// DryRun: the stages of a plan and the `when`s of its sinks over batches, without sources, sinks or log.
//
// What comes out of it is what the sinks would be given, with the ids they would see. Nothing is counted. Stages
// that ask models get the answers that they are given here; nobody is asked, and nothing is paid.
//
// The plan, the calls and what the environment refers to outlive it. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "ai/offline_calls.h"
#include "engine/dry_stage.h"
#include "engine/pipeline.h"
#include "engine/select_stage.h"
#include "engine/stage_chain.h"

namespace colloquium::engine {

class DryRun {
 public:
  // Without `calls`, what asks models can't be run: kInvalidConfig. So is any other stage that has an effect.
  static Result<std::unique_ptr<DryRun>> create(const Plan& plan, const Environment& environment,
                                                ai::OfflineCalls* calls);

  struct Outcome {
    std::vector<std::shared_ptr<const Batch>> sinks;  // as in the plan
    std::shared_ptr<const Batch> dead;                // envelopes: of the stages, then of each sink's `when`
    // Of the input's events, the offsets of those that a model was asked about without an answer, rising: what
    // would become of them is not known, and nothing of them is in `sinks`.
    std::vector<int64_t> open = {};
  };
  // REQUIRES: the batch has tapes.
  Outcome run(const std::shared_ptr<const Batch>& input);

  // A batch without what came of the events at these offsets, rising.
  static std::shared_ptr<const Batch> without(const std::shared_ptr<const Batch>& batch,
                                              const std::vector<int64_t>& offsets);

 private:
  explicit DryRun(const Plan& plan) : plan_(plan) {}
  // The pure stages up to an asynchronous one, or to the sinks, and that.
  struct Section {
    const SectionPlan* plan;
    std::unique_ptr<StageChain> chain;
    std::unique_ptr<DryStage> stage;  // null in the last one
  };

  Status build(const Environment& environment, ai::OfflineCalls* calls);
  Result<std::unique_ptr<DryStage>> build_stage(const config::ComponentConfig& stage, ComponentContext context,
                                                ai::OfflineCalls* calls) const;
  std::shared_ptr<const Batch> select(size_t sink, const std::shared_ptr<const Batch>& result);

  const Plan& plan_;
  std::vector<Section> sections_;
  std::vector<std::unique_ptr<SelectStage>> whens_;  // by sink; null: every event
  BatchBuilder dead_;
  BatchBuilder kept_;
  std::vector<FailedEvent> failed_;
};

}  // namespace colloquium::engine
