#include "app/cost_report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <numeric>
#include <ostream>
#include <utility>

#include "ai/budget.h"
#include "ai/call_record.h"
#include "app/counted.h"
#include "app/json_report.h"
#include "app/time_text.h"

namespace colloquium::app {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kDaysMost = 36'500;
constexpr size_t kDayDigits = 10;
constexpr std::string_view kOlder = "older";

// The columns in their order: a name, whether it is asked for, and its text of a row.
struct Column {
  const char* name;
  bool ai::ReportBy::*wanted;
  std::string ai::LedgerKey::*text;
};
constexpr std::array<Column, 6> kTextColumns = {{{"stage", &ai::ReportBy::who, &ai::LedgerKey::who},
                                                 {"provider", &ai::ReportBy::provider, &ai::LedgerKey::provider},
                                                 {"model", &ai::ReportBy::model, &ai::LedgerKey::model},
                                                 {"key", &ai::ReportBy::key, &ai::LedgerKey::key},
                                                 {"prompt", &ai::ReportBy::prompt, &ai::LedgerKey::prompt},
                                                 {"arm", &ai::ReportBy::arm, &ai::LedgerKey::arm}}};

std::string day_text(int64_t time_ms) {
  return format_time_ms(time_ms).substr(0, kDayDigits);
}

bool choose(std::string_view name, CostColumns& columns) {
  if (name == "pipeline") return columns.pipeline = true;
  if (name == "day") return columns.by.day = true;
  for (const Column& column : kTextColumns) {
    if (name == column.name) return columns.by.*column.wanted = true;
  }
  return false;
}

std::vector<std::string> texts_of(const std::string& records, const ai::LedgerKey& key,
                                  const CostColumns& columns) {
  std::vector<std::string> texts;
  if (columns.by.day) texts.push_back(key.from_ms == 0 ? std::string(kOlder) : day_text(key.from_ms));
  if (columns.pipeline) texts.push_back(records);
  for (const Column& column : kTextColumns) {
    if (columns.by.*column.wanted) texts.push_back(key.*column.text);
  }
  return texts;
}

int64_t failed(const ai::LedgerSums& sums) {
  return std::accumulate(sums.failed.begin(), sums.failed.end(), int64_t{0});
}

// --- for people

using Cells = std::vector<std::string>;

Cells numbers_of(const ai::LedgerSums& sums) {
  return {std::to_string(sums.calls),
          std::to_string(sums.answered),
          std::to_string(failed(sums)),
          std::to_string(sums.lost),
          std::to_string(sums.cache_hits + sums.shared_hits),
          std::to_string(sums.tokens.total_input()),
          std::to_string(sums.tokens.total_output()),
          usd_text(sums.settled),
          usd_text(sums.saved)};
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// Texts to the left, numbers to the right, each column as wide as it has to be.
void print_table(const std::vector<Cells>& table, size_t texts, std::ostream& out) {
  std::vector<size_t> widths(table.front().size(), 0);
  for (const Cells& cells : table) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  for (const Cells& cells : table) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string space(widths[i] - cells[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i < texts ? cells[i] + space : space + cells[i]);
    }
    out << line << "\n";
  }
}

void print_rows(const CostReport& report, std::ostream& out) {
  const size_t texts = std::max<size_t>(report.columns.size(), 1);
  std::vector<Cells> table(1);
  for (const std::string& name : report.columns) table[0].push_back(upper(name));
  table[0].resize(texts);
  for (const char* name :
       {"CALLS", "ANSWERED", "FAILED", "UNKNOWN", "REUSED", "TOKENS IN", "TOKENS OUT", "COST USD", "SAVED USD"}) {
    table[0].emplace_back(name);
  }
  const auto add = [&table](Cells cells, const ai::LedgerSums& sums) {
    for (std::string& number : numbers_of(sums)) cells.push_back(std::move(number));
    table.push_back(std::move(cells));
  };
  for (const CostRow& row : report.rows) {
    Cells cells = row.texts;
    for (std::string& text : cells) {
      if (text.empty()) text = "-";
    }
    add(std::move(cells), row.sums);
  }
  Cells total(texts);
  total[0] = "total";
  add(std::move(total), report.total);
  print_table(table, texts, out);
}

// --- for programs

void put_sums(const ai::LedgerSums& sums, JsonReport& json) {
  json.put("calls", sums.calls);
  json.put("answered", sums.answered);
  json.begin_object("failed");
  for (size_t i = 0; i < sums.failed.size(); ++i) {
    json.put(ai::to_string(static_cast<AiFailureKind>(i)), sums.failed[i]);
  }
  json.end_object();
  json.put("unknown", sums.lost);
  json.put("cache_hits", sums.cache_hits);
  json.put("shared_hits", sums.shared_hits);
  json.begin_object("tokens");
  json.put("input", sums.tokens.input);
  json.put("cache_read", sums.tokens.cache_read);
  json.put("cache_write_5m", sums.tokens.cache_write_5m);
  json.put("cache_write_1h", sums.tokens.cache_write_1h);
  json.put("output", sums.tokens.output);
  json.put("reasoning", sums.tokens.reasoning);
  json.end_object();
  json.put("cost_nano_usd", sums.settled.value);
  json.put("estimated_nano_usd", sums.estimated.value);
  json.put("unknown_nano_usd", sums.unknown.value);
  json.put("saved_nano_usd", sums.saved.value);
}

}  // namespace

std::vector<std::string> CostColumns::names() const {
  std::vector<std::string> names;
  if (by.day) names.emplace_back("day");
  if (pipeline) names.emplace_back("pipeline");
  for (const Column& column : kTextColumns) {
    if (by.*column.wanted) names.emplace_back(column.name);
  }
  return names;
}

Result<CostColumns> CostColumns::parse(std::string_view list) {
  CostColumns columns;
  for (bool more = true; more;) {
    const size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    if (!choose(name, columns)) {
      return fail(
          ErrorCode::kInvalidConfig,
          "--by takes day, pipeline, stage, provider, model, key, prompt and arm, with commas between them; "
          "got '" +
              std::string(name) + "'");
    }
    more = comma != list.npos;
    if (more) list.remove_prefix(comma + 1);
  }
  return columns;
}

Result<int64_t> parse_since(const std::string& text, int64_t now_ms) {
  const auto time_ms = text.size() == kDayDigits ? parse_time_ms(text) : std::nullopt;
  if (time_ms) return *time_ms;
  int64_t days = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  const bool whole = error == std::errc() && text.ends_with('d') && after + 1 == text.data() + text.size();
  if (whole && days > 0 && days <= kDaysMost) {
    return ai::window_start_ms(ai::BudgetWindow::kDay, now_ms) - (days - 1) * kDayMs;
  }
  return fail(ErrorCode::kInvalidConfig,
              "--since takes a day such as 2026-03-01, or a number of days such as 7d; got '" + text + "'");
}

CostReport cost_report(const std::vector<ai::RecordedCosts>& costs, const CostColumns& columns, int64_t since_ms,
                       int64_t now_ms) {
  CostReport report;
  report.columns = columns.names();
  report.now_ms = now_ms;
  std::map<std::vector<std::string>, ai::LedgerSums> rows;
  ai::Ledger::Rows all;
  for (const ai::RecordedCosts& one : costs) {
    for (const auto& [key, sums] : one.ledger.rows()) all[key] += sums;
    for (const auto& [key, sums] : ai::report(one.ledger.rows(), columns.by, since_ms)) {
      rows[texts_of(one.records, key, columns)] += sums;
      report.total += sums;
    }
    report.open_calls += one.open_calls;
    report.open_reserved += one.open_reserved;
  }
  for (auto& [texts, sums] : rows) report.rows.push_back({texts, sums});
  // What is older than all days comes first, as it began first.
  if (columns.by.day) {
    std::stable_partition(report.rows.begin(), report.rows.end(),
                          [](const CostRow& row) { return row.texts.front() == kOlder; });
  }
  report.month = ai::forecast_month(all, now_ms);
  return report;
}

void print_costs(const CostReport& report, std::ostream& out) {
  print_rows(report, out);
  out << "\n";
  const ai::LedgerSums& total = report.total;
  if (total.estimated.value > 0) {
    out << "estimated  " << usd_text(total.estimated) << " USD of the cost, where no provider told it\n";
  }
  if (total.lost > 0) {
    out << "unknown    " << usd_text(total.unknown) << " USD reserved for "
        << counted(static_cast<uint64_t>(total.lost), "call") << " that nobody knows the end of\n";
  }
  if (report.open_calls > 0) {
    out << "open       " << usd_text(report.open_reserved) << " USD reserved for "
        << counted(static_cast<uint64_t>(report.open_calls), "call")
        << " without an end: under way, or cut off with the process\n";
  }
  out << "forecast   ";
  if (report.month) {
    constexpr size_t kMonthDigits = 7;
    out << usd_text(*report.month) << " USD for " << day_text(report.now_ms).substr(0, kMonthDigits)
        << ", if it goes on as in the last seven days\n";
  } else {
    out << "none: there is less than an hour to go by\n";
  }
}

std::string costs_json(const CostReport& report) {
  JsonReport json;
  json.begin_array("rows");
  for (const CostRow& row : report.rows) {
    json.begin_object();
    for (size_t i = 0; i < report.columns.size(); ++i) json.put(report.columns[i], row.texts[i]);
    put_sums(row.sums, json);
    json.end_object();
  }
  json.end_array();
  json.begin_object("total");
  put_sums(report.total, json);
  json.end_object();
  json.put("open_calls", report.open_calls);
  json.put("open_reserved_nano_usd", report.open_reserved.value);
  json.put("month_forecast_nano_usd", report.month ? std::optional(report.month->value) : std::nullopt);
  return json.text();
}

}  // namespace colloquium::app
