// SelectStage: the events that come to one sink: by the cases of `route` that it takes, and its own `when`.
//
// Thread safety: belongs to one worker.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "colloquium/stage.h"

#include "computo/event_evaluator.h"
#include "engine/plan_data.h"

namespace colloquium::engine {

class SelectStage final : public PureStage {
 public:
  // REQUIRES: plan.selects(). `context` and `metrics` may be null.
  SelectStage(const SinkPlan& plan, const std::shared_ptr<const computo::HostContext>& context,
              std::shared_ptr<ScriptMetrics> metrics);

  // An expression that fails is neither yes nor no: the event becomes a dead letter of this sink alone.
  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override;
  bool needs_tape() const override { return true; }
  void set_output_tape(bool) override {}

 private:
  struct Case {
    Case(const RouteCase& route, const std::shared_ptr<const computo::HostContext>& context)
        : evaluator(route.program, context), wanted(route.wanted) {}
    computo::EventEvaluator evaluator;
    const bool wanted;
  };
  Result<bool> is_true(computo::EventEvaluator& evaluator, const Batch& input, size_t i);
  Result<bool> is_routed(const Batch& input, size_t i);
  Result<bool> is_selected(const Batch& input, size_t i);

  std::deque<Case> cases_;  // they do not move
  const bool first_match_;
  const bool takes_rest_;
  std::optional<computo::EventEvaluator> when_;
  std::shared_ptr<ScriptMetrics> metrics_;
};

}  // namespace colloquium::engine
