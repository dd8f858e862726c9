// Budgets: how much may be spent, and that it is not exceeded by calls that race: what a call may cost at most is
// reserved before it is sent, of all budgets that it counts for or of none, and settled by what it did cost.
//
//   reserve ──┬─ settle    answered, or stopped by us: what it took is paid
//             ├─ release   never sent, or refused by the provider: nothing is paid
//             └─ unknown   sent, and nobody will ever say: all that was reserved counts as paid
//
// A call counts for the window of time in which it was reserved, also where it ends in the next one. What is spent
// is the ledger's to store; after a restart it is told again, call by call (`charge`).
//
// Thread safety: one thread, the loop. Times are those of Clock::wall_ms; windows are of UTC.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/money.h"

namespace colloquium::ai {

// Whose call it is; what budgets and reports are kept by.
struct CallLabels {
  std::string pipeline;
  std::string provider;
  std::string model;
  std::string key;  // the name of the provider's key, never the key itself
};

enum class BudgetWindow : uint8_t { kHour, kDay, kMonth, kTotal };

struct BudgetSpec {
  std::string name;
  CallLabels scope;  // what is empty does not matter: a budget with nothing is everybody's
  BudgetWindow window = BudgetWindow::kDay;
  NanoUsd limit;
  std::vector<int> alert_percents;  // of the limit, ascending
};

// Why a call may not be made.
struct BudgetRefusal {
  std::string budget;
  NanoUsd limit, spent, reserved, wanted;
  std::optional<int64_t> resets_ms;  // when its next window begins
  // "budget 'team' allows 10 USD a day: 9.5 are spent and 0.4 reserved, and this call may cost 0.2"
  std::string describe(BudgetWindow window) const;
};

struct BudgetAlert {
  std::string budget;
  int percent;  // that was reached
  NanoUsd spent, limit;
};

struct BudgetStatus {
  const BudgetSpec* spec;
  int64_t window_start_ms = 0;  // 0 with kTotal
  NanoUsd settled;
  NanoUsd unknown;   // of calls that nobody will ever say the cost of
  NanoUsd reserved;  // of calls that are under way
  NanoUsd spent() const { return settled + unknown; }
};

class Budgets {
 public:
  using CallNumber = uint64_t;

  // `alert` is told once in a window for each percentage that what is spent reaches; it may be null.
  explicit Budgets(std::vector<BudgetSpec> specs, std::function<void(const BudgetAlert&)> alert = nullptr);

  // What may be reserved is what the limit leaves of spent and reserved. The first budget that refuses is told.
  struct Reserved {
    CallNumber call = 0;
    std::optional<BudgetRefusal> refused;  // then nothing is reserved
    std::string why;                       // the refusal, in words
  };
  Reserved reserve(const CallLabels& labels, NanoUsd most, int64_t now_ms);

  // Reserves for a call of an earlier run that is under way still, whatever the limits say: in the window of
  // `at_ms`, or of nothing where that is over.
  CallNumber hold(const CallLabels& labels, NanoUsd most, int64_t at_ms, int64_t now_ms);

  // Each ends the reservation. REQUIRES: it is under way. A cost above what was reserved counts whole.
  void settle(CallNumber call, NanoUsd cost, int64_t now_ms);
  void release(CallNumber call);
  void unknown(CallNumber call, int64_t now_ms);

  // Of a call that an earlier run made, which told its alerts: in this window, or it no longer counts.
  void charge(const CallLabels& labels, NanoUsd cost, bool is_unknown, int64_t at_ms, int64_t now_ms);

  std::vector<BudgetStatus> status(int64_t now_ms);
  size_t under_way() const { return calls_.size(); }

 private:
  struct Account {
    BudgetSpec spec;
    BudgetStatus now;
    size_t alerts_told = 0;
  };
  struct Share {
    size_t account;
    int64_t window_start_ms;
  };
  struct Call {
    NanoUsd most;
    std::vector<Share> shares;
  };

  void turn_window(Account& account, int64_t now_ms);
  Call take(CallNumber call);
  void pay(Account& account, NanoUsd BudgetStatus::*where, NanoUsd cost, bool tell);
  void pay_all(CallNumber call, NanoUsd BudgetStatus::*where, std::optional<NanoUsd> cost, int64_t now_ms);

  std::vector<Account> accounts_;
  const std::function<void(const BudgetAlert&)> alert_;
  std::map<CallNumber, Call> calls_;
  CallNumber next_ = 1;
};

// When the window that `now_ms` lies in began, and when it ends; 0 and nothing for kTotal.
int64_t window_start_ms(BudgetWindow window, int64_t now_ms);
std::optional<int64_t> window_end_ms(BudgetWindow window, int64_t now_ms);

// What will be spent by the window's end if it goes on as so far; nothing for kTotal, and for a window that has
// only just begun (less than a hundredth of it).
std::optional<NanoUsd> forecast(const BudgetStatus& status, int64_t now_ms);

}  // namespace colloquium::ai
