#include "ai/call_price.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

// Of a model that nobody has told a maximum of: no answer of today's is longer.
constexpr int64_t kMostOutput = 32'768;

// Thoughts are not kept, only how long they were. English has more bytes a token, so this is not too low.
constexpr size_t kThoughtBytesPerToken = 4;

double hashed(const std::string& id) {
  constexpr int kBits = 53;
  return static_cast<double>(io::Digester().digest(id)[0] >> (64 - kBits)) /
         static_cast<double>(uint64_t{1} << kBits);
}

// To the front with the one that a draw in [0, 1) falls upon.
void draw(std::vector<AiModelChoice>& choices, double drawn) {
  double total = 0;
  for (const AiModelChoice& choice : choices) total += std::max(choice.weight, 0.0);
  double left = drawn * total;
  for (auto at = choices.begin(); at != choices.end(); ++at) {
    left -= std::max(at->weight, 0.0);
    if (left < 0) return (void)std::rotate(choices.begin(), at, at + 1);
  }
}

int64_t most_cost(const AiModelChoice& choice, const AiQuestion& question, const CallSettings& settings,
                  const Models& models, const TokenEstimates& estimates) {
  const ProviderSettings* provider = models.provider(choice.provider);
  ASSERT(provider != nullptr);
  const Result<CallPrice> price = price_of(settings, *provider, choice.model);
  if (!price) return std::numeric_limits<int64_t>::max();
  const AiRequest request = request_for(*provider, choice, question.request);
  const int64_t input = estimates.input({provider->kind, provider->name, choice.model}, request).tokens;
  return price->most(input, most_output(request)).value;
}

}  // namespace

Result<CallPrice> price_of(const CallSettings& settings, const ProviderSettings& provider,
                           const std::string& model) {
  if (const ModelPrice* price = settings.prices.find(provider.kind, model))
    return CallPrice{.tokens = *price, .call = {}};
  if (settings.unpriced) return CallPrice{.tokens = {}, .call = settings.unpriced};
  return fail(ErrorCode::kInvalidConfig, "model '" + model + "' of provider '" + provider.name +
                                             "' has no price, so no budget could hold it: add " + provider.kind +
                                             "/" + model + " to the price file, or say what unpriced models cost");
}

Status check_question(const CallSettings& settings, const AiQuestion& question) {
  if (question.models.empty())
    return fail(ErrorCode::kInvalidConfig, "'" + question.who + "' names no model to ask");
  for (const AiModelChoice& choice : question.models) {
    const auto provider = std::find_if(settings.providers.begin(), settings.providers.end(),
                                       [&](const auto& each) { return each.name == choice.provider; });
    if (provider == settings.providers.end()) {
      return fail(ErrorCode::kInvalidConfig, "there is no AI provider '" + choice.provider + "' in this pipeline");
    }
    TRY(price_of(settings, *provider, choice.model));
    TRY(provider->provider->check(request_for(*provider, choice, question.request)));
    if (question.batching && provider->provider->batches() == nullptr) {
      return fail(ErrorCode::kInvalidConfig,
                  "AI provider '" + choice.provider + "' (" + provider->kind + ") takes no batches");
    }
  }
  return {};
}

AiRequest request_for(const ProviderSettings& provider, const AiModelChoice& choice, const AiRequest& request) {
  AiRequest made = request;
  made.model = choice.model;
  const auto own = provider.models.find(choice.model);
  auto& most = made.parameters.max_output_tokens;
  if (made.task == AiTask::kChat && !most && own != provider.models.end()) most = own->second.max_output_tokens;
  return made;
}

int64_t most_output(const AiRequest& request) {
  if (request.task == AiTask::kEmbed) return 0;
  return std::clamp<int64_t>(request.parameters.max_output_tokens.value_or(kMostOutput), 0, kTokensMost);
}

Took took(const AiUsage& said, const CallContent& content, size_t reasoning_bytes, bool complete,
          const AiRequest& request, const ModelName& name, int64_t input_tokens, const TokenEstimates& estimates) {
  Took took;
  TokenUsage& usage = took.usage;
  const auto known = [&took](const std::optional<int64_t>& tokens) {
    const int64_t said_so = tokens.value_or(0);
    took.estimated = took.estimated || said_so < 0 || said_so > kTokensMost;
    return std::clamp<int64_t>(said_so, 0, kTokensMost);
  };
  usage = {known(said.input),          known(said.cache_read), known(said.cache_write_5m),
           known(said.cache_write_1h), known(said.output),     known(said.reasoning)};
  if (!said.input && usage.total_input() == 0) {
    usage.input = input_tokens;
    took.estimated = true;
  }
  if (request.task == AiTask::kEmbed || (said.output && complete)) return took;
  int64_t shown = content.text.empty() ? 0 : estimates.output(name, content.text);
  for (const AiToolCall& call : content.tool_calls) shown += estimates.output(name, call.name + call.arguments);
  const auto thought = static_cast<int64_t>(reasoning_bytes / kThoughtBytesPerToken);
  took.estimated = true;
  // Some count thoughts with the output, so only the sums can be compared.
  if (said.output && shown + thought <= usage.total_output()) return took;
  usage.output = shown;
  usage.reasoning = std::max(usage.reasoning, thought);
  return took;
}

std::vector<AiModelChoice> routed(const AiQuestion& question, const CallSettings& settings, const Models& models,
                                  const TokenEstimates& estimates, Random& random) {
  std::vector<AiModelChoice> choices = question.models;
  switch (question.routing) {
    case AiRouting::kOrder:
      break;
    case AiRouting::kWeighted:
      draw(choices, hashed(question.event ? question.event->id : std::to_string(random.next())));
      break;
    case AiRouting::kCheapest: {
      std::vector<std::pair<int64_t, AiModelChoice>> priced;
      for (AiModelChoice& choice : choices) {
        const int64_t cost = most_cost(choice, question, settings, models, estimates);
        priced.emplace_back(cost, std::move(choice));
      }
      std::stable_sort(priced.begin(), priced.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      std::transform(priced.begin(), priced.end(), choices.begin(),
                     [](auto& each) { return std::move(each.second); });
      break;
    }
  }
  return choices;
}

}  // namespace colloquium::ai
