// BudgetBook: the budgets of a process. Pipelines that name the same budget share it; one counts for the calls of
// the pipelines that name it, as far as its scope says.
//
// What a pipeline's earlier runs have spent is told once (BudgetShare::charge), however often the pipeline is
// taken down and up again while others keep its budgets.
//
// Ownership: the book outlives the shares it gave. Thread safety: loop only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "ai/budget.h"

namespace colloquium::ai {

// One pipeline's part. Ends nothing by itself: whoever holds it ends its reservations first.
class BudgetShare {
 public:
  using CallNumber = uint64_t;
  struct Reserved {
    CallNumber call = 0;
    std::optional<BudgetRefusal> refused;  // then nothing is reserved
    std::string why;
  };

  // As in Budgets: of all or of none.
  Reserved reserve(const CallLabels& labels, NanoUsd most, int64_t now_ms);
  CallNumber hold(const CallLabels& labels, NanoUsd most, int64_t at_ms, int64_t now_ms);
  void settle(CallNumber call, NanoUsd cost, int64_t now_ms);
  void release(CallNumber call);
  void unknown(CallNumber call, int64_t now_ms);
  void charge(const CallLabels& labels, NanoUsd cost, bool is_unknown, int64_t at_ms, int64_t now_ms);

  std::vector<BudgetStatus> status(int64_t now_ms) const;
  size_t under_way() const { return calls_.size(); }

 private:
  friend class BudgetBook;
  struct Account {
    Account(BudgetSpec the_spec, std::function<void(const BudgetAlert&)> alert)
        : spec(the_spec), budgets({std::move(the_spec)}, std::move(alert)) {}
    const BudgetSpec spec;
    Budgets budgets;                // this one alone
    std::set<std::string> charged;  // pipelines whose past it knows
  };
  struct Part {
    std::shared_ptr<Account> account;
    bool knows_past;  // from an earlier time in this process
  };
  using Shares = std::vector<std::pair<Budgets*, Budgets::CallNumber>>;
  Shares take(CallNumber call);

  std::vector<Part> parts_;
  std::map<CallNumber, Shares> calls_;
  CallNumber next_ = 1;
};

class BudgetBook {
 public:
  // `alert` may be null: see Budgets.
  explicit BudgetBook(std::function<void(const BudgetAlert&)> alert = nullptr) : alert_(std::move(alert)) {}

  // kInvalidConfig if another pipeline that is there means something else by one of these names.
  Result<std::unique_ptr<BudgetShare>> join(const std::string& pipeline, const std::vector<BudgetSpec>& specs);

  // Of those that some pipeline shares in.
  std::vector<BudgetStatus> status(int64_t now_ms) const;

 private:
  const std::function<void(const BudgetAlert&)> alert_;
  std::map<std::string, std::weak_ptr<BudgetShare::Account>> accounts_;
};

}  // namespace colloquium::ai
