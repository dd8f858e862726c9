#include "ai/budget_book.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

BudgetSpec spec(const std::string& name, int64_t limit) {
  BudgetSpec spec;
  spec.name = name;
  spec.limit = {limit};
  return spec;
}
CallLabels labels(const std::string& pipeline) {
  return {pipeline, "one", "m", "k"};
}
constexpr int64_t kNow = 1'764'000'000'000;

TEST_CASE("pipelines that name the same budget share it", "[REQ-062]") {
  BudgetBook book;
  auto a = *book.join("a", {spec("team", 100), spec("own", 30)});
  auto b = *book.join("b", {spec("team", 100)});
  const auto first = a->reserve(labels("a"), {30}, kNow);
  CHECK_FALSE(first.refused);
  const auto second = b->reserve(labels("b"), {70}, kNow);
  CHECK_FALSE(second.refused);
  CHECK(b->reserve(labels("b"), {1}, kNow).refused->budget == "team");
  a->settle(first.call, {10}, kNow);
  b->unknown(second.call, kNow);
  CHECK(book.status(kNow).size() == 2);
  CHECK(b->status(kNow).front().settled == NanoUsd{10});
  CHECK(b->status(kNow).front().unknown == NanoUsd{70});
  // All of them or none: what the first would allow is given back.
  const auto third = a->reserve(labels("a"), {21}, kNow);
  REQUIRE(third.refused);
  CHECK(third.refused->budget == "team");
  CHECK(a->status(kNow).front().reserved == NanoUsd{0});
  CHECK(a->status(kNow).back().reserved == NanoUsd{0});
  CHECK(a->under_way() == 0);
}

TEST_CASE("one name means one thing") {
  BudgetBook book;
  const auto a = *book.join("a", {spec("team", 100)});
  const auto b = book.join("b", {spec("team", 200)});
  REQUIRE_FALSE(b);
  CHECK(b.error().code == ErrorCode::kInvalidConfig);
  const auto c = book.join("c", {spec("team", 100)});
  CHECK(c);
}

TEST_CASE("a budget that nobody shares in any more may be another one") {
  BudgetBook book;
  { const auto a = *book.join("a", {spec("team", 100)}); }
  CHECK(book.status(kNow).empty());
  CHECK(book.join("b", {spec("team", 200)}));
}

TEST_CASE("the past is told once, however often a pipeline comes back") {
  BudgetBook book;
  const auto stays = *book.join("stays", {spec("team", 100)});
  auto comes = *book.join("comes", {spec("team", 100)});
  comes->charge(labels("comes"), {40}, false, kNow, kNow);
  comes = nullptr;
  comes = *book.join("comes", {spec("team", 100)});
  comes->charge(labels("comes"), {40}, false, kNow, kNow);
  CHECK(stays->status(kNow).front().settled == NanoUsd{40});
}

TEST_CASE("alerts come from whichever pipeline reaches them", "[REQ-062]") {
  std::vector<int> percents;
  BudgetBook book([&](const BudgetAlert& alert) { percents.push_back(alert.percent); });
  BudgetSpec team = spec("team", 100);
  team.alert_percents = {50, 80};
  const auto a = *book.join("a", {team});
  const auto b = *book.join("b", {team});
  a->settle(a->reserve(labels("a"), {50}, kNow).call, {50}, kNow);
  b->settle(b->reserve(labels("b"), {50}, kNow).call, {40}, kNow);
  b->release(b->reserve(labels("b"), {10}, kNow).call);
  CHECK(percents == std::vector<int>{50, 80});
}

}  // namespace
}  // namespace colloquium::ai
