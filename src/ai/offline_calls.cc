#include "ai/offline_calls.h"

#include <utility>

#include "ai/call_price.h"
#include "ai/redaction.h"
#include "base/assert.h"

namespace colloquium::ai {

namespace {

AiOutcome refused(std::string message) {
  AiOutcome outcome;
  outcome.refusal.failure.kind = AiFailureKind::kCaller;
  outcome.refusal.failure.message = std::move(message);
  return outcome;
}

}  // namespace

OfflineCalls::OfflineCalls(CallSettings settings, Answer answer)
    : settings_(std::move(settings)), answer_(std::move(answer)) {
  ASSERT(answer_);
}

void OfflineCalls::begin(std::string_view event) {
  event_.assign(event);
  lacked_answer_ = false;
}

Status OfflineCalls::check(const AiQuestion& question) const {
  return check_question(settings_, question);
}

// Nobody listens to what is there as a whole.
AiCalls::Number OfflineCalls::ask(AiQuestion question, AiAnswered answered, AiListen) {
  if (settings_.redact) redact_texts(question.request, settings_.redact);
  std::optional<AiOutcome> outcome;
  if (const Status checked = check(question); !checked) {
    outcome = refused(checked.error().describe());
  } else if (outcome = answer_(question, event_); !outcome) {
    lacked_answer_ = true;
    outcome = refused("there is no answer to it");
  }
  if (!outcome->answer && outcome->refusal.model.model.empty() && !question.models.empty()) {
    outcome->refusal.model = question.models.front();
  }
  const Number number = ++last_;
  answered(std::move(*outcome));
  return number;
}

AiCalls::Number OfflineCalls::count(AiQuestion /*question*/, AiCounted counted) {
  counted({.failure = AiFailure{AiFailureKind::kCaller, "no provider is asked to count here", std::nullopt, 0}});
  return ++last_;
}

}  // namespace colloquium::ai
