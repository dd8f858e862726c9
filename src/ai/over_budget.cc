#include "ai/over_budget.h"

#include <algorithm>

#include "ai/call_price.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

// How often a call looks again whether others have given back what they reserved.
constexpr int64_t kReservedMs = 100;
constexpr int64_t kNextWindowMostMs = 60'000;

}  // namespace

OverBudget over_budget(const BudgetShare::Reserved& reserved, const CallSettings& settings, int64_t now_ms) {
  ASSERT(reserved.refused.has_value());
  const BudgetRefusal& refused = *reserved.refused;
  const bool never = refused.wanted > refused.limit;
  OverBudget over;
  // Others will give back most of what they have reserved.
  if (!never && refused.spent + refused.wanted <= refused.limit) {
    over.again_ms = kReservedMs;
    return over;
  }
  const auto budget = std::find_if(settings.budgets.begin(), settings.budgets.end(),
                                   [&](const BudgetSettings& each) { return each.spec.name == refused.budget; });
  ASSERT(budget != settings.budgets.end());
  const OnExceeded policy = budget->on_exceeded;
  std::optional<int64_t> wait_ms;
  if (refused.resets_ms) wait_ms = std::max<int64_t>(*refused.resets_ms - now_ms, 1);
  if (policy == OnExceeded::kWait && wait_ms && !never) {
    over.again_ms = std::min(*wait_ms, kNextWindowMostMs);
    return over;
  }
  const bool final = policy == OnExceeded::kFail || never;
  over.failure = {final ? AiFailureKind::kCaller : AiFailureKind::kQuota, reserved.why, wait_ms, 0};
  if (policy == OnExceeded::kSwitch) over.switches = &*budget;
  return over;
}

bool switched(const BudgetSettings& budget, const AiQuestion& question, const Models& models, size_t at,
              std::vector<AiModelChoice>& choices) {
  // Without a model of its own: whichever comes next.
  if (!budget.switch_to) return true;
  const AiModelChoice& other = *budget.switch_to;
  const auto end = choices.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  const bool tried = std::any_of(choices.begin(), end, [&](const AiModelChoice& choice) {
    return choice.provider == other.provider && choice.model == other.model;
  });
  if (tried) return false;
  const ProviderSettings& provider = *models.provider(other.provider);
  if (question.batching && provider.provider->batches() == nullptr) return false;
  if (!provider.provider->check(request_for(provider, other, question.request))) return false;
  choices.insert(end, other);
  return true;
}

}  // namespace colloquium::ai
