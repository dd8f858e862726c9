#include "components/google/google_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;

namespace {

std::string frame(const std::string& parts, const std::string& more = "", const std::string& line = "\r\n") {
  return R"(data: {"candidates":[{"content":{"role":"model","parts":[)" + parts + "]}" +
         (more.empty() ? "" : "," + more) + "}]" +
         R"(,"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":3,)" +
         R"("thoughtsTokenCount":5,"toolUsePromptTokenCount":2,"totalTokenCount":20},"modelVersion":"m"})" + line + line;
}

const std::string kStream = frame(R"({"text":"well","thought":true})") + frame(R"({"text":"He said \"h\u00e9"})") +
                            frame(R"({"text":"llo\""})", R"("finishReason":"STOP","index":0)", "\n");

Heard hear(const ai::Answer& answer, AiTask task = AiTask::kChat) {
  GoogleDecoder decoder(task, "call");
  return ai::hear(decoder, answer);
}

}  // namespace

TEST_CASE("a stream of Gemini's is the same, wherever its bytes are cut", "[REQ-058][REQ-071]") {
  for (size_t step = 1; step < 60; ++step) {
    const Heard heard = hear({.body = kStream, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.reasoning == "well");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.usage.input == 8);
    CHECK(heard.usage.cache_read == 4);
    CHECK(heard.usage.output == 3);
    CHECK(heard.usage.reasoning == 5);
  }
}

TEST_CASE("calls of tools are whole, and make the reason", "[REQ-058]") {
  const Heard heard = hear({.body = frame(R"({"functionCall":{"name":"look","args":{"at":1}}},)"
                                          R"({"functionCall":{"id":"x","name":"ask"}})",
                                          R"("finishReason":"STOP")")});
  CHECK(heard.calls == std::vector<std::string>{R"(call-0 look {"at":1})", "x ask {}"});
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
}

TEST_CASE("an answer of Gemini's in one piece says the same", "[REQ-058]") {
  const Heard heard = hear({.body = R"({"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"MAX_TOKENS"}]})",
                            .type = "application/json; charset=UTF-8"});
  CHECK(heard.text == "hi");
  CHECK(heard.finished->reason == AiFinish::kLength);
  const Heard blocked =
      hear({.body = R"({"promptFeedback":{"blockReason":"SAFETY"}})", .type = "application/json"});
  CHECK(blocked.finished->reason == AiFinish::kContentFilter);
  CHECK(hear({.body = R"({"candidates":[]})", .type = "application/json"}).failure);
}

TEST_CASE("a stream without a reason has broken off", "[REQ-071]") {
  const Heard broken = hear({.body = frame(R"({"text":"a"})")});
  REQUIRE(broken.failure);
  CHECK(broken.text == "a");
  CHECK(broken.failure->message == "the answer broke off");
  CHECK(hear({.body = frame(R"({"text":"a"})") + "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n"})
            .failure->message == "busy");
}

TEST_CASE("refusals of Google's say when, and what is used up, in their bodies", "[REQ-058][REQ-064]") {
  const auto failure = [](int status, const std::string& name, const std::string& details = "") {
    const Heard heard = hear({.body = R"({"error":{"code":)" + std::to_string(status) + R"(,"message":"so","status":")" +
                                      name + R"(","details":[)" + details + "]}}",
                              .type = "application/json",
                              .status = status});
    REQUIRE(heard.failure);
    CHECK(heard.failure->message == "so");
    return *heard.failure;
  };
  const std::string retry = R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"})";
  const auto quota = [](const std::string& id) {
    return R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"m","quotaId":")" + id +
           "\"}]}";
  };
  const AiFailure minute = failure(429, "RESOURCE_EXHAUSTED", quota("RequestsPerMinute") + "," + retry);
  CHECK(minute.kind == AiFailureKind::kThrottled);
  CHECK(minute.retry_after_ms == 34'070);
  CHECK(failure(429, "RESOURCE_EXHAUSTED", quota("GenerateRequestsPerDayPerProject")).kind == AiFailureKind::kQuota);
  CHECK(failure(400, "INVALID_ARGUMENT").kind == AiFailureKind::kCaller);
  CHECK(failure(400, "INVALID_ARGUMENT", R"({"reason":"API_KEY_INVALID"})").kind == AiFailureKind::kKey);
  CHECK(failure(403, "PERMISSION_DENIED").kind == AiFailureKind::kKey);
  CHECK(failure(404, "NOT_FOUND").kind == AiFailureKind::kCaller);
  CHECK(failure(500, "INTERNAL").kind == AiFailureKind::kTransient);
  CHECK(failure(503, "UNAVAILABLE").kind == AiFailureKind::kTransient);
  const Heard listed = hear({.body = R"([{"error":{"message":"in a list","status":"INTERNAL"}}])",
                             .type = "application/json",
                             .status = 500});
  CHECK(listed.failure->message == "in a list");
}

TEST_CASE("embeddings of Gemini's come as numbers", "[REQ-058]") {
  const auto vectors = [](const std::string& body) {
    return hear({.body = body, .type = "application/json"}, AiTask::kEmbed);
  };
  const Heard heard = vectors(R"({"embeddings":[{"values":[1,-2.5]},{"values":[0.5]}]})");
  REQUIRE(heard.embeddings.size() == 2);
  CHECK(heard.embeddings[0].vector == std::vector<float>{1.0F, -2.5F});
  CHECK(heard.embeddings[1].index == 1);
  CHECK(heard.finished);
  for (const char* bad : {"{}", R"({"embeddings":[]})", R"({"embeddings":[{"values":["x"]}]})", R"({"embeddings":[{}]})"}) {
    CHECK(vectors(bad).failure);
  }
}

TEST_CASE("no stream of Gemini's, however damaged, does more than fail", "[REQ-071]") {
  std::mt19937_64 random(13);
  for (int i = 0; i < 3000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : "text/event-stream",
                .step = random() % 40 + 1});
  }
}
