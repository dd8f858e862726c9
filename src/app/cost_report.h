// CostReport: what AI calls have cost, put together as somebody wants to see it, for people and for programs.
//
// Thread safety: functions and values.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "ai/ledger.h"
#include "ai/recorded_costs.h"
#include "base/money.h"

namespace colloquium::app {

inline constexpr const char* kCostsBy = "pipeline,provider,model";

// What rows can be put together by, in the order in which they are printed. A replay is a pipeline of its own.
struct CostColumns {
  bool pipeline = false;
  ai::ReportBy by;

  std::vector<std::string> names() const;
  // "day,model". kInvalidConfig for what is no list of such names.
  static Result<CostColumns> parse(std::string_view list);
};

// "2026-03-01", or "7d": today and the six days before. Days are those of UTC. kInvalidConfig for neither.
Result<int64_t> parse_since(const std::string& text, int64_t now_ms);

struct CostRow {
  std::vector<std::string> texts;  // of the columns; empty: the calls have none
  ai::LedgerSums sums;
};

struct CostReport {
  std::vector<std::string> columns;
  std::vector<CostRow> rows;
  ai::LedgerSums total;
  int64_t open_calls = 0;  // as in RecordedCosts; whenever they began
  NanoUsd open_reserved;
  std::optional<NanoUsd> month;  // what this month will have cost; of all that was read, not only since a day
  int64_t now_ms = 0;
};

// `since_ms` 0: all there is.
CostReport cost_report(const std::vector<ai::RecordedCosts>& costs, const CostColumns& columns, int64_t since_ms,
                       int64_t now_ms);

void print_costs(const CostReport& report, std::ostream& out);
// Money is in billionths of a dollar there.
std::string costs_json(const CostReport& report);

}  // namespace colloquium::app
