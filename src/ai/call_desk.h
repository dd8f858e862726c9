// What all calls of a pipeline share.
//
// Ownership: everything it names outlives it. Thread safety: loop only.
#pragma once

#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "ai/audit.h"
#include "ai/budget_book.h"
#include "ai/call_records.h"
#include "ai/call_settings.h"
#include "ai/model_state.h"
#include "ai/token_estimate.h"
#include "ai/transport.h"

namespace colloquium::ai {

struct CallDesk {
  const CallSettings& settings;
  Loop& loop;
  const Clock& clock;
  Random& random;
  AiTransport& transport;
  CallRecords& records;
  BudgetShare& budgets;
  TokenEstimates& estimates;
  Models& models;
  AuditTrail* audit;  // null: none is kept
};

}  // namespace colloquium::ai
