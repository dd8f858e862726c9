#include "components/anthropic/anthropic_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;

namespace {

std::string event(const std::string& type, const std::string& members) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + (members.empty() ? "" : "," + members) + "}\n\n";
}

std::string delta(int index, const std::string& change) {
  return event("content_block_delta", R"("index":)" + std::to_string(index) + R"(,"delta":)" + change);
}

const std::string kStart = event(
    "message_start",
    R"("message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,)"
    R"("usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":4,)"
    R"("cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":2},"output_tokens":1}})");
const std::string kText = event("content_block_start", R"("index":0,"content_block":{"type":"text","text":""})") +
                          event("ping", "") + delta(0, R"({"type":"text_delta","text":"He said \"h\u00e9"})") +
                          delta(0, R"({"type":"text_delta","text":"llo\""})") +
                          event("content_block_stop", R"("index":0)");
const std::string kTool =
    event("content_block_start", R"("index":1,"content_block":{"type":"tool_use","id":"t1","name":"look","input":{}})") +
    delta(1, R"({"type":"input_json_delta","partial_json":""})") +
    delta(1, R"({"type":"input_json_delta","partial_json":"{\"at\":"})") +
    delta(1, R"({"type":"input_json_delta","partial_json":"1}"})") + event("content_block_stop", R"("index":1)");
const std::string kEnd = event("message_delta", R"("delta":{"stop_reason":"tool_use","stop_sequence":null},)"
                                                R"("usage":{"output_tokens":30,)"
                                                R"("output_tokens_details":{"thinking_tokens":12}})") +
                         event("message_stop", "");
const std::string kStream = kStart + kText + kTool + kEnd;

Heard hear(const ai::Answer& answer) {
  AnthropicDecoder decoder;
  return ai::hear(decoder, answer);
}

}  // namespace

TEST_CASE("a stream of messages is the same, wherever its bytes are cut", "[REQ-057][REQ-071]") {
  for (size_t step = 1; step < 60; ++step) {
    const Heard heard = hear({.body = kStream, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.calls == std::vector<std::string>{R"(t1 look {"at":1})"});
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kToolCalls);
    CHECK(heard.usage.input == 10);
    CHECK(heard.usage.cache_read == 4);
    CHECK(heard.usage.cache_write_5m == 5);
    CHECK(heard.usage.cache_write_1h == 2);
    CHECK(heard.usage.output == 18);
    CHECK(heard.usage.reasoning == 12);
  }
}

TEST_CASE("an answer in one piece says the same as a stream", "[REQ-057]") {
  const Heard heard = hear({.body = R"({"id":"msg_1","type":"message","role":"assistant","content":[
      {"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"hi"},
      {"type":"tool_use","id":"t1","name":"look","input":{"at": 1}}],"stop_reason":"max_tokens",
      "usage":{"input_tokens":3,"cache_creation_input_tokens":2,"output_tokens":4}})",
                            .type = "application/json"});
  CHECK(heard.reasoning == "hm");
  CHECK(heard.text == "hi");
  CHECK(heard.calls == std::vector<std::string>{R"(t1 look {"at": 1})"});
  CHECK(heard.usage.cache_write_5m == 2);
  CHECK(heard.usage.output == 4);
  CHECK(heard.finished->reason == AiFinish::kLength);
}

TEST_CASE("thoughts are no part of the answer") {
  const Heard heard = hear({.body = kStart + event("content_block_start",
                                                   R"("index":0,"content_block":{"type":"thinking","thinking":""})") +
                                    delta(0, R"({"type":"thinking_delta","thinking":"well"})") +
                                    delta(0, R"({"type":"signature_delta","signature":"s"})") + kTool + kEnd});
  CHECK(heard.text.empty());
  CHECK(heard.reasoning == "well");
  CHECK(heard.calls.size() == 1);
}

TEST_CASE("a stream that breaks off has failed, and keeps what came", "[REQ-071]") {
  const Heard broken = hear({.body = kStart + kText});
  REQUIRE(broken.failure);
  CHECK(broken.failure->kind == AiFailureKind::kTransient);
  CHECK(broken.text == "He said \"h\u00e9llo\"");
  CHECK(broken.usage.input == 10);
  CHECK(hear({.body = kStart + kText + event("message_stop", "")}).failure);
  CHECK(hear({.body = "{}", .type = "application/json"}).failure);
}

TEST_CASE("an error in the middle of a 200 is one, and nothing comes behind it", "[REQ-057][REQ-071]") {
  const Heard heard =
      hear({.body = kStart + event("error", R"("error":{"type":"overloaded_error","message":"Overloaded"})") + kText + kEnd});
  REQUIRE(heard.failure);
  CHECK(heard.failure->kind == AiFailureKind::kThrottled);
  CHECK(heard.failure->message == "Overloaded");
  CHECK(heard.text.empty());
  CHECK(hear({.body = "event: message_start\ndata: oops\n\n"}).failure->message.find("no JSON: oops") != std::string::npos);
}

TEST_CASE("refusals are told by who has to do something", "[REQ-057][REQ-066]") {
  const auto failure = [](int status, const std::string& type, const std::string& more = "") {
    const Heard heard = hear({.body = R"({"type":"error","error":{"type":")" + type + R"(","message":"so")" + more +
                                      R"(},"request_id":"r"})",
                              .type = "application/json",
                              .status = status,
                              .headers = {{"retry-after", "4"}}});
    REQUIRE(heard.failure);
    CHECK(heard.failure->message == "so");
    CHECK(heard.failure->status == status);
    CHECK(heard.failure->retry_after_ms == 4000);
    return heard.failure->kind;
  };
  CHECK(failure(400, "invalid_request_error") == AiFailureKind::kCaller);
  CHECK(failure(401, "authentication_error") == AiFailureKind::kKey);
  CHECK(failure(402, "billing_error") == AiFailureKind::kQuota);
  CHECK(failure(403, "permission_error") == AiFailureKind::kKey);
  CHECK(failure(404, "not_found_error") == AiFailureKind::kCaller);
  CHECK(failure(413, "request_too_large") == AiFailureKind::kCaller);
  CHECK(failure(429, "rate_limit_error") == AiFailureKind::kThrottled);
  CHECK(failure(429, "rate_limit_error", R"(,"error_code":"contract_spend_limit_reached")") == AiFailureKind::kQuota);
  CHECK(failure(500, "api_error") == AiFailureKind::kTransient);
  CHECK(failure(504, "timeout_error") == AiFailureKind::kTransient);
  CHECK(failure(529, "overloaded_error") == AiFailureKind::kThrottled);
}

TEST_CASE("no stream of messages, however damaged, does more than fail", "[REQ-071]") {
  std::mt19937_64 random(12);
  for (int i = 0; i < 3000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : "text/event-stream",
                .step = random() % 40 + 1});
  }
}

TEST_CASE("an error that is the whole answer is a refusal, unless it says what it took", "[REQ-057]") {
  const std::string error = R"("error":{"type":"api_error","message":"oh"})";
  const Heard refused = hear({.body = R"({"type":"error",)" + error + "}", .type = "application/json"});
  REQUIRE(refused.failure);
  CHECK(refused.failure->refused);
  const Heard paid = hear({.body = R"({"type":"error","usage":{"input_tokens":9,"output_tokens":5},)" + error + "}",
                           .type = "application/json"});
  REQUIRE(paid.failure);
  CHECK_FALSE(paid.failure->refused);
  CHECK(paid.usage.output == 5);
}
