#include "ai/ledger.h"

#include <algorithm>
#include <utility>

#include "ai/budget.h"
#include "ai/json_text.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kHoursKept = 3;

int64_t day_of(int64_t at_ms) {
  return window_start_ms(BudgetWindow::kDay, at_ms);
}

// It can be folded no more.
bool is_shortest(const LedgerKey& key) {
  return key.from_ms == 0 && key.prompt.empty() && key.arm.empty();
}

// The numbers of a row in the order they are stored in.
template <class Sums, class Visit>
void each_number(Sums& sums, const Visit& visit) {
  visit(sums.calls);
  visit(sums.answered);
  for (auto& count : sums.failed) visit(count);
  visit(sums.lost);
  visit(sums.cache_hits);
  visit(sums.shared_hits);
  auto& tokens = sums.tokens;
  visit(tokens.input);
  visit(tokens.cache_read);
  visit(tokens.cache_write_5m);
  visit(tokens.cache_write_1h);
  visit(tokens.output);
  visit(tokens.reasoning);
  visit(sums.settled.value);
  visit(sums.estimated.value);
  visit(sums.unknown.value);
  visit(sums.saved.value);
}

template <class Key, class Visit>
void each_text(Key& key, const Visit& visit) {
  visit(key.who);
  visit(key.provider);
  visit(key.model);
  visit(key.key);
  visit(key.prompt);
  visit(key.arm);
}

LedgerSums sums_of(const CallRecord& record) {
  LedgerSums sums;
  switch (record.kind) {
    case RecordKind::kIntent:
    case RecordKind::kBatch:
      return sums;
    case RecordKind::kReuse:
      (record.from == AiAnswerFrom::kShared ? sums.shared_hits : sums.cache_hits) = 1;
      sums.saved = record.cost;
      return sums;
    case RecordKind::kUnknown:
      sums.lost = 1;
      sums.unknown = record.tags.reserved;
      break;
    case RecordKind::kAnswer:
      sums.answered = 1;
      break;
    case RecordKind::kFailure:
      ++sums.failed[static_cast<size_t>(record.failure.kind)];
      break;
  }
  sums.calls = 1;
  if (record.kind == RecordKind::kUnknown) return sums;
  sums.tokens = record.usage;
  sums.settled = record.cost;
  if (record.estimated) sums.estimated = record.cost;
  return sums;
}

}  // namespace

LedgerSums& LedgerSums::operator+=(const LedgerSums& other) {
  std::vector<int64_t> numbers;
  each_number(other, [&](int64_t number) { numbers.push_back(number); });
  size_t i = 0;
  each_number(*this, [&](int64_t& number) { number += numbers[i++]; });
  return *this;
}

void Ledger::add(const CallRecord& record) {
  if (record.kind == RecordKind::kIntent || record.kind == RecordKind::kBatch) return;
  const CallTags& tags = record.tags;
  LedgerKey key{window_start_ms(BudgetWindow::kHour, tags.at_ms),
                true,
                tags.who,
                tags.provider,
                tags.model,
                tags.key,
                tags.prompt,
                tags.arm};
  rows_[std::move(key)] += sums_of(record);
}

void Ledger::fold(int64_t now_ms) {
  Rows folded;
  const int64_t last_day = day_of(now_ms) - (kDays - 1) * kDayMs;
  for (const auto& [key, sums] : rows_) {
    LedgerKey to = key;
    if (to.hour && to.from_ms + kHoursKept * kHourMs <= now_ms) {
      to.from_ms = day_of(to.from_ms);
      to.hour = false;
    }
    if (to.from_ms < last_day) {
      to.from_ms = 0;
      to.hour = false;
    }
    folded[std::move(to)] += sums;
  }
  while (folded.size() > kRowsMax) {
    auto oldest = folded.begin();
    while (oldest != folded.end() && is_shortest(oldest->first)) ++oldest;
    if (oldest == folded.end()) break;
    auto row = folded.extract(oldest);
    row.key().from_ms = 0;
    row.key().hour = false;
    row.key().prompt = row.key().arm = "";
    folded[row.key()] += row.mapped();
  }
  rows_ = std::move(folded);
}

LedgerSums Ledger::total() const {
  LedgerSums total;
  for (const auto& [key, sums] : rows_) total += sums;
  return total;
}

std::string Ledger::to_json() const {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  out.begin_array();
  for (const auto& [key, sums] : rows_) {
    out.begin_array();
    out.integer(key.from_ms);
    out.boolean(key.hour);
    each_text(key, [&](const std::string& text) { out.string(text); });
    each_number(sums, [&](int64_t number) { out.integer(number); });
    out.end_array();
  }
  out.end_array();
  return {bytes.begin(), bytes.end()};
}

Result<Ledger> Ledger::parse(std::string_view json) {
  JsonReader reader;
  const auto root = reader.read(json);
  if (!root || root->type() != TokenType::kArray)
    return fail(ErrorCode::kCorrupt, "the sums of AI calls are no list");
  Ledger ledger;
  std::string scratch;
  for (uint64_t i = 0; auto row = JsonReader::element(root, i); ++i) {
    LedgerKey key;
    LedgerSums sums;
    uint64_t at = 2;
    bool whole = true;
    key.from_ms = JsonReader::integer(JsonReader::element(row, 0)).value_or(0);
    const auto hour = JsonReader::element(row, 1);
    key.hour = hour && hour->type() == TokenType::kTrue;
    each_text(key, [&](std::string& text) {
      const auto found = JsonReader::text(JsonReader::element(row, at++), scratch);
      whole = whole && found;
      text = found.value_or("");
    });
    each_number(sums, [&](int64_t& number) {
      const auto found = JsonReader::integer(JsonReader::element(row, at++));
      whole = whole && found;
      number = found.value_or(0);
    });
    if (!whole) return fail(ErrorCode::kCorrupt, "a row of the sums of AI calls is not whole");
    ledger.rows_[std::move(key)] += sums;
  }
  return ledger;
}

std::string CountedLedger::to_token() const {
  return "{\"counted\":" + std::to_string(counted) + ",\"sums\":" + ledger.to_json() + "}";
}

Result<CountedLedger> CountedLedger::parse(std::string_view token) {
  JsonReader reader;
  const auto root = reader.read(token);
  const auto sums = JsonReader::member(root, "sums");
  if (!sums) return fail(ErrorCode::kCorrupt, "there are no sums of AI calls in it");
  CountedLedger read;
  TRY_ASSIGN(read.ledger, Ledger::parse(sums->raw()));
  read.counted = JsonReader::integer(JsonReader::member(root, "counted")).value_or(0);
  return read;
}

Ledger::Rows report(const Ledger::Rows& rows, const ReportBy& by, int64_t since_ms) {
  Ledger::Rows out;
  for (const auto& [row, sums] : rows) {
    if (row.from_ms < since_ms) continue;
    LedgerKey key;
    if (by.day && row.from_ms > 0) key.from_ms = day_of(row.from_ms);
    if (by.who) key.who = row.who;
    if (by.provider) key.provider = row.provider;
    if (by.model) key.model = row.model;
    if (by.key) key.key = row.key;
    if (by.prompt) key.prompt = row.prompt;
    if (by.arm) key.arm = row.arm;
    out[std::move(key)] += sums;
  }
  return out;
}

std::optional<NanoUsd> forecast_month(const Ledger::Rows& rows, int64_t now_ms) {
  const int64_t month_ms = window_start_ms(BudgetWindow::kMonth, now_ms);
  const int64_t end_ms = window_end_ms(BudgetWindow::kMonth, now_ms).value_or(now_ms);
  const int64_t week_ms = day_of(now_ms) - 6 * kDayMs;
  NanoUsd month, week;
  int64_t first_ms = now_ms;
  for (const auto& [key, sums] : rows) {
    const NanoUsd spent = sums.settled + sums.unknown;
    if (key.from_ms >= month_ms) month += spent;
    if (key.from_ms < week_ms) continue;
    week += spent;
    first_ms = std::min(first_ms, key.from_ms);
  }
  const int64_t seen_ms = now_ms - first_ms;
  if (seen_ms < kHourMs) return std::nullopt;
  const auto rest = static_cast<WideNano>(week.value) * (end_ms - now_ms) / seen_ms;
  return month + NanoUsd{static_cast<int64_t>(rest)};
}

}  // namespace colloquium::ai
