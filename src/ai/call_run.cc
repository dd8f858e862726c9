#include "ai/call_run.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ai/failure_text.h"
#include "ai/over_budget.h"
#include "base/assert.h"
#include "base/full_jitter.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
}  // namespace

CallRun::CallRun(CallDesk& desk, std::shared_ptr<const AiQuestion> question, const io::Digest128& digest,
                 Hear hear, Done done)
    : desk_(desk),
      question_(std::move(question)),
      digest_(digest),
      hear_(std::move(hear)),
      done_(std::move(done)) {}

void CallRun::start() {
  LOOP_ASSERT(desk_.loop);
  ASSERT(phase_ == Phase::kIdle && !question_->models.empty());
  choices_ = routed(*question_, desk_.settings, desk_.models, desk_.estimates, desk_.random);
  try_model();
}

// --- which model, and its turn

void CallRun::try_model() {
  for (; at_ < choices_.size(); ++at_, attempt_number_ = 1) {
    model_ = &desk_.models.at(choice().provider, choice().model);
    const int64_t now_ns = desk_.clock.monotonic_ns();
    const net::CircuitBreaker& breaker = model_->breaker;
    if (!breaker.is_open() || (now_ns >= breaker.next_probe_ns() && !breaker.is_probing())) return prepare();
    const int64_t wait_ms = std::max<int64_t>(breaker.next_probe_ns() - now_ns, 0) / kNsPerMs + 1;
    note({AiFailureKind::kTransient, "it failed again and again, and is left alone", wait_ms, 0});
  }
  refuse();
}

void CallRun::next_model() {
  ++at_;
  attempt_number_ = 1;
  try_model();
}

void CallRun::prepare() {
  Result<CallAccount> account = CallAccount::open(desk_, *model_, *question_, digest_);
  if (!account) {
    note({AiFailureKind::kCaller, account.error().message, std::nullopt, 0});
    return next_model();
  }
  account_.emplace(std::move(*account));
  queue_up();
}

// What no budget allows now would take a turn from others for nothing.
void CallRun::queue_up() {
  const BudgetShare::Reserved looked = account_->reserve();
  if (looked.refused) return over_budget(looked);
  account_->release();
  phase_ = Phase::kTurn;
  ticket_ = model_->gate.enter(account_->tokens(), [this] { my_turn(); });
  model_->show();
  if (ticket_ != 0) return;
  note({AiFailureKind::kThrottled, "too many calls wait for their turn", 1000, 0});
  next_model();
}

void CallRun::my_turn() {
  ticket_ = 0;
  model_->show();
  if (!model_->breaker.try_begin(desk_.clock.monotonic_ns())) {
    model_->gate.leave(account_->tokens(), 0);
    return try_model();
  }
  const BudgetShare::Reserved reserved = account_->reserve();
  if (reserved.refused) {
    give_turn_back();
    return over_budget(reserved);
  }
  write_intent();
}

// Nothing was sent.
void CallRun::give_turn_back() {
  model_->gate.leave(account_->tokens(), 0);
  model_->breaker.abandoned();
  model_->show();
}

// --- money

void CallRun::over_budget(const BudgetShare::Reserved& reserved) {
  OverBudget over = ai::over_budget(reserved, desk_.settings, desk_.clock.wall_ms());
  // What it is to be, and may cost, is known by now.
  if (over.again_ms) return wait(*over.again_ms, &CallRun::queue_up);
  note(std::move(over.failure));
  refusal_.budget = true;
  const bool goes_on =
      over.switches != nullptr && switched(*over.switches, *question_, desk_.models, at_, choices_);
  goes_on ? next_model() : refuse();
}

// --- sending

void CallRun::write_intent() {
  phase_ = Phase::kIntent;
  desk_.records.intents({account_->intent(attempt_number_)},
                        alive_.guard([this](const Status& status) { intent_written(status); }));
}

void CallRun::intent_written(const Status& status) {
  if (!status) {
    give_turn_back();
    account_->release();
    note({AiFailureKind::kTransient, "cannot record the call before it is sent: " + status.error().message, 1000,
          0});
    return refuse();
  }
  if (!cancelled_) return send();
  AttemptEnd unsent;
  unsent.failure = {AiFailureKind::kTransient, "nobody waits for it any more", std::nullopt, 0};
  ended(std::move(unsent));
}

void CallRun::send() {
  phase_ = Phase::kSent;
  const ProviderSettings& provider = model_->provider;
  access_ = provider.access();
  AiTransport& transport = provider.transport_or(desk_.transport);
  attempt_ = std::make_unique<CallAttempt>(
      desk_.loop, desk_.clock, transport, provider.timeouts, desk_.settings.answer_bytes,
      provider.provider->decoder(account_->request()), account_->request().inputs.size());
  model_->counters.under_way.add(1);
  const auto hear = [this](const AiOutput& output) {
    if (hear_ && hear_(output)) heard_ = true;
  };
  attempt_->send(provider.provider->encode(account_->request(), access_), hear,
                 alive_.guard([this](AttemptEnd end) { attempt_ended(std::move(end)); }));
}

void CallRun::attempt_ended(AttemptEnd end) {
  make_presentable(end.failure, access_);
  attempt_ = nullptr;
  model_->counters.under_way.add(-1);
  ended(std::move(end));
}

// --- what came of it

// What a call says of the model's health, and when it may be asked again.
void CallRun::judge(const AttemptEnd& end) {
  net::CircuitBreaker& breaker = model_->breaker;
  const int64_t now_ns = desk_.clock.monotonic_ns();
  const CallBreaker& settings = model_->provider.breaker;
  if (end.how == AttemptEnds::kAnswered) return breaker.succeeded();
  if (cancelled_) return breaker.abandoned();
  const AiFailure& failure = end.failure;
  const int64_t hint_ms = std::min(failure.retry_after_ms.value_or(0), int64_t{86'400'000});
  if (failure.kind != AiFailureKind::kCaller && failure.kind != AiFailureKind::kKey) {
    model_->last_error = failure.message;
  }
  switch (failure.kind) {
    case AiFailureKind::kCaller:
    case AiFailureKind::kKey:
      return breaker.abandoned();
    case AiFailureKind::kQuota:
      return breaker.open_until(now_ns + (hint_ms > 0 ? hint_ms : settings.quota_ms) * kNsPerMs);
    case AiFailureKind::kThrottled:
      model_->gate.hold_ms(std::min(hint_ms, model_->provider.retry.hint_max_ms));
      return breaker.failed(now_ns);
    case AiFailureKind::kTransient:
      return breaker.failed(now_ns);
  }
}

void CallRun::settle(const CallRecord& record) {
  account_->settle(record, *question_);
  const bool is_lost = record.kind == RecordKind::kUnknown;
  const bool nothing = record.kind == RecordKind::kFailure && record.usage == TokenUsage();
  const int64_t tokens = account_->tokens();
  model_->gate.leave(tokens, is_lost ? tokens : nothing ? 0 : record.usage.total());
  model_->show();
}

void CallRun::ended(AttemptEnd end) {
  const bool answered = end.how == AttemptEnds::kAnswered;
  const bool lost = end.how == AttemptEnds::kLost;
  CallRecord record = account_->record_of(end);
  judge(end);
  settle(record);
  if (answered) {
    RunEnd found;
    found.answer = std::move(record);
    // In this turn, so that one batch of the log has the answer and its audit. Whoever is told may destroy this.
    phase_ = Phase::kEnded;
    const auto done = std::make_shared<Done>(std::move(done_));
    return (*done)(std::move(found));
  }
  Records records;
  records.push_back(std::move(record));
  desk_.records.end(std::move(records), [](const Status&) {});  // what it was for is over
  note(end.failure);
  refusal_.partial = std::move(end.content.text);
  decide(end.failure, lost);
}

void CallRun::decide(const AiFailure& failure, bool lost) {
  if (cancelled_ || heard_) return refuse();
  if (lost && question_->on_unknown == AiOnUnknown::kFail) {
    refusal_.unknown = true;
    return refuse();
  }
  const CallRetry& retry = model_->provider.retry;
  switch (failure.kind) {
    case AiFailureKind::kCaller:
      return refuse();
    case AiFailureKind::kKey:
    case AiFailureKind::kQuota:
      return next_model();
    case AiFailureKind::kThrottled:
    case AiFailureKind::kTransient:
      break;
  }
  const int64_t asked_ms = failure.retry_after_ms.value_or(0);
  if (attempt_number_ >= retry.attempts || asked_ms > retry.hint_max_ms) return next_model();
  const int64_t wait_ms = full_jitter_ms(retry.first_ms, retry.max_ms, attempt_number_, desk_.random);
  ++attempt_number_;
  model_->counters.retries.add();
  again_after(std::max(wait_ms, asked_ms));
}

void CallRun::again_after(int64_t wait_ms) {
  wait(wait_ms, &CallRun::prepare);
}

void CallRun::wait(int64_t wait_ms, void (CallRun::*then)()) {
  phase_ = Phase::kWait;
  timer_ = desk_.loop.start_timer(wait_ms, [this, then] {
    const auto fired = std::move(timer_);
    const net::CircuitBreaker& breaker = model_->breaker;
    // It may have been opened meanwhile, by others.
    if (breaker.is_open() && desk_.clock.monotonic_ns() < breaker.next_probe_ns()) return try_model();
    (this->*then)();
  });
}

// --- the end

void CallRun::note(AiFailure failure) {
  refusal_ = {};
  refusal_.model = choice();
  refusal_.failure = std::move(failure);
}

void CallRun::refuse() {
  RunEnd end;
  end.refusal = refusal_;
  end.was_heard = heard_;
  if (end.refusal.model.model.empty() && !choices_.empty()) end.refusal.model = choices_.front();
  finish(std::move(end));
}

void CallRun::finish(RunEnd end) {
  ASSERT_WHY(phase_ != Phase::kEnded, "a run ends once");
  phase_ = Phase::kEnded;
  (void)desk_.loop.post(alive_.guard([this, end = std::move(end)]() mutable {
    // What is told may destroy this.
    const auto done = std::make_shared<Done>(std::move(done_));
    (*done)(std::move(end));
  }));
}

void CallRun::cancel() {
  LOOP_ASSERT(desk_.loop);
  if (std::exchange(cancelled_, true)) return;
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kEnded:
    case Phase::kIntent:  // goes on as soon as that is written
      return;
    case Phase::kTurn:
      model_->gate.give_up(std::exchange(ticket_, 0));
      break;
    case Phase::kWait:
      timer_ = nullptr;
      break;
    case Phase::kSent:
      // It may have failed already, and its end be on the way.
      return attempt_ended(attempt_->stop("nobody waits for it any more"));
  }
  note({AiFailureKind::kTransient, "nobody waits for it any more", std::nullopt, 0});
  refuse();
}

}  // namespace colloquium::ai

namespace colloquium {
namespace {

std::pair<ErrorCode, bool> code_of(const AiRefusal& refusal) {
  if (refusal.unknown) return {ErrorCode::kUnavailable, false};
  if (refusal.budget) return {ErrorCode::kLimit, refusal.failure.kind == AiFailureKind::kQuota};
  switch (refusal.failure.kind) {
    case AiFailureKind::kCaller:
      return {ErrorCode::kInvalidInput, false};
    case AiFailureKind::kKey:
      return {ErrorCode::kPermission, false};
    case AiFailureKind::kThrottled:
    case AiFailureKind::kQuota:
    case AiFailureKind::kTransient:
      break;
  }
  return {ErrorCode::kUnavailable, true};
}

}  // namespace

Error AiRefusal::error() const {
  const auto [code, retryable] = code_of(*this);
  std::string message = "model '" + model.model + "' of provider '" + model.provider + "' did not answer: ";
  if (unknown) message += "it was asked, and nobody will ever know what it said: ";
  return {code, message + failure.message, retryable, {}};
}

}  // namespace colloquium
