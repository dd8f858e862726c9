#include "ai/openai_format/openai_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::ai;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

Heard hear(const std::string& body, const std::string& type = "text/event-stream", int status = 200,
           size_t step = 1u << 20, AiTask task = AiTask::kChat, Headers headers = {}) {
  OpenAiDecoder decoder(task);
  return ai::hear(decoder, {body, type, status, step, std::move(headers)});
}

std::string chunk(const std::string& delta, const std::string& reason = "null") {
  return R"(data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":)" + delta +
         R"(,"finish_reason":)" + reason + "}],\"usage\":null}\n\n";
}

const std::string kUsage =
    R"(data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,)"
    R"("prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},)"
    R"("completion_tokens_details":{"reasoning_tokens":2}}})"
    "\n\n";
const std::string kDone = "data: [DONE]\n\n";
const std::string kStream = chunk(R"({"role":"assistant","content":""})") +
                            chunk(R"({"content":"He said \"h\u00e9"})") + ": a comment\n\n" +
                            chunk(R"({"content":"llo\""})") + chunk("{}", "\"stop\"") + kUsage + kDone;

}  // namespace

TEST_CASE("a stream is the same, wherever its bytes are cut", "[REQ-056][REQ-071]") {
  for (size_t step = 1; step < 60; ++step) {
    const Heard heard = hear(kStream, "text/event-stream", 200, step);
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.usage.input == 5);
    CHECK(heard.usage.cache_read == 4);
    CHECK(heard.usage.cache_write_5m == 1);
    CHECK(heard.usage.output == 5);
    CHECK(heard.usage.reasoning == 2);
  }
}

TEST_CASE("calls of tools come in pieces and are told apart") {
  const Heard heard = hear(
      chunk(
          R"({"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"look","arguments":""}}]})") +
      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"at\":"}}]})") +
      chunk(
          R"({"tool_calls":[{"index":1,"id":"c1","function":{"name":"ask","arguments":"{}"}},{"index":0,"function":{"arguments":"1}"}}]})") +
      chunk("{}", "\"tool_calls\"") + kDone);
  CHECK(heard.calls == std::vector<std::string>{R"(c0 look {"at":1})", "c1 ask {}"});
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
}

TEST_CASE("an answer in one piece says the same", "[REQ-056]") {
  const Heard heard =
      hear(R"({"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",
      "content":"hi","refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"c","type":"function",
      "function":{"name":"n","arguments":"{}"}}]},"finish_reason":"length"}],
      "usage":{"prompt_tokens":3,"completion_tokens":2}})",
           "application/json");
  CHECK(heard.text == "hi");
  CHECK(heard.reasoning == "hm");
  CHECK(heard.calls == std::vector<std::string>{"c n {}"});
  CHECK(heard.usage.input == 3);
  CHECK(heard.usage.output == 2);
  CHECK(heard.finished->reason == AiFinish::kLength);
  CHECK(heard.finished->said == "length");
}

TEST_CASE("a server that leaves out [DONE] and usage is understood; one that breaks off is not", "[REQ-071]") {
  CHECK(hear(chunk(R"({"content":"a"})") + chunk("{}", "\"stop\"")).finished);
  const Heard broken = hear(chunk(R"({"content":"a"})"));
  REQUIRE(broken.failure);
  CHECK(broken.text == "a");
  CHECK(broken.failure->kind == AiFailureKind::kTransient);
  CHECK(broken.failure->message == "the answer broke off");
  CHECK(hear("").failure);
  CHECK(hear(chunk(R"({"content":"a"})") + kDone).failure);
  CHECK(hear("", "application/json").failure);
  CHECK(hear("{}", "application/json").failure);
}

TEST_CASE("an error inside of a 200 is one, and nothing comes behind it", "[REQ-071]") {
  const Heard heard =
      hear(chunk(R"({"content":"a"})") +
           "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":null}}\n\n" +
           chunk(R"({"content":"b"})") + kDone);
  REQUIRE(heard.failure);
  CHECK(heard.text == "a");
  CHECK(heard.failure->message == "overloaded");
  CHECK(heard.failure->status == 0);
  const Heard quota = hear(R"({"error":{"message":"no money","code":"insufficient_quota"}})", "application/json");
  CHECK(quota.failure->kind == AiFailureKind::kQuota);
  CHECK(quota.failure->refused);
  // What it took all the same is paid.
  const Heard half = hear(R"({"error":{"message":"oh"},"choices":[{"message":{"content":"half"}}],)"
                          R"("usage":{"prompt_tokens":9,"completion_tokens":5}})",
                          "application/json");
  REQUIRE(half.failure);
  CHECK_FALSE(half.failure->refused);
  CHECK(half.text == "half");
  CHECK(half.usage.output == 5);
  CHECK(hear("data: {oops\n\n" + kDone).failure->message.find("no JSON: {oops") != std::string::npos);
}

TEST_CASE("answers that refuse are told by who has to do something", "[REQ-056][REQ-066]") {
  const auto failure = [](int status, const std::string& body, Headers headers = {}) {
    const Heard heard = hear(body, "application/json", status, 7, AiTask::kChat, std::move(headers));
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == status);
    return *heard.failure;
  };
  const auto error = [](const std::string& code) {
    return R"({"error":{"message":"said so","type":"t","param":null,"code":")" + code + "\"}}";
  };
  CHECK(failure(400, error("x")).kind == AiFailureKind::kCaller);
  CHECK(failure(404, error("model_not_found")).kind == AiFailureKind::kCaller);
  CHECK(failure(404, error("model_not_found")).message == "said so");
  CHECK(failure(401, error("invalid_api_key")).kind == AiFailureKind::kKey);
  CHECK(failure(403, "").kind == AiFailureKind::kKey);
  CHECK(failure(402, "").kind == AiFailureKind::kQuota);
  CHECK(failure(408, "").kind == AiFailureKind::kTransient);
  CHECK(failure(429, error("rate_limit_exceeded")).kind == AiFailureKind::kThrottled);
  CHECK(failure(429, error("insufficient_quota")).kind == AiFailureKind::kQuota);
  CHECK(failure(500, "<html>").message == "<html>");
  CHECK(failure(503, "").kind == AiFailureKind::kTransient);
  CHECK(failure(500, "", {{"x-should-retry", "false"}}).kind == AiFailureKind::kCaller);
  CHECK(failure(400, "", {{"X-Should-Retry", "true"}}).kind == AiFailureKind::kTransient);
  CHECK(failure(500, R"({"error":"plain words"})").message == "plain words");
  CHECK(failure(429, "", {{"retry-after", "3"}}).retry_after_ms == 3000);
  const AiFailure reset = failure(429, "",
                                  {{"x-ratelimit-remaining-requests", "4"},
                                   {"x-ratelimit-reset-requests", "6m0s"},
                                   {"x-ratelimit-remaining-tokens", "0"},
                                   {"x-ratelimit-reset-tokens", "120ms"}});
  CHECK(reset.retry_after_ms == 120);
  CHECK(failure(500, std::string(1u << 20, 'x')).message.size() == 300);
  CHECK(failure(401, R"({"statusCode":401,"message":"no key"})").message == "no key");
  const auto told = [&](const std::string& words) {
    return failure(429, R"({"error":{"code":"429","message":"Slow down. )" + words + "\"}}").retry_after_ms;
  };
  CHECK(told("Please retry after 6 seconds.") == 6000);
  CHECK(told("Please retry after 1 second. More words.") == 1000);
  CHECK(told("Please try again in 1.2s. Visit us.") == 1200);
  CHECK(told("Please try again in 6m0s.") == 360'000);
  CHECK_FALSE(told("Please retry after lunch."));
  CHECK_FALSE(told("Please try again in "));
}

TEST_CASE("embeddings come as base64 of floats, or as numbers", "[REQ-056]") {
  const auto vectors = [](const std::string& data) {
    return hear(
        R"({"object":"list","model":"m","usage":{"prompt_tokens":2,"total_tokens":2},"data":)" + data + "}",
        "application/json", 200, 1u << 20, AiTask::kEmbed);
  };
  // 1.0f and -2.5f, low byte first.
  const Heard coded = vectors(R"([{"object":"embedding","index":1,"embedding":"AACAPwAAIMA="}])");
  REQUIRE(coded.embeddings.size() == 1);
  CHECK(coded.embeddings[0].index == 1);
  CHECK(coded.embeddings[0].vector == std::vector<float>{1.0F, -2.5F});
  CHECK(coded.usage.input == 2);
  CHECK(coded.finished);
  const Heard plain = vectors(R"([{"embedding":[1,-2.5]},{"embedding":[0.5]}])");
  CHECK(plain.embeddings[1].index == 1);
  CHECK(plain.embeddings[0].vector == std::vector<float>{1.0F, -2.5F});
  for (const char* bad : {R"([{"embedding":"AAA"}])", R"([{"embedding":"!"}])", R"([{"embedding":""}])",
                          R"([{"embedding":[]}])", R"([{"embedding":[1,"x"]}])", R"([{}])", "7"}) {
    CHECK(vectors(bad).failure);
  }
}

TEST_CASE("no answer, however damaged, does more than fail", "[REQ-071]") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 3000; ++i) {
    (void)hear(ai::damaged(kStream, random), i % 5 == 0 ? "application/json" : "text/event-stream", 200,
               random() % 40 + 1);
  }
}
