#include "engine/select_stage.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::engine {

SelectStage::SelectStage(const SinkPlan& plan, const std::shared_ptr<const computo::HostContext>& context,
                         std::shared_ptr<ScriptMetrics> metrics)
    : first_match_(plan.first_match), takes_rest_(plan.takes_rest), metrics_(std::move(metrics)) {
  ASSERT(plan.selects());
  for (const RouteCase& each : plan.route) cases_.emplace_back(each, context);
  if (plan.when != nullptr) when_.emplace(plan.when, context);
}

Result<bool> SelectStage::is_true(computo::EventEvaluator& evaluator, const Batch& input, size_t i) {
  if (!evaluator.evaluate(input, i)) return fail(evaluator.failure());
  TRY(computo::apply_effects(evaluator.evaluator(), metrics_.get()));
  return evaluator.evaluator().is_truthy();
}

Result<bool> SelectStage::is_routed(const Batch& input, size_t i) {
  bool any = false;
  for (Case& each : cases_) {
    // Where every case counts, others than those this sink takes matter only to what is left over.
    if (!first_match_ && !each.wanted && !takes_rest_) continue;
    TRY_ASSIGN(const bool matches, is_true(each.evaluator, input, i));
    any = any || matches;
    if (matches && each.wanted) return true;
    if (matches && first_match_) return false;
  }
  return takes_rest_ && !any;
}

Result<bool> SelectStage::is_selected(const Batch& input, size_t i) {
  if (!cases_.empty()) {
    TRY_ASSIGN(const bool routed, is_routed(input, i));
    if (!routed) return false;
  }
  if (!when_) return true;
  return is_true(*when_, input, i);
}

void SelectStage::run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) {
  for (size_t i = 0; i < input.size(); ++i) {
    const Result<bool> selected = is_selected(input, i);
    if (!selected) {
      failed.push_back({i, selected.error()});
    } else if (*selected) {
      output.keep(input, i);
    }
  }
}

}  // namespace colloquium::engine
