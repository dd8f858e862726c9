// How long a question is: of Calls, what asks nothing that is paid.
#include <memory>
#include <utility>
#include <variant>

#include "ai/calls.h"
#include "ai/redaction.h"
#include "base/assert.h"

namespace colloquium::ai {

void Calls::count(AiQuestion question, AiCounted counted) {
  LOOP_ASSERT(with_.loop);
  if (settings_.redact) redact_texts(question.request, settings_.redact);
  const auto told = std::make_shared<AiCounted>(std::move(counted));
  const auto tell = [this, told](AiCount count) {
    (void)with_.loop.post(alive_.guard([told, count = std::move(count)] { (*told)(count); }));
  };
  if (const Status checked = check(question); closing_ || !checked) {
    const std::string why = closing_ ? "the pipeline is closing" : checked.error().message;
    return tell({.failure = AiFailure{closing_ ? AiFailureKind::kTransient : AiFailureKind::kCaller, why, {}, 0}});
  }
  const AiModelChoice& choice = question.models.front();
  const ProviderSettings& provider = *models_.provider(choice.provider);
  const AiRequest request = request_for(provider, choice, question.request);
  const TokenEstimates::Input estimate = estimates_.input({provider.kind, provider.name, choice.model}, request);
  const bool asked =
      counter_.count(provider, request, [this, told, &provider, model = choice.model, estimate](auto said) {
        if (const auto* failure = std::get_if<AiFailure>(&said)) return (*told)({.failure = *failure});
        const int64_t tokens = std::get<int64_t>(said);
        estimates_.learn({provider.kind, provider.name, model}, estimate, tokens);
        (*told)({.tokens = tokens});
      });
  if (!asked) tell({.tokens = estimate.tokens, .estimated = true});
}

}  // namespace colloquium::ai
