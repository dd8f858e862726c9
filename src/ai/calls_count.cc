// How long a question is: of Calls, what asks nothing that is paid.
#include <utility>
#include <variant>

#include "ai/calls.h"
#include "ai/redaction.h"
#include "base/assert.h"

namespace colloquium::ai {

void Calls::tell_count(Number number, const AiCount& count) {
  if (const auto asked = counts_.extract(number)) asked.mapped().counted(count);
}

AiCalls::Number Calls::count(AiQuestion question, AiCounted counted) {
  LOOP_ASSERT(with_.loop);
  if (settings_.redact) redact_texts(question.request, settings_.redact);
  const Number number = next_ask_++;
  counts_[number].counted = std::move(counted);
  const auto tell = [this, number](AiCount count) {
    (void)with_.loop.post(alive_.guard([this, number, count = std::move(count)] { tell_count(number, count); }));
    return number;
  };
  if (const Status checked = check(question); closing_ || !checked) {
    const std::string why = closing_ ? "the pipeline is closing" : checked.error().message;
    return tell({.failure = AiFailure{closing_ ? AiFailureKind::kTransient : AiFailureKind::kCaller, why, {}, 0}});
  }
  const AiModelChoice& choice = question.models.front();
  const ProviderSettings& provider = *models_.provider(choice.provider);
  const AiRequest request = request_for(provider, choice, question.request);
  const TokenEstimates::Input estimate = estimates_.input({provider.kind, provider.name, choice.model}, request);
  const TokenCounter::Number asked =
      counter_.count(provider, request, [this, number, &provider, model = choice.model, estimate](auto said) {
        if (const auto* failure = std::get_if<AiFailure>(&said)) return tell_count(number, {.failure = *failure});
        const int64_t tokens = std::get<int64_t>(said);
        estimates_.learn({provider.kind, provider.name, model}, estimate, tokens);
        tell_count(number, {.tokens = tokens});
      });
  if (asked == 0) return tell({.tokens = estimate.tokens, .estimated = true});
  counts_.at(number).asked = asked;
  return number;
}

}  // namespace colloquium::ai
