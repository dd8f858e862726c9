#include "ai/prices.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/skip.h"

using namespace colloquium;
using namespace colloquium::ai;

namespace {

PriceTable table(const std::string& models) {
  auto parsed = PriceTable::parse(R"({"date":"2026-11-20","models":{)" + models + "}}", "mine.json");
  if (!parsed) FAIL(parsed.error().describe());
  return *parsed;
}

std::string refusal(const std::string& json) {
  const auto parsed = PriceTable::parse(json, "mine.json");
  REQUIRE_FALSE(parsed);
  return parsed.error().describe();
}

}  // namespace

TEST_CASE("what others sell has the price of its maker, unless the table says otherwise") {
  const PriceTable& table = PriceTable::built_in();
  CHECK(table.find("azure", "gpt-4o-mini") == table.find("openai", "gpt-4o-mini"));
  const ModelPrice* const haiku = table.find("anthropic", "claude-haiku-4-5");
  REQUIRE(haiku != nullptr);
  CHECK(table.find("bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0") == haiku);
  CHECK(table.find("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0") == haiku);
  CHECK(table.find("bedrock", "amazon.nova-pro-v1:0") == nullptr);
  REQUIRE(table.find("ollama", "llama3.2") != nullptr);
  CHECK(table.find("ollama", "llama3.2")->most(1'000'000, 1'000'000).value == 0);
  const auto own =
      PriceTable::parse(R"({"date":"2026-01-01","models":{"azure/gpt-4o-mini":{"input":9,"output":9}}})", "t");
  REQUIRE(own);
  const PriceTable both = table.overridden_by(*own);
  CHECK(both.find("azure", "gpt-4o-mini") != both.find("openai", "gpt-4o-mini"));
}

TEST_CASE("a call costs its tokens by bucket, rounded up once", "[REQ-062]") {
  const auto prices = table(
      R"("p/m":{"input":3,"cache_read":0.3,"cache_write_5m":3.75,"cache_write_1h":6,"output":15,"reasoning":20})");
  const ModelPrice& price = *prices.find("p", "m");
  CHECK(price.cost({.input = 1'000'000}) == NanoUsd{3 * kNanoPerUsd});
  CHECK(price.cost({.input = 1,
                    .cache_read = 10,
                    .cache_write_5m = 100,
                    .cache_write_1h = 1000,
                    .output = 2,
                    .reasoning = 3}) == NanoUsd{3000 + 3000 + 375'000 + 6'000'000 + 30'000 + 60'000});
  CHECK(price.cost({}) == NanoUsd{});
  const auto small = table(R"("p/m":{"input":0.0375,"output":0.15})");
  CHECK(small.find("p", "m")->cost({.input = 1}) == NanoUsd{38});
  CHECK(small.find("p", "m")->cost({.input = 2}) == NanoUsd{75});
  CHECK(small.find("p", "m")->cost({.input = 1, .cache_read = 1}) == NanoUsd{75});
}

TEST_CASE("what is not said costs what its kind does") {
  const auto prices =
      table(R"("p/m":{"input":2,"output":8,"above":{"tokens":100,"input":4},"batch":{"input":1,"output":4}})");
  const ModelPrice& price = *prices.find("p", "m");
  CHECK(price.usual.cache_read == price.usual.input);
  CHECK(price.usual.reasoning == price.usual.output);
  CHECK(price.above.cache_write_1h == NanoUsd{4 * kNanoPerUsd});
  CHECK(price.above.output == NanoUsd{8 * kNanoPerUsd});
  CHECK(price.cost({.input = 60, .cache_read = 40}) == NanoUsd{200'000});
  CHECK(price.cost({.input = 61, .cache_read = 40}) == NanoUsd{404'000});
  CHECK(price.cost({.input = 101, .output = 1}, true) == NanoUsd{105'000});
}

TEST_CASE("no call costs more than was said to be the most", "[REQ-062]") {
  for (const auto& [name, price] : PriceTable::built_in().models()) {
    INFO(name);
    for (const int64_t input : {int64_t{1}, int64_t{999}, int64_t{300'000}}) {
      for (const bool in_batch : {false, true}) {
        const NanoUsd most = price.most(input, 50, in_batch);
        CHECK(price.cost({.input = input, .output = 50}, in_batch) <= most);
        CHECK(price.cost({.cache_write_1h = input, .reasoning = 50}, in_batch) <= most);
        CHECK(price.cost(
                  {.cache_read = input / 2, .cache_write_5m = input - input / 2, .output = 20, .reasoning = 30},
                  in_batch) <= most);
      }
    }
  }
}

TEST_CASE("what no sum can hold is as much as there can be", "[REQ-062]") {
  for (const auto& [name, price] : PriceTable::built_in().models()) {
    INFO(name);
    for (const int64_t output : {int64_t{30'744'573'456'182'587}, INT64_MAX}) {
      CHECK(price.most(1, output) >= price.most(1, 1'000'000));
      CHECK(price.most(1, output) <= NanoUsd{kNanoUsdMost});
      CHECK(price.cost({.input = INT64_MAX, .output = output}) == NanoUsd{kNanoUsdMost});
    }
    CHECK(price.most(kTokensMost, kTokensMost) <= NanoUsd{kNanoUsdMost});
  }
}

TEST_CASE("a model of a date costs what its name says, unless the date has a price of its own") {
  const auto prices = table(R"("p/m":{"input":1,"output":1},"p/m-2024-05-13":{"input":5,"output":5})");
  const auto input = [&](const char* model) {
    const ModelPrice* price = prices.find("p", model);
    return price == nullptr ? -1 : price->usual.input.value / kNanoPerUsd;
  };
  CHECK(input("m") == 1);
  CHECK(input("m-2024-05-13") == 5);
  CHECK(input("m-2024-08-06") == 1);
  CHECK(input("m-20251001") == 1);
  CHECK(input("m-mini") == -1);
  CHECK(input("m-2024") == -1);
  CHECK(input("-2024-08-06") == -1);
  CHECK(prices.find("q", "m") == nullptr);
}

TEST_CASE("the user's table goes before the one that ships, model by model") {
  const auto mine = table(R"("openai/gpt-4o":{"input":1,"output":1},"local/llama":{"input":0,"output":0})");
  const PriceTable both = PriceTable::built_in().overridden_by(mine);
  CHECK(both.find("openai", "gpt-4o-2024-08-06")->usual.input == NanoUsd{kNanoPerUsd});
  CHECK(both.find("openai", "gpt-4o-mini")->usual.input == NanoUsd{150'000'000});
  CHECK(both.find("local", "llama")->cost({.input = 5, .output = 5}) == NanoUsd{});
  CHECK(both.date() == "2026-11-20");
}

TEST_CASE("a file that is wrong is refused, with the model and the key") {
  CHECK(refusal("{") == "mine.json: prices: this is no JSON");
  CHECK(refusal("[]").find("'date' and 'models'") != std::string::npos);
  CHECK(refusal(R"({"models":{}})").find("'date'") != std::string::npos);
  const auto model = [](const std::string& text) { return refusal(R"({"date":"d","models":{)" + text + "}}"); };
  CHECK(model(R"("m":{})") == "mine.json: prices: 'm' is not named as PROVIDER/MODEL");
  CHECK(model(R"("p/m":{"input":1})") == "mine.json: prices: p/m: 'output' is missing");
  CHECK(model(R"("p/m":{"input":1,"output":1,"ouput":2})") == "mine.json: prices: p/m: unknown key 'ouput'");
  CHECK(model(R"("p/m":7)") == "mine.json: prices: p/m: a map of prices is expected");
  CHECK(model(R"("p/m":{"input":-1,"output":1})").find("p/m: 'input' is in US dollars") != std::string::npos);
  CHECK(model(R"("p/m":{"input":"1","output":1})").find("got \"1\"") != std::string::npos);
  CHECK(model(R"("p/m":{"input":1,"output":1,"above":{"input":2}})").find("p/m.above: 'tokens'") !=
        std::string::npos);
  CHECK(model(R"("p/m":{"input":1,"output":1,"batch":{"tokens":2}})").find("p/m.batch: unknown key") !=
        std::string::npos);
}

TEST_CASE("the table that ships agrees with a list of prices that others keep", "[REQ-062]") {
  const std::filesystem::path list = PROJECT_SOURCE_DIR "/../shared/data/ai/model_prices.json";
  if (!std::filesystem::exists(list)) {
    SKIP_TEST("no " + list.string());
  }
  std::ifstream file(list);
  const auto theirs = nlohmann::json::parse(file);
  int compared = 0;
  for (const auto& [name, price] : PriceTable::built_in().models()) {
    const auto found = theirs.find(name.substr(name.find('/') + 1));
    if (found == theirs.end()) continue;
    INFO(name);
    const auto check = [&](const char* key, NanoUsd ours) {
      if (!found->contains(key) || !(*found)[key].is_number()) return;
      ++compared;
      CHECK(ours.value == std::llround((*found)[key].get<double>() * 1e15));
    };
    check("input_cost_per_token", price.usual.input);
    check("output_cost_per_token", price.usual.output);
    check("cache_read_input_token_cost", price.usual.cache_read);
    check("cache_creation_input_token_cost", price.usual.cache_write_5m);
    if (price.above_tokens == 200'000) check("input_cost_per_token_above_200k_tokens", price.above.input);
    if (price.above_tokens == 272'000) check("input_cost_per_token_above_272k_tokens", price.above.input);
    if (price.batch) check("input_cost_per_token_batches", price.batch->input);
    if (price.batch) check("output_cost_per_token_batches", price.batch->output);
  }
  CHECK(compared > 150);
}
