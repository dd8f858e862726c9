#include "app/recorded_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ai/call_price.h"
#include "engine/ai_desk.h"
#include "engine/plan_data.h"

namespace colloquium::app {

Result<std::unique_ptr<RecordedCalls>> RecordedCalls::create(const engine::Plan& plan, io::FileSystem& fs,
                                                             const std::string& directory,
                                                             const std::string& stream,
                                                             std::shared_ptr<const log::KeyRing> keys) {
  std::unique_ptr<RecordedCalls> made(new RecordedCalls());
  if (!plan.data().config.ai) return made;
  TRY_ASSIGN(ai::CallSettings settings, engine::offline_ai(plan.data().config));
  // The stream is "<pipeline>", or "<pipeline>.<stage>": what is none has no records.
  std::vector<std::string> records;
  for (const std::string& name : {plan.name(), stream, stream.substr(0, stream.rfind('.'))}) {
    if (std::find(records.begin(), records.end(), name) == records.end()) records.push_back(name);
  }
  TRY_ASSIGN(made->recorded_, ai::RecordedAnswers::read(fs, directory, records, std::move(keys)));
  made->calls_ = std::make_unique<ai::OfflineCalls>(
      std::move(settings),
      [self = made.get()](const AiQuestion& question, std::string_view) { return self->answer(question); });
  return made;
}

std::optional<AiOutcome> RecordedCalls::answer(const AiQuestion& question) {
  auto found = recorded_->find(question);
  if (!found) failure_ = std::move(found).error();
  if (failure_) return std::nullopt;
  if (!*found) {
    add(question);
    return std::nullopt;
  }
  AiOutcome outcome;
  outcome.answer = std::move(**found);
  return outcome;
}

void RecordedCalls::add(const AiQuestion& question) {
  ++asked_.calls;
  const ai::CallSettings& settings = calls_->settings();
  const AiModelChoice& model = question.models.front();
  const auto provider = std::find_if(settings.providers.begin(), settings.providers.end(),
                                     [&](const auto& each) { return each.name == model.provider; });
  const auto price = ai::price_of(settings, *provider, model.model);
  const AiRequest request = ai::request_for(*provider, model, question.request);
  const int64_t input = estimates_.input({provider->kind, provider->name, model.model}, request).tokens;
  asked_.most += price->most(input, ai::most_output(request));
}

}  // namespace colloquium::app
