// Ledger: what a pipeline's calls cost, summed by UTC day, stage, provider, model, key, prompt and arm. Each
// call's end is counted once, when its record is durable, so sums and records are exact together.
//
// The last hours stand for themselves, for budgets by the hour; then they are folded into their day, and days
// older than two months into one row without a day. What is stored is bounded.
//
// Thread safety: value; one thread. Times are those of Clock::wall_ms.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "ai/call_record.h"
#include "ai/usage.h"
#include "base/money.h"

namespace colloquium::ai {

struct LedgerKey {
  int64_t from_ms = 0;  // begin of the hour or day; 0: older than all days
  bool hour = false;    // of an hour alone
  std::string who, provider, model, key, prompt, arm;

  auto operator<=>(const LedgerKey&) const = default;
};

struct LedgerSums {
  int64_t calls = 0;  // that had an intent: the sum of the next three
  int64_t answered = 0;
  std::array<int64_t, 5> failed{};  // by AiFailureKind
  int64_t lost = 0;                 // nobody will ever say what became of them
  int64_t cache_hits = 0, shared_hits = 0;
  TokenUsage tokens;
  NanoUsd settled;
  NanoUsd estimated;  // of that: what no provider told
  NanoUsd unknown;    // reserved for those that were lost
  NanoUsd saved;      // what the hits would have cost

  LedgerSums& operator+=(const LedgerSums& other);
  bool operator==(const LedgerSums&) const = default;
};

class Ledger {
 public:
  using Rows = std::map<LedgerKey, LedgerSums>;

  // What a record says; an intent says nothing.
  void add(const CallRecord& record);
  // Folds what is old enough by now.
  void fold(int64_t now_ms);

  const Rows& rows() const { return rows_; }
  LedgerSums total() const;

  std::string to_json() const;
  // kCorrupt, for what is none.
  static Result<Ledger> parse(std::string_view json);

  static constexpr int64_t kDays = 62;
  // Beyond it, the oldest go into rows without a day, and these lose first their prompts and arms.
  static constexpr size_t kRowsMax = 5000;

 private:
  Rows rows_;
};

// What the leg `<records>/@ai` keeps: the sums, and how far they have counted the stream `<records>.calls`.
//
//   {"counted":1234,"sums":[…]}
struct CountedLedger {
  Ledger ledger;
  int64_t counted = 0;  // the ledger has all below it

  std::string to_token() const;
  // kCorrupt, for what is none.
  static Result<CountedLedger> parse(std::string_view token);
};

// --- reports

// What rows are put together by. A day is that of UTC.
struct ReportBy {
  bool day = false, who = false, provider = false, model = false, key = false, prompt = false, arm = false;
};
// Of what began at or after `since_ms`. Keys have only what they are put together by.
Ledger::Rows report(const Ledger::Rows& rows, const ReportBy& by, int64_t since_ms = 0);

// What the present month will have cost if it goes on as in the last seven days, or as since the first call if
// that is less. Nothing before there is an hour to go by.
std::optional<NanoUsd> forecast_month(const Ledger::Rows& rows, int64_t now_ms);

}  // namespace colloquium::ai
