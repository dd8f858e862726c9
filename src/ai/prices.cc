#include "ai/prices.h"

#include <ai/prices_data.h>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

using Json = nlohmann::json;

constexpr int64_t kPriceUnit = 1'000'000;      // tokens that a price is for
constexpr double kMostPerMillion = 1'000'000;  // dollars; beyond it a decimal point was forgotten
constexpr std::string_view kAbove = "above";
constexpr std::string_view kAboveTokens = "tokens";
constexpr std::string_view kBatch = "batch";

struct Bucket {
  std::string_view name;
  NanoUsd TokenPrices::*price;
};
constexpr Bucket kBuckets[] = {
    {"input", &TokenPrices::input},
    {"cache_read", &TokenPrices::cache_read},
    {"cache_write_5m", &TokenPrices::cache_write_5m},
    {"cache_write_1h", &TokenPrices::cache_write_1h},
    {"output", &TokenPrices::output},
    {"reasoning", &TokenPrices::reasoning},
};

// In millionths of a billionth of a dollar.
WideNano product(int64_t tokens, NanoUsd price) {
  ASSERT(tokens >= 0 && price.value >= 0);
  return static_cast<WideNano>(tokens) * price.value;
}

// What would not fit is as much as there can be.
NanoUsd rounded_up(WideNano sum) {
  constexpr WideNano kMost = kNanoUsdMost;
  return {static_cast<int64_t>(std::min((sum + kPriceUnit - 1) / kPriceUnit, kMost))};
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<ModelPrice> model(const std::string& name, const Json& object) {
    where_ = name;
    TRY(keys(object, {kAbove, kBatch}));
    ModelPrice price;
    TRY_ASSIGN(price.usual, prices(object, std::nullopt));
    if (object.contains(kAbove)) TRY(above(object[std::string(kAbove)], price));
    if (object.contains(kBatch)) {
      const Json& batch = object[std::string(kBatch)];
      where_ = name + ".batch";
      TRY(keys(batch, {}));
      TRY_ASSIGN(price.batch, prices(batch, price.usual));
    }
    return price;
  }

  tl::unexpected<Error> bad(const std::string& what) const {
    return fail(ErrorCode::kInvalidConfig, "prices: " + (where_.empty() ? "" : where_ + ": ") + what, file_);
  }

 private:
  Status above(const Json& object, ModelPrice& price) {
    where_ += ".above";
    TRY(keys(object, {kAboveTokens}));
    const auto tokens = object.find(kAboveTokens);
    if (tokens == object.end() || !tokens->is_number_integer() || tokens->get<int64_t>() <= 0) {
      return bad("'tokens' says above how much input these prices hold, a positive integer");
    }
    price.above_tokens = tokens->get<int64_t>();
    TRY_ASSIGN(price.above, prices(object, price.usual));
    return {};
  }

  Status keys(const Json& object, std::initializer_list<std::string_view> others) const {
    if (!object.is_object()) return bad("a map of prices is expected");
    for (const auto& [key, value] : object.items()) {
      const auto named = [&key = key](const Bucket& bucket) { return bucket.name == key; };
      const bool known = std::any_of(std::begin(kBuckets), std::end(kBuckets), named) ||
                         std::find(others.begin(), others.end(), key) != others.end();
      if (!known) return bad("unknown key '" + key + "'");
    }
    return {};
  }

  Result<TokenPrices> prices(const Json& object, const std::optional<TokenPrices>& outside) const {
    TokenPrices all;
    for (const Bucket& bucket : kBuckets) {
      const auto given = object.find(bucket.name);
      if (given != object.end()) {
        TRY_ASSIGN(all.*bucket.price, amount(std::string(bucket.name), *given));
      } else if (bucket.price == &TokenPrices::input || bucket.price == &TokenPrices::output) {
        if (!outside) return bad("'" + std::string(bucket.name) + "' is missing");
        all.*bucket.price = *outside.*bucket.price;
      } else {
        all.*bucket.price = bucket.price == &TokenPrices::reasoning ? all.output : all.input;
      }
    }
    return all;
  }

  Result<NanoUsd> amount(const std::string& key, const Json& value) const {
    const double usd = value.is_number() ? value.get<double>() : -1;
    if (!(usd >= 0 && usd <= kMostPerMillion)) {
      return bad("'" + key + "' is in US dollars per million tokens, a number from 0 to 1000000; got " +
                 value.dump());
    }
    return NanoUsd{std::llround(usd * static_cast<double>(kNanoPerUsd))};
  }

  const std::string& file_;
  std::string where_;
};

bool is_digits(std::string_view text, size_t count) {
  return text.size() == count &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without "-2024-07-18" or "-20251001"; empty if it has neither.
std::string_view without_date(std::string_view model) {
  constexpr size_t kDashed = 11;
  constexpr size_t kPlain = 9;
  if (model.size() > kDashed) {
    const std::string_view date = model.substr(model.size() - kDashed);
    if (date[0] == '-' && date[5] == '-' && date[8] == '-' && is_digits(date.substr(1, 4), 4) &&
        is_digits(date.substr(6, 2), 2) && is_digits(date.substr(9), 2)) {
      return model.substr(0, model.size() - kDashed);
    }
  }
  if (model.size() > kPlain) {
    const std::string_view date = model.substr(model.size() - kPlain);
    if (date[0] == '-' && is_digits(date.substr(1), 8)) return model.substr(0, model.size() - kPlain);
  }
  return {};
}

}  // namespace

NanoUsd ModelPrice::cost(const TokenUsage& usage, bool in_batch) const {
  const bool in_tier = above_tokens > 0 && usage.total_input() > above_tokens;
  const TokenPrices& prices = in_batch && batch ? *batch : in_tier ? above : usual;
  return rounded_up(product(usage.input, prices.input) + product(usage.cache_read, prices.cache_read) +
                    product(usage.cache_write_5m, prices.cache_write_5m) +
                    product(usage.cache_write_1h, prices.cache_write_1h) + product(usage.output, prices.output) +
                    product(usage.reasoning, prices.reasoning));
}

NanoUsd ModelPrice::most(int64_t input_tokens, int64_t output_tokens, bool in_batch) const {
  const bool in_tier = above_tokens > 0 && input_tokens > above_tokens;
  const TokenPrices& prices = in_batch && batch ? *batch : in_tier ? above : usual;
  const NanoUsd in = std::max({prices.input, prices.cache_read, prices.cache_write_5m, prices.cache_write_1h});
  const NanoUsd out = std::max(prices.output, prices.reasoning);
  return rounded_up(product(input_tokens, in) + product(output_tokens, out));
}

const PriceTable& PriceTable::built_in() {
  static const PriceTable table = [] {
    auto parsed = parse(kPricesJson, "prices.json");
    ASSERT_WHY(parsed.has_value(), parsed.error().describe().c_str());
    return std::move(*parsed);
  }();
  return table;
}

Result<PriceTable> PriceTable::parse(std::string_view json, const std::string& name) {
  Reader reader(name);
  const Json file = Json::parse(json, nullptr, false);
  if (file.is_discarded()) return reader.bad("this is no JSON");
  if (!file.is_object() || !file.contains("models") || !file["models"].is_object()) {
    return reader.bad("a map with 'date' and 'models' is expected");
  }
  const auto date = file.find("date");
  if (date == file.end() || !date->is_string())
    return reader.bad("'date' says of when the prices are: \"2026-11-20\"");
  PriceTable table;
  table.date_ = date->get<std::string>();
  for (const auto& [model, object] : file["models"].items()) {
    if (model.find('/') == std::string::npos) return reader.bad("'" + model + "' is not named as PROVIDER/MODEL");
    TRY_ASSIGN(table.models_[model], reader.model(model, object));
  }
  return table;
}

PriceTable PriceTable::overridden_by(const PriceTable& other) const {
  PriceTable both = other;
  both.models_.insert(models_.begin(), models_.end());
  return both;
}

const ModelPrice* PriceTable::find_dated(const std::string& provider, std::string_view model) const {
  for (std::string_view name = model; !name.empty(); name = without_date(name)) {
    const auto found = models_.find(provider + "/" + std::string(name));
    if (found != models_.end()) return &found->second;
  }
  return nullptr;
}

const ModelPrice* PriceTable::find(const std::string& provider, std::string_view model) const {
  if (const ModelPrice* const own = find_dated(provider, model)) return own;
  if (provider == "azure") return find_dated("openai", model);
  if (provider == "bedrock") return find_claude(model);
  static const ModelPrice free;
  return provider == "ollama" ? &free : nullptr;
}

// "us.anthropic.claude-haiku-4-5-20251001-v1:0": the maker, with or without a region before it, and a version
// behind.
const ModelPrice* PriceTable::find_claude(std::string_view model) const {
  constexpr std::string_view kMaker = "anthropic.";
  const size_t at = model.find(kMaker);
  if (at == model.npos) return nullptr;
  std::string_view name = model.substr(at + kMaker.size());
  const size_t version = name.rfind("-v");
  if (version != name.npos) name = name.substr(0, version);
  return find_dated("anthropic", name);
}

}  // namespace colloquium::ai
