#include "ai/budget.h"

#include <chrono>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kHourMs = int64_t{3600} * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;

using Days = std::chrono::sys_days;

Days day_of(int64_t ms) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(ms)));
}

int64_t ms_of(Days day) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count();
}

int64_t month_ms(int64_t ms, std::chrono::months further) {
  const std::chrono::year_month_day day(day_of(ms));
  return ms_of(Days((day.year() / day.month() + further) / 1));
}

const char* words(BudgetWindow window) {
  switch (window) {
    case BudgetWindow::kHour:
      return " an hour";
    case BudgetWindow::kDay:
      return " a day";
    case BudgetWindow::kMonth:
      return " a month";
    case BudgetWindow::kTotal:
      break;
  }
  return " in all";
}

bool counts_for(const CallLabels& scope, const CallLabels& labels) {
  const auto fits = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  return fits(scope.pipeline, labels.pipeline) && fits(scope.provider, labels.provider) &&
         fits(scope.model, labels.model) && fits(scope.key, labels.key);
}

}  // namespace

int64_t window_start_ms(BudgetWindow window, int64_t now_ms) {
  ASSERT(now_ms >= 0);
  switch (window) {
    case BudgetWindow::kHour:
      return now_ms - now_ms % kHourMs;
    case BudgetWindow::kDay:
      return now_ms - now_ms % kDayMs;
    case BudgetWindow::kMonth:
      return month_ms(now_ms, std::chrono::months(0));
    case BudgetWindow::kTotal:
      break;
  }
  return 0;
}

std::optional<int64_t> window_end_ms(BudgetWindow window, int64_t now_ms) {
  switch (window) {
    case BudgetWindow::kHour:
      return window_start_ms(window, now_ms) + kHourMs;
    case BudgetWindow::kDay:
      return window_start_ms(window, now_ms) + kDayMs;
    case BudgetWindow::kMonth:
      return month_ms(now_ms, std::chrono::months(1));
    case BudgetWindow::kTotal:
      break;
  }
  return std::nullopt;
}

std::optional<NanoUsd> forecast(const BudgetStatus& status, int64_t now_ms) {
  ASSERT(status.spec != nullptr);
  const auto end_ms = window_end_ms(status.spec->window, now_ms);
  if (!end_ms) return std::nullopt;
  const int64_t length_ms = *end_ms - status.window_start_ms;
  const int64_t passed_ms = now_ms - status.window_start_ms;
  constexpr int64_t kTooSoon = 100;
  if (passed_ms <= 0 || passed_ms < length_ms / kTooSoon) return std::nullopt;
  return NanoUsd{static_cast<int64_t>(static_cast<WideNano>(status.spent().value) * length_ms / passed_ms)};
}

std::string BudgetRefusal::describe(BudgetWindow window) const {
  return "budget '" + budget + "' allows " + usd_text(limit) + " USD" + words(window) + ": " + usd_text(spent) +
         " are spent and " + usd_text(reserved) + " reserved, and this call may cost " + usd_text(wanted);
}

Budgets::Budgets(std::vector<BudgetSpec> specs, std::function<void(const BudgetAlert&)> alert)
    : alert_(std::move(alert)) {
  for (BudgetSpec& spec : specs) {
    ASSERT(!spec.name.empty() && spec.limit.value >= 0);
    accounts_.push_back({std::move(spec), {}, 0});
  }
  for (Account& account : accounts_) account.now.spec = &account.spec;
}

// A clock that was set back leaves the window as it is: what was spent in it stays spent.
void Budgets::turn_window(Account& account, int64_t now_ms) {
  const int64_t start_ms = window_start_ms(account.spec.window, now_ms);
  if (start_ms <= account.now.window_start_ms) return;
  account.now = {&account.spec, start_ms, {}, {}, {}};
  account.alerts_told = 0;
}

Budgets::Reserved Budgets::reserve(const CallLabels& labels, NanoUsd most, int64_t now_ms) {
  ASSERT(most.value >= 0);
  Call call{most, {}};
  for (size_t i = 0; i < accounts_.size(); ++i) {
    Account& account = accounts_[i];
    if (!counts_for(account.spec.scope, labels)) continue;
    turn_window(account, now_ms);
    const NanoUsd left = account.spec.limit - account.now.spent() - account.now.reserved;
    if (most > left) {
      BudgetRefusal refusal{account.spec.name,
                            account.spec.limit,
                            account.now.spent(),
                            account.now.reserved,
                            most,
                            window_end_ms(account.spec.window, now_ms)};
      std::string why = refusal.describe(account.spec.window);
      return {0, std::move(refusal), std::move(why)};
    }
    call.shares.push_back({i, account.now.window_start_ms});
  }
  for (const Share& share : call.shares) accounts_[share.account].now.reserved += most;
  const CallNumber number = next_++;
  calls_.emplace(number, std::move(call));
  return {number, std::nullopt, {}};
}

Budgets::CallNumber Budgets::hold(const CallLabels& labels, NanoUsd most, int64_t at_ms, int64_t now_ms) {
  ASSERT(most.value >= 0);
  Call call{most, {}};
  for (size_t i = 0; i < accounts_.size(); ++i) {
    Account& account = accounts_[i];
    if (!counts_for(account.spec.scope, labels)) continue;
    turn_window(account, now_ms);
    if (window_start_ms(account.spec.window, at_ms) != account.now.window_start_ms) continue;
    account.now.reserved += most;
    call.shares.push_back({i, account.now.window_start_ms});
  }
  const CallNumber number = next_++;
  calls_.emplace(number, std::move(call));
  return number;
}

Budgets::Call Budgets::take(CallNumber number) {
  const auto found = calls_.find(number);
  ASSERT_WHY(found != calls_.end(), "a call that is not under way, or ends twice");
  Call call = std::move(found->second);
  calls_.erase(found);
  for (const Share& share : call.shares) {
    Account& account = accounts_[share.account];
    if (account.now.window_start_ms == share.window_start_ms) account.now.reserved -= call.most;
    ASSERT(account.now.reserved.value >= 0);
  }
  return call;
}

void Budgets::pay(Account& account, NanoUsd BudgetStatus::*where, NanoUsd cost, bool tell) {
  account.now.*where += cost;
  const auto& percents = account.spec.alert_percents;
  while (account.alerts_told < percents.size()) {
    const int percent = percents[account.alerts_told];
    const auto reached = static_cast<WideNano>(account.now.spent().value) * 100;
    if (reached < static_cast<WideNano>(account.spec.limit.value) * percent) return;
    ++account.alerts_told;
    if (tell && alert_) alert_({account.spec.name, percent, account.now.spent(), account.spec.limit});
  }
}

void Budgets::pay_all(CallNumber number, NanoUsd BudgetStatus::*where, std::optional<NanoUsd> cost,
                      int64_t now_ms) {
  const Call call = take(number);
  for (const Share& share : call.shares) {
    Account& account = accounts_[share.account];
    turn_window(account, now_ms);
    if (account.now.window_start_ms == share.window_start_ms) pay(account, where, cost.value_or(call.most), true);
  }
}

void Budgets::settle(CallNumber call, NanoUsd cost, int64_t now_ms) {
  ASSERT(cost.value >= 0);
  pay_all(call, &BudgetStatus::settled, cost, now_ms);
}

void Budgets::release(CallNumber call) {
  (void)take(call);
}

void Budgets::unknown(CallNumber call, int64_t now_ms) {
  pay_all(call, &BudgetStatus::unknown, std::nullopt, now_ms);
}

void Budgets::charge(const CallLabels& labels, NanoUsd cost, bool is_unknown, int64_t at_ms, int64_t now_ms) {
  ASSERT(cost.value >= 0);
  for (Account& account : accounts_) {
    if (!counts_for(account.spec.scope, labels)) continue;
    turn_window(account, now_ms);
    if (window_start_ms(account.spec.window, at_ms) != account.now.window_start_ms) continue;
    pay(account, is_unknown ? &BudgetStatus::unknown : &BudgetStatus::settled, cost, false);
  }
}

std::vector<BudgetStatus> Budgets::status(int64_t now_ms) {
  std::vector<BudgetStatus> all;
  for (Account& account : accounts_) {
    turn_window(account, now_ms);
    all.push_back(account.now);
  }
  return all;
}

}  // namespace colloquium::ai
