// WhenStage: keeps the events for which an expression is truthy. What stands before a sink with `when`.
//
// Thread safety: belongs to one worker.
#pragma once

#include "colloquium/stage.h"

#include "computo/event_evaluator.h"

namespace colloquium::engine {

class WhenStage final : public PureStage {
 public:
  // `context` and `metrics` may be null.
  WhenStage(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context,
            std::shared_ptr<ScriptMetrics> metrics)
      : evaluator_(std::move(program), std::move(context)), metrics_(std::move(metrics)) {}

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override {
    for (size_t i = 0; i < input.size(); ++i) {
      // An expression that fails is neither yes nor no: the event becomes a dead letter of this leg alone.
      if (!evaluator_.evaluate(input, i)) {
        failed.push_back({i, evaluator_.failure()});
      } else if (Status counted = computo::apply_effects(evaluator_.evaluator(), metrics_.get()); !counted) {
        failed.push_back({i, std::move(counted).error()});
      } else if (evaluator_.evaluator().is_truthy()) {
        output.keep(input, i);
      }
    }
  }
  bool needs_tape() const override { return true; }
  void set_output_tape(bool) override {}

 private:
  computo::EventEvaluator evaluator_;
  std::shared_ptr<ScriptMetrics> metrics_;
};

}  // namespace colloquium::engine
