// CallAccount: what one call may cost and did cost, from before it is sent until its end is recorded; and what its
// records say.
//
//   reserve ── intent ── record_of ── settle
//         └─ release: nothing was sent
//
// Ownership: the desk and the model outlive it. What is reserved is the holder's to release or settle. Thread
// safety: loop only.
#pragma once

#include <memory>
#include <string>

#include "colloquium/ai_calls.h"
#include "colloquium/result.h"

#include "ai/budget_book.h"
#include "ai/call_attempt.h"
#include "ai/call_desk.h"
#include "ai/call_price.h"
#include "ai/call_record.h"
#include "ai/model_state.h"
#include "ai/token_estimate.h"

namespace colloquium::ai {

class CallAccount {
 public:
  // kInvalidConfig for a model without a price, where that is refused.
  static Result<CallAccount> open(const CallDesk& desk, const ModelState& model, const AiQuestion& question,
                                  const io::Digest128& digest, bool in_batch = false);
  // Of a call that an earlier run sent in a batch: by its intent, and with what it reserved held again, whatever
  // the budgets say.
  static Result<CallAccount> reopen(const CallDesk& desk, const CallRecord& intent);

  const AiRequest& request() const { return request_; }
  const CallTags& tags() const { return tags_; }
  // Tokens that are expected, of input and output together; the latter only where it is bounded.
  int64_t tokens() const { return tags_.tokens; }

  // The most it can cost; of all budgets or of none.
  BudgetShare::Reserved reserve();
  void release();

  // With an id of its own.
  CallRecord intent(int64_t attempt, const std::string& batch = {});
  // Its end: an answer, a failure, or unknown.
  CallRecord record_of(const AttemptEnd& end) const;
  // Gives back what it did not cost, learns from what it took, counts it, and tells the audit trail.
  void settle(const CallRecord& record, const AiQuestion& question);

 private:
  CallAccount(const CallDesk& desk, const ModelState& model, CallPrice price)
      : desk_(&desk), model_(&model), price_(std::move(price)) {}
  ModelName name() const { return {model_->provider.kind, model_->provider.name, model_->model}; }
  CallLabels labels() const;

  const CallDesk* desk_;
  const ModelState* model_;
  CallPrice price_;
  AiRequest request_;
  TokenEstimates::Input input_;
  CallTags tags_;
  BudgetShare::CallNumber reservation_ = 0;
};

}  // namespace colloquium::ai
