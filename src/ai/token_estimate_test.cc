#include "ai/token_estimate.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

AiRequest chat(const std::string& text) {
  AiRequest request;
  request.messages.push_back({AiRole::kUser, {AiText{text}}});
  return request;
}

TEST_CASE("OpenAI's tokens are exact, messages and all") {
  const TokenEstimates estimates;
  const ModelName model{"openai", "openai", "gpt-4o-mini"};
  CHECK(estimates.input(model, chat("hello world")).tokens == 2 + 3 + 3);
  CHECK(estimates.output(model, "hello world") == 2);
  AiRequest embed;
  embed.task = AiTask::kEmbed;
  embed.inputs = {"hello world", "hello world"};
  CHECK(estimates.input({"openai", "openai", "text-embedding-3-small"}, embed).tokens == 4);
}

TEST_CASE("tools, schemas and images count") {
  const TokenEstimates estimates;
  const ModelName model{"openai", "openai", "gpt-4o"};
  const int64_t plain = estimates.input(model, chat("hi")).tokens;
  AiRequest more = chat("hi");
  more.tools.push_back({"look", "looks things up", "{\"type\":\"object\"}"});
  CHECK(estimates.input(model, more).tokens > plain + 9);
  more = chat("hi");
  more.output_schema = "{\"type\":\"object\"}";
  CHECK(estimates.input(model, more).tokens > plain);
  more = chat("hi");
  more.messages[0].parts.push_back(AiImage{"http://x/y.png", "", ""});
  CHECK(estimates.input(model, more).tokens > plain + 500);
}

TEST_CASE("the factor of others rises at once and falls slowly") {
  TokenEstimates estimates;
  const ModelName model{"anthropic", "a", "claude"};
  const auto first = estimates.input(model, chat("hello world"));
  CHECK(first.tokens == 12);  // 8 by half as many more
  // Several that were under way at the same time say the same.
  for (int i = 0; i < 5; ++i) estimates.learn(model, first, 24);
  CHECK(estimates.factor(model) == Approx(3));
  const auto second = estimates.input(model, chat("hello world"));
  CHECK(second.tokens == 24);
  estimates.learn(model, second, 8);
  CHECK(estimates.factor(model) == Approx(3 - 2 * 0.02));
  estimates.learn(model, second, 0);
  CHECK(estimates.factor(model) == Approx(2.96));
  CHECK(estimates.factor({"anthropic", "a", "other"}) == Approx(1.5));
}

TEST_CASE("a request of many texts is counted in places, too") {
  const TokenEstimates estimates;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "hello world ";
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.inputs.assign(200, text);
  const int64_t tokens = estimates.input({"openai", "openai", "gpt-4o"}, request).tokens;
  CHECK(tokens > 200 * 19'000);
  CHECK(tokens < 200 * 32'000);
  // What is small behind that counts by the rate so far, and is never nothing.
  request.inputs.push_back("hello");
  CHECK(estimates.input({"openai", "openai", "gpt-4o"}, request).tokens > tokens);
}

TEST_CASE("a long text is counted in places") {
  const TokenEstimates estimates;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "hello world ";
  const int64_t tokens = estimates.output({"openai", "openai", "gpt-4o"}, text);
  CHECK(tokens > 190'000);
  CHECK(tokens < 320'000);
}

}  // namespace
}  // namespace colloquium::ai
