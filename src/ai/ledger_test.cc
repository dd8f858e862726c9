#include "ai/ledger.h"

#include <catch2/catch.hpp>

#include "ai/budget.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNow = 1'763'000'000'000 / kDay * kDay + 10 * kHour + 5;  // of a day in November

CallRecord record(RecordKind kind, int64_t at_ms, int64_t cost, const std::string& model = "m") {
  CallRecord record;
  record.kind = kind;
  record.tags.call = "c";
  record.tags.who = "stage";
  record.tags.provider = "one";
  record.tags.model = model;
  record.tags.at_ms = at_ms;
  record.tags.reserved = {1000};
  record.cost = {cost};
  record.usage.input = 10;
  return record;
}

TEST_CASE("each end counts once, by what it was") {
  Ledger ledger;
  ledger.add(record(RecordKind::kIntent, kNow, 5));
  CHECK(ledger.rows().empty());
  ledger.add(record(RecordKind::kAnswer, kNow, 100));
  CallRecord broken = record(RecordKind::kFailure, kNow, 30);
  broken.estimated = true;
  broken.failure.kind = AiFailureKind::kTransient;
  ledger.add(broken);
  ledger.add(record(RecordKind::kUnknown, kNow, 7));
  CallRecord hit = record(RecordKind::kReuse, kNow, 100);
  hit.from = AiAnswerFrom::kCache;
  ledger.add(hit);
  hit.from = AiAnswerFrom::kShared;
  ledger.add(hit);
  const LedgerSums total = ledger.total();
  CHECK(ledger.rows().size() == 1);
  CHECK(total.calls == 3);
  CHECK(total.answered == 1);
  CHECK(total.failed[static_cast<size_t>(AiFailureKind::kTransient)] == 1);
  CHECK(total.lost == 1);
  CHECK(total.settled == NanoUsd{130});
  CHECK(total.estimated == NanoUsd{30});
  CHECK(total.unknown == NanoUsd{1000});
  CHECK(total.cache_hits == 1);
  CHECK(total.shared_hits == 1);
  CHECK(total.saved == NanoUsd{200});
  CHECK(total.tokens.input == 20);
}

TEST_CASE("hours are folded into days and old days together, and nothing is lost") {
  Ledger ledger;
  for (int64_t day = 0; day < 100; ++day) {
    for (int64_t hour = 0; hour < 24; hour += 6) {
      ledger.add(record(RecordKind::kAnswer, kNow - day * kDay - hour * kHour, 1, day % 2 == 0 ? "m" : "n"));
    }
  }
  const LedgerSums before = ledger.total();
  ledger.fold(kNow);
  CHECK(ledger.total() == before);
  CHECK(ledger.rows().begin()->first.from_ms == 0);
  CHECK(ledger.rows().size() < 2 * (Ledger::kDays + 2));
  size_t hours = 0;
  for (const auto& [key, sums] : ledger.rows()) hours += key.hour;
  CHECK(hours == 1);
  const auto again = ledger.rows().size();
  ledger.fold(kNow);
  CHECK(ledger.rows().size() == again);
}

TEST_CASE("the rows are bounded") {
  Ledger ledger;
  for (int64_t day = 0; day < 50; ++day) {
    for (int i = 0; i < 200; ++i) {
      ledger.add(record(RecordKind::kAnswer, kNow - day * kDay, 1, "m" + std::to_string(i)));
    }
  }
  ledger.fold(kNow);
  CHECK(ledger.rows().size() <= Ledger::kRowsMax);
  CHECK(ledger.total().answered == 10'000);
  // Also where somebody makes up a prompt's name for each call.
  for (int i = 0; i < 10'000; ++i) {
    CallRecord each = record(RecordKind::kAnswer, kNow, 1);
    each.tags.prompt = "prompt" + std::to_string(i);
    ledger.add(each);
  }
  ledger.fold(kNow);
  CHECK(ledger.rows().size() <= Ledger::kRowsMax);
  CHECK(ledger.total().answered == 20'000);
}

TEST_CASE("a ledger reads back as it was written") {
  Ledger ledger;
  ledger.add(record(RecordKind::kAnswer, kNow, 100, "a \"model\""));
  ledger.add(record(RecordKind::kUnknown, kNow - 40 * kDay, 1));
  ledger.fold(kNow);
  const auto read = Ledger::parse(ledger.to_json());
  REQUIRE(read);
  CHECK(read->rows() == ledger.rows());
  for (const char* bad : {"", "{}", "[[1,true]]", "[3]"}) CHECK_FALSE(Ledger::parse(bad));
  CHECK(Ledger::parse("[]")->rows().empty());
}

TEST_CASE("a report puts rows together by what is asked for", "[REQ-080]") {
  Ledger ledger;
  ledger.add(record(RecordKind::kAnswer, kNow, 100, "a"));
  ledger.add(record(RecordKind::kAnswer, kNow, 10, "b"));
  ledger.add(record(RecordKind::kAnswer, kNow - kDay, 1, "a"));
  ReportBy by;
  by.model = true;
  auto rows = report(ledger.rows(), by);
  REQUIRE(rows.size() == 2);
  CHECK(rows.begin()->first.model == "a");
  CHECK(rows.begin()->second.settled == NanoUsd{101});
  by = {};
  by.day = true;
  CHECK(report(ledger.rows(), by).size() == 2);
  CHECK(report(ledger.rows(), {}, kNow - kHour).begin()->second.settled == NanoUsd{110});
}

TEST_CASE("a month's forecast goes by the last week", "[REQ-080]") {
  Ledger ledger;
  CHECK_FALSE(forecast_month(ledger.rows(), kNow));
  ledger.add(record(RecordKind::kAnswer, kNow - 2 * kDay, 2'000'000));
  ledger.fold(kNow);
  const auto cost = forecast_month(ledger.rows(), kNow);
  REQUIRE(cost);
  const int64_t seen = kNow - (kNow - 2 * kDay) / kDay * kDay;
  const int64_t left = *window_end_ms(BudgetWindow::kMonth, kNow) - kNow;
  CHECK(cost->value == 2'000'000 + 2'000'000 * left / seen);
}

}  // namespace
}  // namespace colloquium::ai
