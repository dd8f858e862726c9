#include "ai/budget.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace colloquium;
using namespace colloquium::ai;

namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
// 2026-02-14T10:00:00Z
constexpr int64_t kNowMs = 1'771'063'200'000;
const CallLabels kCall{"orders", "openai", "gpt-4o-mini", "team"};

NanoUsd usd(double amount) {
  return {static_cast<int64_t>(amount * 1e9 + 0.5)};
}

BudgetSpec spec(const std::string& name, NanoUsd limit, BudgetWindow window = BudgetWindow::kDay,
                CallLabels scope = {}) {
  return {name, std::move(scope), window, limit, {}};
}

}  // namespace

TEST_CASE("what is reserved can't be reserved again, and what was not needed can", "[REQ-062]") {
  Budgets budgets({spec("all", usd(1))});
  const auto first = budgets.reserve(kCall, usd(0.6), kNowMs);
  REQUIRE_FALSE(first.refused);
  const auto second = budgets.reserve(kCall, usd(0.5), kNowMs);
  REQUIRE(second.refused);
  CHECK(second.why == "budget 'all' allows 1 USD a day: 0 are spent and 0.6 reserved, and this call may cost 0.5");
  CHECK(second.refused->resets_ms == kNowMs - kNowMs % kDayMs + kDayMs);
  budgets.settle(first.call, usd(0.1), kNowMs);
  CHECK_FALSE(budgets.reserve(kCall, usd(0.9), kNowMs).refused);
  CHECK(budgets.reserve(kCall, NanoUsd{1}, kNowMs).refused);
}

TEST_CASE("a call that was never sent costs nothing; one of which nobody knows costs what was reserved",
          "[REQ-062]") {
  Budgets budgets({spec("all", usd(1))});
  budgets.release(budgets.reserve(kCall, usd(1), kNowMs).call);
  budgets.unknown(budgets.reserve(kCall, usd(0.7), kNowMs).call, kNowMs);
  const BudgetStatus now = budgets.status(kNowMs)[0];
  CHECK(now.unknown == usd(0.7));
  CHECK(now.settled == NanoUsd{});
  CHECK(now.reserved == NanoUsd{});
  CHECK(budgets.reserve(kCall, usd(0.4), kNowMs).refused);
  CHECK(budgets.under_way() == 0);
}

TEST_CASE("a call counts for every budget that means it, and for none if one refuses", "[REQ-062]") {
  Budgets budgets({spec("all", usd(10)), spec("key", usd(1), BudgetWindow::kMonth, {"", "", "", "team"}),
                   spec("other", usd(1), BudgetWindow::kDay, {"", "anthropic", "", ""})});
  const auto refused = budgets.reserve(kCall, usd(2), kNowMs);
  REQUIRE(refused.refused);
  CHECK(refused.refused->budget == "key");
  for (const BudgetStatus& status : budgets.status(kNowMs)) CHECK(status.reserved == NanoUsd{});
  budgets.settle(budgets.reserve(kCall, usd(1), kNowMs).call, usd(0.5), kNowMs);
  const auto status = budgets.status(kNowMs);
  CHECK(status[0].settled == usd(0.5));
  CHECK(status[1].settled == usd(0.5));
  CHECK(status[2].settled == NanoUsd{});
}

TEST_CASE("a new window begins with nothing spent, and what was reserved before is not its", "[REQ-062]") {
  Budgets budgets({spec("day", usd(1)), spec("month", usd(2), BudgetWindow::kMonth),
                   spec("total", usd(3), BudgetWindow::kTotal)});
  const auto late = budgets.reserve(kCall, usd(1), kNowMs);
  const int64_t tomorrow_ms = kNowMs + kDayMs;
  const auto next = budgets.reserve(kCall, usd(1), tomorrow_ms);
  REQUIRE_FALSE(next.refused);
  budgets.settle(late.call, usd(1), tomorrow_ms);
  auto status = budgets.status(tomorrow_ms);
  CHECK(status[0].settled == NanoUsd{});
  CHECK(status[0].reserved == usd(1));
  CHECK(status[1].settled == usd(1));
  CHECK(status[2].settled == usd(1));
  // A clock that goes back gives nothing back.
  budgets.settle(next.call, usd(1), kNowMs);
  CHECK(budgets.reserve(kCall, NanoUsd{1}, kNowMs).refused);
  status = budgets.status(tomorrow_ms);
  CHECK(status[0].settled == usd(1));
}

TEST_CASE("a cost beyond what was reserved counts whole") {
  Budgets budgets({spec("all", usd(1))});
  budgets.settle(budgets.reserve(kCall, usd(0.1), kNowMs).call, usd(1.5), kNowMs);
  CHECK(budgets.status(kNowMs)[0].spent() == usd(1.5));
  CHECK(budgets.reserve(kCall, NanoUsd{}, kNowMs).refused);
}

TEST_CASE("alerts are told once in a window, as they are reached") {
  BudgetSpec all = spec("all", usd(1));
  all.alert_percents = {50, 80, 100};
  std::vector<int> told;
  Budgets budgets({all}, [&](const BudgetAlert& alert) { told.push_back(alert.percent); });
  const auto spend = [&](double amount, int64_t now_ms) {
    budgets.settle(budgets.reserve(kCall, usd(amount), now_ms).call, usd(amount), now_ms);
  };
  spend(0.49, kNowMs);
  CHECK(told.empty());
  spend(0.01, kNowMs);
  CHECK(told == std::vector{50});
  spend(0.5, kNowMs);
  CHECK(told == std::vector{50, 80, 100});
  spend(0.6, kNowMs + kDayMs);
  CHECK(told == std::vector{50, 80, 100, 50});
}

TEST_CASE("calls of an earlier run count in their window, and told their alerts then") {
  BudgetSpec all = spec("all", usd(1));
  all.alert_percents = {50, 80};
  std::vector<int> told;
  Budgets budgets({all}, [&](const BudgetAlert& alert) { told.push_back(alert.percent); });
  budgets.charge(kCall, usd(0.5), false, kNowMs - kDayMs, kNowMs);
  budgets.charge(kCall, usd(0.4), false, kNowMs - 1000, kNowMs);
  budgets.charge(kCall, usd(0.2), true, kNowMs - 1000, kNowMs);
  CHECK(told.empty());
  const BudgetStatus now = budgets.status(kNowMs)[0];
  CHECK(now.settled == usd(0.4));
  CHECK(now.unknown == usd(0.2));
  budgets.settle(budgets.reserve(kCall, usd(0.2), kNowMs).call, usd(0.2), kNowMs);
  CHECK(told == std::vector{80});
}

TEST_CASE("windows of UTC, months of their own lengths") {
  CHECK(window_start_ms(BudgetWindow::kHour, kNowMs + 5) == kNowMs);
  CHECK(window_start_ms(BudgetWindow::kDay, kNowMs) == kNowMs - 10 * 3'600'000);
  const int64_t february = kNowMs - 10 * 3'600'000 - 13 * kDayMs;
  CHECK(window_start_ms(BudgetWindow::kMonth, kNowMs) == february);
  CHECK(window_end_ms(BudgetWindow::kMonth, kNowMs) == february + 28 * kDayMs);
  const int64_t december = 1'796'083'200'000;  // 2026-12-01
  CHECK(window_end_ms(BudgetWindow::kMonth, december + 1) == december + 31 * kDayMs);
  CHECK(window_start_ms(BudgetWindow::kTotal, kNowMs) == 0);
  CHECK_FALSE(window_end_ms(BudgetWindow::kTotal, kNowMs));
}

TEST_CASE("a forecast goes on as so far", "[REQ-062]") {
  Budgets budgets({spec("day", usd(10)), spec("total", usd(10), BudgetWindow::kTotal)});
  budgets.settle(budgets.reserve(kCall, usd(2), kNowMs).call, usd(2), kNowMs);
  const auto status = budgets.status(kNowMs);
  CHECK(forecast(status[0], kNowMs) == usd(2 * 2.4));
  CHECK_FALSE(forecast(status[0], status[0].window_start_ms + 60'000));
  CHECK_FALSE(forecast(status[1], kNowMs));
}

TEST_CASE("whatever races, no more is spent than the limit, where calls cost no more than they might",
          "[REQ-062]") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    const NanoUsd limit{static_cast<int64_t>(random() % 100'000)};
    Budgets budgets({spec("all", limit)});
    std::vector<std::pair<Budgets::CallNumber, int64_t>> under_way;
    int64_t spent = 0;
    for (int i = 0; i < 1000; ++i) {
      if (random() % 2 == 0 || under_way.empty()) {
        const auto most = static_cast<int64_t>(random() % 5000);
        const auto reserved = budgets.reserve(kCall, {most}, kNowMs);
        if (!reserved.refused) under_way.emplace_back(reserved.call, most);
        continue;
      }
      const size_t which = random() % under_way.size();
      const auto [call, most] = under_way[which];
      under_way.erase(under_way.begin() + static_cast<ptrdiff_t>(which));
      const uint64_t end = random() % 3;
      if (end == 0) budgets.release(call);
      if (end == 1) {
        budgets.unknown(call, kNowMs);
        spent += most;
      }
      if (end == 2) {
        const auto cost = most == 0 ? 0 : static_cast<int64_t>(random() % static_cast<uint64_t>(most));
        budgets.settle(call, {cost}, kNowMs);
        spent += cost;
      }
      REQUIRE(spent <= limit.value);
      REQUIRE(budgets.status(kNowMs)[0].spent().value == spent);
    }
  }
}
