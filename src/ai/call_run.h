// CallRun: one question on its way to an answer: which model, whether it may be sent, sending, what it cost, again
// or another model.
//
//   model ── its breaker lets it ── its turn ── reserved ── intent written ── sent ──┬── answered
//     ^                                                                              │
//     └── another model, or the same after a while, while nobody has heard any of it ┘
//
// Failures that a provider answers with cost nothing; what breaks off costs what came; what was sent and never
// answered is unknown, and counts as all that was reserved. Each sending has its end in the records, but the
// answer's, which goes to whoever runs this, to be written with whatever belongs to it.
//
// Ownership: the desk and what it names outlive it. Destroyed only when it has ended, or with the process's end.
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "ai/call_account.h"
#include "ai/call_attempt.h"
#include "ai/call_desk.h"
#include "ai/gate.h"
#include "base/liveness.h"

namespace colloquium::ai {

struct RunEnd {
  std::optional<CallRecord> answer;  // not written yet
  AiRefusal refusal;                 // without an answer
  bool lost = false;                 // it was sent, and nobody knows what became of it
  bool was_heard = false;            // somebody has heard a part of an answer, so it was not begun anew
};

class CallRun {
 public:
  // True if somebody was handed it: from then on it is not begun anew.
  using Hear = std::function<bool(const AiOutput&)>;
  using Done = UniqueFunction<void(RunEnd)>;

  // REQUIRES: providers of all models are there.
  CallRun(CallDesk& desk, std::shared_ptr<const AiQuestion> question, const io::Digest128& digest, Hear hear,
          Done done);

  // `done` runs once, in a turn of its own.
  void start();
  // Ends it soon.
  void cancel();

  // What came so far of the answer that is coming. Whoever takes it has heard it.
  const CallContent* so_far() const { return attempt_ != nullptr ? &attempt_->so_far() : nullptr; }
  void was_heard() { heard_ = true; }

 private:
  enum class Phase : uint8_t { kIdle, kTurn, kWait, kIntent, kSent, kEnded };

  const AiModelChoice& choice() const { return choices_[at_]; }

  void try_model();
  void next_model();
  void prepare();
  void queue_up();
  void my_turn();
  void give_turn_back();
  void over_budget(const BudgetShare::Reserved& reserved);
  void write_intent();
  void intent_written(const Status& status);
  void send();
  void attempt_ended(AttemptEnd end);
  void ended(AttemptEnd end);
  void judge(const AttemptEnd& end);
  void settle(const CallRecord& record);
  void decide(const AiFailure& failure, bool lost);
  void again_after(int64_t wait_ms);
  void wait(int64_t wait_ms, void (CallRun::*then)());
  void note(AiFailure failure);
  void finish(RunEnd end);
  void refuse();

  CallDesk& desk_;
  const std::shared_ptr<const AiQuestion> question_;
  const io::Digest128 digest_;
  const Hear hear_;
  Done done_;

  std::vector<AiModelChoice> choices_;
  size_t at_ = 0;               // of choices_
  int64_t attempt_number_ = 1;  // at this model
  Phase phase_ = Phase::kIdle;
  bool cancelled_ = false;
  bool heard_ = false;

  // Of the present attempt.
  ModelState* model_ = nullptr;
  std::optional<CallAccount> account_;
  Gate::Ticket ticket_ = 0;
  AiAccess access_;  // as whom it was sent
  std::unique_ptr<CallAttempt> attempt_;
  std::unique_ptr<Timer> timer_;

  AiRefusal refusal_;  // of the last model that was tried
  Liveness alive_;
};

}  // namespace colloquium::ai
