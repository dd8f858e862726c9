#include "components/bedrock/bedrock_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"
#include "net/aws_event_stream.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;
using namespace std::string_literals;

namespace {

constexpr char kStreams[] = "application/vnd.amazon.eventstream";

std::string framed(std::vector<net::AwsHeader> headers, std::string_view payload) {
  std::string out;
  REQUIRE(net::append_aws_message(out, headers, payload));
  return out;
}

std::string event(std::string_view type, std::string_view payload) {
  return framed({{":event-type", type},
                 {":content-type", std::string_view("application/json")},
                 {":message-type", std::string_view("event")}},
                payload);
}

std::string text(const std::string& words) {
  return event("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"text":")" + words + "\"}}");
}

const std::string& stream() {
  static const std::string all =
      event("messageStart", R"({"role":"assistant"})") +
      event("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"well"}}})") +
      event("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"x"}}})") +
      text("He said \\\"h\\u00e9") + text("llo\\\"") + event("contentBlockStop", R"({"contentBlockIndex":0})") +
      event("messageStop", R"({"stopReason":"end_turn"})") +
      event("metadata", R"({"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":22,"cacheReadInputTokens":4,)"
                        R"("cacheWriteInputTokens":6,"cacheDetails":[{"ttl":"5m","inputTokens":4},)"
                        R"({"ttl":"1h","inputTokens":2}]},"metrics":{"latencyMs":9}})");
  return all;
}

Heard hear(const ai::Answer& answer, AiTask task = AiTask::kChat) {
  BedrockDecoder decoder(task);
  return ai::hear(decoder, answer);
}

}  // namespace

TEST_CASE("a stream of Bedrock's is the same, wherever its bytes are cut", "[REQ-060][REQ-071]") {
  for (size_t step = 1; step < stream().size(); step += step < 200 ? 1 : 37) {
    const Heard heard = hear({.body = stream(), .type = kStreams, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.reasoning == "well");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.usage.input == 5);
    CHECK(heard.usage.output == 7);
    CHECK(heard.usage.cache_read == 4);
    CHECK(heard.usage.cache_write_5m == 4);
    CHECK(heard.usage.cache_write_1h == 2);
  }
}

TEST_CASE("calls of tools come in pieces, each with the number of its block", "[REQ-060]") {
  const auto begins = [](int block, const std::string& id, const std::string& name) {
    return event("contentBlockStart", "{\"contentBlockIndex\":" + std::to_string(block) +
                                          R"(,"start":{"toolUse":{"toolUseId":")" + id + R"(","name":")" + name +
                                          "\"}}}");
  };
  const auto input = [](int block, const std::string& part) {
    return event("contentBlockDelta", "{\"contentBlockIndex\":" + std::to_string(block) +
                                          R"(,"delta":{"toolUse":{"input":")" + part + "\"}}}");
  };
  const Heard heard =
      hear({.body = begins(1, "c0", "look") + input(1, "{\\\"at\\\":") + input(1, "1}") + begins(2, "c1", "ask") +
                    input(2, "{}") + input(9, "lost") + event("messageStop", R"({"stopReason":"tool_use"})"),
            .type = kStreams});
  CHECK(heard.calls == std::vector<std::string>{R"(c0 look {"at":1})", "c1 ask {}"});
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
}

TEST_CASE("an answer of Bedrock's in one piece says the same", "[REQ-060]") {
  const auto whole = [](const std::string& body) { return hear({.body = body, .type = "application/json"}); };
  const Heard heard = whole(R"({"output":{"message":{"role":"assistant","content":[
      {"reasoningContent":{"reasoningText":{"text":"hm"}}},{"text":"hi"},
      {"toolUse":{"toolUseId":"c","name":"n","input":{"a":1}}}]}},"stopReason":"tool_use",
      "usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":5}})");
  CHECK(heard.text == "hi");
  CHECK(heard.reasoning == "hm");
  CHECK(heard.calls == std::vector<std::string>{R"(c n {"a":1})"});
  CHECK(heard.usage.input == 3);
  CHECK_FALSE(heard.usage.cache_read);
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
  const auto reason = [&](const std::string& said) {
    return whole(R"({"stopReason":")" + said + "\"}").finished->reason;
  };
  CHECK(reason("stop_sequence") == AiFinish::kStop);
  CHECK(reason("max_tokens") == AiFinish::kLength);
  CHECK(reason("model_context_window_exceeded") == AiFinish::kLength);
  CHECK(reason("guardrail_intervened") == AiFinish::kContentFilter);
  CHECK(reason("malformed_tool_use") == AiFinish::kOther);
  CHECK(whole("{}").failure->message == "the answer does not say why it stopped");
  CHECK(hear({.body = "<html>", .type = "text/html"}).failure->message == "the answer is no JSON: <html>");
}

TEST_CASE("a stream of Bedrock's that breaks off has failed; one that has its reason has not", "[REQ-071]") {
  const Heard broken = hear({.body = text("a"), .type = kStreams});
  CHECK(broken.text == "a");
  CHECK(broken.failure->message == "the answer broke off");
  const std::string stop = event("messageStop", R"({"stopReason":"max_tokens"})");
  CHECK(hear({.body = text("a") + stop, .type = kStreams}).finished->reason == AiFinish::kLength);
  CHECK(hear({.body = text("a") + stop + "\0\0\0"s, .type = kStreams}).failure->message == "the answer broke off");
  CHECK(hear({.body = "", .type = kStreams}).failure->message == "the answer broke off");
  std::string bad = text("a");
  bad[bad.size() - 1] ^= 1;
  CHECK(hear({.body = bad, .type = kStreams}).failure->message.find("a piece of the answer can't be read: ") == 0);
  CHECK(hear({.body = event("metadata", "{oops"), .type = kStreams}).failure->message ==
        "a piece of the answer is no JSON: {oops");
}

TEST_CASE("exceptions in the middle of Bedrock's stream are told by who has to do something",
          "[REQ-060][REQ-071]") {
  const auto failure = [](const std::string& type, const std::string& payload = R"({"message":"so"})") {
    const Heard heard = hear({.body = text("a") +
                                      framed({{":exception-type", std::string_view(type)},
                                              {":message-type", std::string_view("exception")}},
                                             payload) +
                                      stream(),
                              .type = kStreams});
    CHECK(heard.text == "a");
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == 0);
    return *heard.failure;
  };
  CHECK(failure("throttlingException").kind == AiFailureKind::kThrottled);
  CHECK(failure("throttlingException").message == "so");
  CHECK(failure("validationException").kind == AiFailureKind::kCaller);
  CHECK(failure("modelStreamErrorException").kind == AiFailureKind::kTransient);
  CHECK(failure("internalServerException").kind == AiFailureKind::kTransient);
  CHECK(failure("somethingNew").kind == AiFailureKind::kTransient);
  CHECK(failure("throttlingException", "no json").message == "no json");
  CHECK(failure("throttlingException", "").message == "throttlingException");
  const Heard error = hear({.body = framed({{":message-type", std::string_view("error")},
                                            {":error-code", std::string_view("AccessDeniedException")},
                                            {":error-message", std::string_view("not yours")}},
                                           ""),
                            .type = kStreams});
  CHECK(error.failure->message == "not yours");
  CHECK(error.failure->kind == AiFailureKind::kKey);
}

TEST_CASE("refusals of Bedrock's are told by who has to do something", "[REQ-060][REQ-064]") {
  const auto failure = [](int status, const std::string& type, const std::string& body = R"({"message":"so"})") {
    const Heard heard = hear({.body = body,
                              .type = "application/json",
                              .status = status,
                              .step = 7,
                              .headers = {{"x-amzn-ErrorType", type}}});
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == status);
    return *heard.failure;
  };
  CHECK(failure(429, "ThrottlingException:http://internal.amazon.com/x/").kind == AiFailureKind::kThrottled);
  CHECK(failure(429, "ThrottlingException", R"({"message":"Too many tokens per day, please wait"})").kind ==
        AiFailureKind::kQuota);
  CHECK(failure(429, "ModelNotReadyException").kind == AiFailureKind::kThrottled);
  CHECK(failure(400, "ServiceQuotaExceededException").kind == AiFailureKind::kQuota);
  CHECK(failure(400, "ValidationException").kind == AiFailureKind::kCaller);
  CHECK(failure(403, "AccessDeniedException").kind == AiFailureKind::kKey);
  CHECK(failure(403, "UnrecognizedClientException").kind == AiFailureKind::kKey);
  CHECK(failure(400, "ExpiredTokenException").kind == AiFailureKind::kKey);
  CHECK(failure(404, "ResourceNotFoundException").kind == AiFailureKind::kCaller);
  CHECK(failure(408, "ModelTimeoutException").kind == AiFailureKind::kTransient);
  CHECK(failure(424, "ModelErrorException").kind == AiFailureKind::kTransient);
  CHECK(failure(500, "InternalServerException").kind == AiFailureKind::kTransient);
  CHECK(failure(503, "", R"({"Message":"busy"})").message == "busy");
  CHECK(failure(503, "").kind == AiFailureKind::kTransient);
  const Heard written =
      hear({.body = R"({"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"m"})",
            .type = "application/x-amz-json-1.1",
            .status = 400});
  CHECK(written.failure->kind == AiFailureKind::kKey);
}

TEST_CASE("embeddings of Bedrock's come in the shapes of their makers", "[REQ-060]") {
  const auto vectors = [](const std::string& body, const std::string& count = "") {
    return hear(
        {.body = body, .type = "application/json", .headers = {{"X-Amzn-Bedrock-Input-Token-Count", count}}},
        AiTask::kEmbed);
  };
  const Heard titan = vectors(R"({"embedding":[1,-2.5],"inputTextTokenCount":3})");
  REQUIRE(titan.embeddings.size() == 1);
  CHECK(titan.embeddings[0].vector == std::vector<float>{1.0F, -2.5F});
  CHECK(titan.usage.input == 3);
  CHECK(titan.finished);
  const Heard cohere = vectors(R"({"embeddings":[[1],[0.5]],"id":"x","texts":["a","b"]})", "8");
  CHECK(cohere.embeddings[1].index == 1);
  CHECK(cohere.usage.input == 8);
  CHECK(vectors(R"({"embeddings":{"float":[[1],[2]]}})").embeddings.size() == 2);
  CHECK_FALSE(vectors(R"({"embedding":[1]})", "many").usage.input);
  for (const char* bad : {"{}", R"({"embeddings":[]})", R"({"embeddings":[[]]})", R"({"embedding":["x"]})",
                          R"({"embedding":7})", R"({"embeddings":{"int8":[[1]]}})", "7"}) {
    CHECK(vectors(bad).failure);
  }
}

TEST_CASE("no stream of Bedrock's, however damaged, does more than fail", "[REQ-060][REQ-071]") {
  std::mt19937_64 random(29);
  for (int i = 0; i < 2000; ++i) {
    (void)hear({.body = ai::damaged(stream(), random),
                .type = i % 5 == 0 ? "application/json" : kStreams,
                .step = random() % 40 + 1});
  }
  // Its checksums make nearly all of those alike: what is inside of a good frame is damaged as well.
  for (int i = 0; i < 2000; ++i) {
    const std::string payload =
        ai::damaged(R"({"contentBlockIndex":0,"delta":{"text":"a"},"start":{"toolUse":{"toolUseId":"c"}},
        "stopReason":"end_turn","usage":{"inputTokens":3,"cacheDetails":[{"ttl":"1h","inputTokens":9}]}})",
                    random);
    std::string body;
    for (const char* type : {"contentBlockStart", "contentBlockDelta", "messageStop", "metadata"})
      body += event(type, payload);
    (void)hear({.body = body, .type = kStreams, .step = random() % 400 + 1});
  }
}
