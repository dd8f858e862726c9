// What becomes of a call that a budget does not allow.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "colloquium/ai_calls.h"

#include "ai/budget_book.h"
#include "ai/call_settings.h"
#include "ai/model_state.h"

namespace colloquium::ai {

struct OverBudget {
  // To be tried again after so long; nothing: it is refused, as `failure` says.
  std::optional<int64_t> again_ms;
  AiFailure failure;
  const BudgetSettings* switches = nullptr;  // another model may take over first: see switched()
};

// REQUIRES: `reserved` is a refusal by one of the settings' budgets.
OverBudget over_budget(const BudgetShare::Reserved& reserved, const CallSettings& settings, int64_t now_ms);

// Whether there is a model behind choices[at] that may be asked in its place; it may be put there for that.
bool switched(const BudgetSettings& budget, const AiQuestion& question, const Models& models, size_t at,
              std::vector<AiModelChoice>& choices);

}  // namespace colloquium::ai
