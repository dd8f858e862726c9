#include "app/cost_report.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace colloquium::app {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kNow = 20'000 * kDay + kDay / 2;  // 2024-10-04, noon

ai::CallRecord record(ai::RecordKind kind, int64_t at_ms, int64_t cost, const std::string& model) {
  ai::CallRecord record;
  record.kind = kind;
  record.tags.who = "triage";
  record.tags.provider = "eu";
  record.tags.model = model;
  record.tags.at_ms = at_ms;
  record.tags.reserved = {5'000'000};
  record.cost = {cost};
  record.usage.input = 100;
  record.usage.output = 7;
  return record;
}

std::vector<ai::RecordedCosts> two_pipelines() {
  std::vector<ai::RecordedCosts> costs(2);
  costs[0].records = "issues";
  costs[0].ledger.add(record(ai::RecordKind::kAnswer, kNow, 1'500'000, "small"));
  costs[0].ledger.add(record(ai::RecordKind::kAnswer, kNow - kDay, 20'000'000, "large"));
  costs[0].ledger.add(record(ai::RecordKind::kUnknown, kNow, 0, "small"));
  costs[0].open_calls = 1;
  costs[0].open_reserved = {300};
  costs[1].records = "issues.replay-1";
  costs[1].ledger.add(record(ai::RecordKind::kAnswer, kNow, 500'000, "small"));
  return costs;
}

CostColumns by(const std::string& list) {
  const auto columns = CostColumns::parse(list);
  REQUIRE(columns);
  return *columns;
}

TEST_CASE("costs are put together by what is asked for", "[REQ-080]") {
  const auto rows = [](const std::string& list, int64_t since_ms = 0) {
    std::string text;
    for (const CostRow& row : cost_report(two_pipelines(), by(list), since_ms, kNow).rows) {
      for (const std::string& cell : row.texts) text += cell + " ";
      text += usd_text(row.sums.settled) + "; ";
    }
    return text;
  };
  CHECK(rows("model") == "large 0.02; small 0.002; ");
  CHECK(rows("model,pipeline") == "issues large 0.02; issues small 0.0015; issues.replay-1 small 0.0005; ");
  CHECK(rows("day") == "2024-10-03 0.02; 2024-10-04 0.002; ");
  CHECK(rows("stage,provider,key", kNow - kDay / 2) == "triage eu  0.002; ");
  CHECK(rows("day", *parse_since("2024-10-04", kNow)) == "2024-10-04 0.002; ");
}

TEST_CASE("a day older than all days comes first", "[REQ-080]") {
  std::vector<ai::RecordedCosts> costs = two_pipelines();
  costs[0].ledger.add(record(ai::RecordKind::kAnswer, kNow - 100 * kDay, 3, "small"));
  costs[0].ledger.fold(kNow);
  CHECK(cost_report(costs, by("day"), 0, kNow).rows.front().texts.front() == "older");
}

TEST_CASE("what is no list of columns and no day is refused") {
  for (const char* bad : {"", "model,", "models", "day;model"}) CHECK_FALSE(CostColumns::parse(bad));
  for (const char* bad :
       {"", "d", "0d", "-3d", "7", "7days", "2024-13-01", "2024-10-04T12:00:00Z", "99999999999d"}) {
    CHECK_FALSE(parse_since(bad, kNow));
  }
  CHECK(*parse_since("1d", kNow) == kNow - kDay / 2);
  CHECK(*parse_since("7d", kNow) == kNow - kDay / 2 - 6 * kDay);
}

TEST_CASE("a report for people tells what is unknown and what the month will cost", "[REQ-080]") {
  std::ostringstream out;
  print_costs(cost_report(two_pipelines(), by("model"), 0, kNow), out);
  CHECK(out.str() ==
        "MODEL  CALLS  ANSWERED  FAILED  UNKNOWN  REUSED  TOKENS IN  TOKENS OUT  COST USD  SAVED USD\n"
        "large      1         1       0        0       0        100           7      0.02          0\n"
        "small      3         2       0        1       0        200          14     0.002          0\n"
        "total      4         3       0        1       0        300          21     0.022          0\n"
        "\n"
        "unknown    0.005 USD reserved for 1 call that nobody knows the end of\n"
        "open       0.0000003 USD reserved for 1 call without an end: under way, or cut off with the process\n"
        "forecast   0.7695 USD for 2024-10, if it goes on as in the last seven days\n");
}

TEST_CASE("a report for programs has money as whole numbers", "[REQ-080]") {
  const std::string all = costs_json(cost_report(two_pipelines(), by("pipeline"), 0, kNow));
  CHECK(all.starts_with("{\"rows\":[{\"pipeline\":\"issues\",\"calls\":3,\"answered\":2,"));
  CHECK(all.find("\"cost_nano_usd\":22000000,") != std::string::npos);
  CHECK(all.find("\"unknown_nano_usd\":5000000,") != std::string::npos);
  CHECK(all.find("\"open_calls\":1,\"open_reserved_nano_usd\":300,") != std::string::npos);
}

}  // namespace
}  // namespace colloquium::app
