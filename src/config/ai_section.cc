#include "config/ai_section.h"

#include <algorithm>
#include <functional>
#include <map>

#include "config/ai_spec.h"
#include "config/problems.h"

namespace colloquium::config {
namespace {

constexpr int32_t kMostPercent = 1000;

// Where a value of `node` stands.
const ConfigMark& mark_of(const ConfigNode& node, std::string_view key) {
  const ConfigNode* value = node.find(key);
  return value != nullptr ? value->mark : node.mark;
}

void check_limits(const ConfigNode& node, const std::string& path, const AiLimitsConfig& limits,
                  ConfigProblems& problems) {
  // A key that is misspelt has been told, and is likely the one that is missing.
  const bool misspelt =
      std::any_of(node.members.begin(), node.members.end(), [](const ConfigNode::Member& member) {
        return member.key != "per" && member.key != "request_burst" && member.key != "token_burst";
      });
  if (!limits.requests && !limits.tokens && !misspelt) {
    add_error(problems, node.mark, path + " needs requests, tokens, or both");
  }
  if (limits.request_burst && !limits.requests) {
    add_error(problems, mark_of(node, "request_burst"), path + ".request_burst is of requests: give them as well");
  }
  if (limits.token_burst && !limits.tokens) {
    add_error(problems, mark_of(node, "token_burst"), path + ".token_burst is of tokens: give them as well");
  }
}

// What budgets say of each other and of providers.
class BudgetChecks {
 public:
  // `all`: none of them was left out for a problem of its own.
  BudgetChecks(const std::vector<ComponentConfig>& providers, bool all, ConfigProblems& problems)
      : problems_(problems), all_(all) {
    for (const ComponentConfig& provider : providers) providers_.push_back(provider.name);
  }

  void check(const ConfigNode& node, const std::string& path, AiBudgetConfig& budget) {
    budget.mark = node.mark;
    check_name(node, budget.name);
    check_provider_name(mark_of(node, "provider"), budget.provider);
    check_alerts(mark_of(node, "alerts"), path, budget.alerts);
    const ConfigNode* then = node.find("then");
    if (then != nullptr && then->kind == ConfigNode::Kind::kMap) check_then(*then, path, budget.then);
  }

 private:
  void check_name(const ConfigNode& node, const std::string& name) {
    if (name.empty()) return;
    const auto [first, is_new] = names_.emplace(name, mark_of(node, "name"));
    if (is_new) return;
    add_error(problems_, mark_of(node, "name"),
              "two budgets are called " + quoted(name) + "; the first is at " + first->second.describe());
  }

  void check_provider_name(const ConfigMark& mark, const std::string& name) {
    if (name.empty() || !all_ || std::find(providers_.begin(), providers_.end(), name) != providers_.end()) return;
    const std::string meant = suggestion(name, providers_);
    const std::string known = providers_.empty() ? "" : "; known: " + alternatives(providers_);
    add_error(problems_, mark, "there is no provider " + quoted(name) + (meant.empty() ? known : meant));
  }

  void check_alerts(const ConfigMark& mark, const std::string& path, const std::vector<int32_t>& alerts) {
    const bool ascend = std::is_sorted(alerts.begin(), alerts.end(), std::less_equal<>());
    if (!ascend) add_error(problems_, mark, path + ".alerts must ascend");
    const bool bounded = std::all_of(alerts.begin(), alerts.end(),
                                     [](int32_t percent) { return percent >= 1 && percent <= kMostPercent; });
    if (!bounded) add_error(problems_, mark, path + ".alerts are percentages, from 1 to 1000");
  }

  void check_then(const ConfigNode& node, const std::string& path, const AiBudgetThen& then) {
    const bool acts = node.find("action") != nullptr;
    const ConfigNode* to = node.find("switch");
    if (acts == (to != nullptr)) {
      add_error(problems_, node.mark, path + ".then needs either an action or a switch");
      return;
    }
    if (to == nullptr || then.switch_to.empty()) return;
    const auto model = parse_model_name(then.switch_to);
    if (model) return check_provider_name(to->mark, model->provider);
    add_error(problems_, to->mark,
              path + ".then.switch must be a provider and a model, such as openai/gpt-4o-mini, " + found(*to));
  }

  ConfigProblems& problems_;
  const bool all_;
  std::vector<std::string> providers_;
  std::map<std::string, ConfigMark> names_;
};

void check_redactions(const ConfigNode& list, std::vector<AiRedactConfig>& rules, ConfigProblems& problems) {
  const std::vector<std::string> known(std::begin(kRedactions), std::end(kRedactions));
  for (size_t i = 0; i < rules.size(); ++i) {
    AiRedactConfig& rule = rules[i];
    rule.mark = list.items[i].mark;
    if (rule.name.empty() || list.items[i].find("expression") != nullptr) continue;
    if (std::find(known.begin(), known.end(), rule.name) != known.end()) continue;
    const std::string meant = suggestion(rule.name, known);
    add_error(problems, rule.mark,
              quoted(rule.name) + " is no redaction that is known" +
                  (meant.empty() ? ": give it an expression, or one of " + alternatives(known) : meant));
  }
}

}  // namespace

std::optional<AiModelName> parse_model_name(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return std::nullopt;
  return AiModelName{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

AiConfig read_ai(const ConfigNode& node, const std::vector<ComponentConfig>& providers, ConfigProblems& problems) {
  AiConfig config;
  read_object(node, ai_object(), "ai", &config, problems);
  config.mark = node.mark;
  const ConfigNode* budgets = node.find("budgets");
  const ConfigNode* list = node.find("providers");
  BudgetChecks checks(providers, list != nullptr && list->items.size() == providers.size(), problems);
  for (size_t i = 0; i < config.budgets.size(); ++i) {
    checks.check(budgets->items[i], "ai.budgets[" + std::to_string(i) + "]", config.budgets[i]);
  }
  if (const ConfigNode* redact = node.find("redact"); redact != nullptr && !config.redact.empty()) {
    check_redactions(*redact, config.redact, problems);
  }
  return config;
}

void check_provider(const ConfigNode& entry, const std::string& path, const ProviderSettings& settings,
                    ConfigProblems& problems) {
  if (const ConfigNode* limits = entry.find("limits"); limits != nullptr && settings.limits) {
    check_limits(*limits, path + ".limits", *settings.limits, problems);
  }
  const ConfigNode* models = entry.find("models");
  for (const auto& [name, model] : settings.models) {
    const ConfigNode* one = models != nullptr ? models->find(name) : nullptr;
    const ConfigNode* limits = one != nullptr ? one->find("limits") : nullptr;
    if (limits != nullptr && model.limits) {
      check_limits(*limits, path + ".models." + name + ".limits", *model.limits, problems);
    }
  }
  if (settings.retry.initial.ms > settings.retry.max.ms) {
    add_error(problems, mark_of(entry, "retry"),
              path + ".retry.initial must not be longer than " + path + ".retry.max");
  }
}

}  // namespace colloquium::config
