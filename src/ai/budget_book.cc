#include "ai/budget_book.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

auto all_of(const BudgetSpec& spec) {
  const CallLabels& scope = spec.scope;
  return std::tie(spec.name, scope.pipeline, scope.provider, scope.model, scope.key, spec.window, spec.limit,
                  spec.alert_percents);
}

}  // namespace

BudgetShare::Reserved BudgetShare::reserve(const CallLabels& labels, NanoUsd most, int64_t now_ms) {
  Shares shares;
  for (const Part& part : parts_) {
    Budgets::Reserved reserved = part.account->budgets.reserve(labels, most, now_ms);
    if (reserved.refused) {
      for (const auto& [budgets, call] : shares) budgets->release(call);
      return {0, std::move(reserved.refused), std::move(reserved.why)};
    }
    shares.emplace_back(&part.account->budgets, reserved.call);
  }
  const CallNumber number = next_++;
  calls_.emplace(number, std::move(shares));
  return {number, std::nullopt, {}};
}

BudgetShare::CallNumber BudgetShare::hold(const CallLabels& labels, NanoUsd most, int64_t at_ms, int64_t now_ms) {
  Shares shares;
  for (const Part& part : parts_) {
    Budgets& budgets = part.account->budgets;
    shares.emplace_back(&budgets, budgets.hold(labels, most, at_ms, now_ms));
  }
  const CallNumber number = next_++;
  calls_.emplace(number, std::move(shares));
  return number;
}

BudgetShare::Shares BudgetShare::take(CallNumber call) {
  const auto found = calls_.find(call);
  ASSERT_WHY(found != calls_.end(), "a call that is not under way, or ends twice");
  Shares shares = std::move(found->second);
  calls_.erase(found);
  return shares;
}

void BudgetShare::settle(CallNumber call, NanoUsd cost, int64_t now_ms) {
  for (const auto& [budgets, number] : take(call)) budgets->settle(number, cost, now_ms);
}

void BudgetShare::release(CallNumber call) {
  for (const auto& [budgets, number] : take(call)) budgets->release(number);
}

void BudgetShare::unknown(CallNumber call, int64_t now_ms) {
  for (const auto& [budgets, number] : take(call)) budgets->unknown(number, now_ms);
}

void BudgetShare::charge(const CallLabels& labels, NanoUsd cost, bool is_unknown, int64_t at_ms, int64_t now_ms) {
  for (const Part& part : parts_) {
    if (!part.knows_past) part.account->budgets.charge(labels, cost, is_unknown, at_ms, now_ms);
  }
}

std::vector<BudgetStatus> BudgetShare::status(int64_t now_ms) const {
  std::vector<BudgetStatus> all;
  for (const Part& part : parts_) all.push_back(part.account->budgets.status(now_ms).front());
  return all;
}

Result<std::unique_ptr<BudgetShare>> BudgetBook::join(const std::string& pipeline,
                                                      const std::vector<BudgetSpec>& specs) {
  auto share = std::make_unique<BudgetShare>();
  for (const BudgetSpec& spec : specs) {
    auto account = accounts_[spec.name].lock();
    if (account != nullptr && all_of(account->spec) != all_of(spec)) {
      return fail(ErrorCode::kInvalidConfig, "budget '" + spec.name +
                                                 "' means something else in another pipeline that runs: make them "
                                                 "the same, or give one another name");
    }
    if (account == nullptr) account = std::make_shared<BudgetShare::Account>(spec, alert_);
    accounts_[spec.name] = account;
    share->parts_.push_back({account, account->charged.contains(pipeline)});
  }
  for (const BudgetShare::Part& part : share->parts_) part.account->charged.insert(pipeline);
  std::erase_if(accounts_, [](const auto& account) { return account.second.expired(); });
  return share;
}

std::vector<BudgetStatus> BudgetBook::status(int64_t now_ms) const {
  std::vector<BudgetStatus> all;
  for (const auto& [name, weak] : accounts_) {
    if (const auto account = weak.lock()) all.push_back(account->budgets.status(now_ms).front());
  }
  return all;
}

}  // namespace colloquium::ai
