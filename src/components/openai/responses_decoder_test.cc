#include "components/openai/responses_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;

namespace {

Heard hear(const ai::Answer& answer) {
  ResponsesDecoder decoder;
  return ai::hear(decoder, answer);
}

std::string event(const std::string& type, const std::string& members) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\",\"sequence_number\":1," + members + "}\n\n";
}

std::string response(const std::string& status,
                     const std::string& more = R"("error":null,"incomplete_details":null)") {
  return R"({"id":"resp_1","object":"response","status":")" + status + "\"," + more +
         R"(,"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},)"
         R"("output_tokens":7,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":17}})";
}

std::string text_delta(const std::string& text) {
  return event("response.output_text.delta",
               R"("item_id":"m","output_index":1,"content_index":0,"delta":")" + text + "\"");
}

const std::string kBegin =
    event("response.created", R"("response":{"id":"resp_1","status":"in_progress","error":null,"usage":null})") +
    event("response.in_progress", R"("response":{"id":"resp_1","status":"in_progress"})");
const std::string kDone = event("response.completed", "\"response\":" + response("completed"));
const std::string kStream =
    kBegin +
    event("response.output_item.added", R"("output_index":0,"item":{"id":"r","type":"reasoning","summary":[]})") +
    event("response.reasoning_summary_text.delta", R"("output_index":0,"delta":"well")") +
    event("response.output_item.added", R"("output_index":1,"item":{"id":"m","type":"message","content":[]})") +
    text_delta("He said \\\"h\\u00e9") + text_delta("llo\\\"") +
    event("response.output_text.done", R"("output_index":1,"text":"He said \"h\u00e9llo\"")") +
    event("response.output_item.done", R"("output_index":1,"item":{"type":"message"})") + kDone;

}  // namespace

TEST_CASE("a stream of typed events is the same, wherever its bytes are cut", "[REQ-056][REQ-071]") {
  for (size_t step = 1; step < 90; ++step) {
    const Heard heard = hear({.body = kStream, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.reasoning == "well");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.finished->said == "completed");
    CHECK(heard.usage.input == 5);
    CHECK(heard.usage.cache_read == 4);
    CHECK(heard.usage.cache_write_5m == 1);
    CHECK(heard.usage.output == 5);
    CHECK(heard.usage.reasoning == 2);
  }
  CHECK(hear({.body = kStream + "data: [DONE]\n\n"}).finished);
}

TEST_CASE("calls of functions come in deltas, or whole at their end", "[REQ-056]") {
  const auto added = [](int index, const std::string& id, const std::string& name) {
    return event("response.output_item.added", "\"output_index\":" + std::to_string(index) +
                                                   R"(,"item":{"type":"function_call","id":"fc","call_id":")" +
                                                   id + R"(","name":")" + name + R"(","arguments":""})");
  };
  const auto part = [](int index, const std::string& what, const std::string& key, const std::string& text) {
    return event("response.function_call_arguments." + what,
                 "\"output_index\":" + std::to_string(index) + ",\"" + key + "\":\"" + text + "\"");
  };
  const Heard heard =
      hear({.body = kBegin + added(0, "c0", "look") + added(2, "c1", "ask") +
                    part(0, "delta", "delta", "{\\\"at\\\":") + part(0, "delta", "delta", "1}") +
                    part(0, "done", "arguments", "{\\\"at\\\":1}") + part(2, "done", "arguments", "{}") +
                    part(7, "delta", "delta", "lost") + kDone});
  CHECK(heard.calls == std::vector<std::string>{R"(c0 look {"at":1})", "c1 ask {}"});
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
}

TEST_CASE("a response in one piece says the same", "[REQ-056]") {
  const Heard heard = hear({.body = response("completed", R"("error":null,"output":[
         {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
         {"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi ","annotations":[]},
           {"type":"refusal","refusal":"no"}]},
         {"type":"function_call","call_id":"c","name":"n","arguments":"{}"}])"),
                            .type = "application/json"});
  CHECK(heard.text == "hi no");
  CHECK(heard.reasoning == "hm");
  CHECK(heard.calls == std::vector<std::string>{"c n {}"});
  CHECK(heard.usage.input == 5);
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
  CHECK(hear({.body = "<html>", .type = "text/html"}).failure->message == "the answer is no JSON: <html>");
  CHECK(hear({.body = "{}", .type = "application/json"}).failure->message ==
        "the answer is not finished: it is ''");
  CHECK(hear({.body = response("queued"), .type = "application/json"}).failure);
}

TEST_CASE("a response that is incomplete says why", "[REQ-056]") {
  const auto reason = [](const std::string& why) {
    const Heard heard = hear(
        {.body = kBegin + text_delta("a") +
                 event("response.incomplete", "\"response\":" + response("incomplete", R"("error":null,)"
                                                                                       R"("incomplete_details":)" +
                                                                                           why))});
    CHECK(heard.text == "a");
    CHECK(heard.usage.output == 5);
    REQUIRE(heard.finished);
    return heard.finished->reason;
  };
  CHECK(reason(R"({"reason":"max_output_tokens"})") == AiFinish::kLength);
  CHECK(reason(R"({"reason":"content_filter"})") == AiFinish::kContentFilter);
  CHECK(reason("null") == AiFinish::kOther);
}

TEST_CASE("a response that fails has failed, by what it says, and so has one that breaks off", "[REQ-071]") {
  const auto failure = [](const std::string& code) {
    const Heard heard =
        hear({.body = kBegin + text_delta("a") +
                      event("response.failed", "\"response\":" + response("failed", R"("error":{"code":")" + code +
                                                                                        R"(","message":"so"})"))});
    CHECK(heard.text == "a");
    REQUIRE(heard.failure);
    CHECK(heard.failure->message == "so");
    CHECK(heard.failure->status == 0);
    return heard.failure->kind;
  };
  CHECK(failure("server_error") == AiFailureKind::kTransient);
  CHECK(failure("rate_limit_exceeded") == AiFailureKind::kThrottled);
  CHECK(failure("invalid_prompt") == AiFailureKind::kCaller);
  CHECK(failure("insufficient_quota") == AiFailureKind::kQuota);
  const Heard flat =
      hear({.body = event("error", R"("code":"server_error","message":"oh","param":null)") + kDone});
  CHECK(flat.failure->message == "oh");
  CHECK(flat.failure->kind == AiFailureKind::kTransient);
  const Heard nested =
      hear({.body = event("error", R"("error":{"type":"invalid_request_error","message":"oh"})")});
  CHECK(nested.failure->message == "oh");
  CHECK(nested.failure->kind == AiFailureKind::kCaller);
  const Heard broken = hear({.body = kBegin + text_delta("a")});
  CHECK(broken.failure->message == "the answer broke off");
  CHECK(hear({.body = kBegin + "data: [DONE]\n\n"}).failure->message == "the answer broke off");
  CHECK(hear({.body = "data: {oops\n\n" + kDone}).failure->message == "a piece of the answer is no JSON: {oops");
  const Heard refused = hear({.body = R"({"error":{"message":"no","code":"invalid_api_key"}})",
                              .type = "application/json",
                              .status = 401});
  CHECK(refused.failure->kind == AiFailureKind::kKey);
  CHECK(refused.failure->status == 401);
}

TEST_CASE("no stream of typed events, however damaged, does more than fail", "[REQ-071]") {
  std::mt19937_64 random(23);
  for (int i = 0; i < 3000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : "text/event-stream",
                .step = random() % 40 + 1});
  }
}
