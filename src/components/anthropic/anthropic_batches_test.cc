#include "components/anthropic/anthropic_batches.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/batch_format.h"
#include "components/anthropic/anthropic_messages.h"

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here", "secret", {}};
const AnthropicBatches kBatches{anthropic_2023()};

AiBatchTurn read(AiBatchStep step, const std::string& body, int status = 200) {
  AiBatchPlace at;
  at.step = step;
  if (step != AiBatchStep::kCreate) at.batch = "msgbatch_1";
  return kBatches.read(at, {}, ai::json_head(status), body);
}

AiBatchPlace place(const AiBatchTurn& turn) {
  REQUIRE(std::holds_alternative<AiBatchPlace>(turn));
  return std::get<AiBatchPlace>(turn);
}

}  // namespace

TEST_CASE("a batch of messages is made of all its requests", "[REQ-089]") {
  const std::vector<AiBatchCall> calls = {{"a1", R"({"model":"m","max_tokens":1})"}, {"b2", R"({"model":"m"})"}};
  CHECK(kBatches.first().step == AiBatchStep::kCreate);
  const AiHttpRequest http = kBatches.encode(kBatches.first(), {AiTask::kChat, "c0ffee", calls}, kAccess);
  CHECK(http.method == "POST");
  CHECK(http.url == "http://here/v1/messages/batches");
  CHECK(Json::parse(http.body) ==
        Json::parse(R"({"requests":[{"custom_id":"a1","params":{"model":"m","max_tokens":1}},
    {"custom_id":"b2","params":{"model":"m"}}]})"));
  const std::vector<std::pair<std::string, std::string>> headers{
      {"Content-Type", "application/json"}, {"anthropic-version", "2023-06-01"}, {"x-api-key", "secret"}};
  CHECK(http.headers == headers);
  const AnthropicBatches newer(anthropic_2026());
  const AiHttpRequest get = newer.encode({AiBatchStep::kWait, {}, "msgbatch_1", {}}, {}, kAccess);
  CHECK(get.headers.back() == std::pair<std::string, std::string>{"Authorization", "Bearer secret"});
}

TEST_CASE("it is looked after until it has ended, and its results are fetched from where it is", "[REQ-089]") {
  CHECK(place(read(AiBatchStep::kCreate, R"({"id":"msgbatch_1","processing_status":"in_progress"})")) ==
        AiBatchPlace{AiBatchStep::kWait, {}, "msgbatch_1", {}});
  for (const char* status : {"in_progress", "canceling"}) {
    CHECK(std::holds_alternative<AiBatchWaits>(
        read(AiBatchStep::kWait, R"({"id":"msgbatch_1","processing_status":")" + std::string(status) + "\"}")));
  }
  const AiBatchPlace ended = place(read(AiBatchStep::kWait,
                                        R"({"id":"msgbatch_1","processing_status":"ended",
                                        "results_url":"http://elsewhere/steal"})"));
  CHECK(ended.step == AiBatchStep::kFetch);
  CHECK(kBatches.encode(ended, {}, kAccess).url == "http://here/v1/messages/batches/msgbatch_1/results");
  CHECK(place(read(AiBatchStep::kFetch, "")).step == AiBatchStep::kEnd);
}

TEST_CASE("what makes no sense is asked again, and a refusal is what it says", "[REQ-089]") {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"id":7})", R"({"id":"../../admin"})"}) {
    for (const AiBatchStep step : {AiBatchStep::kCreate, AiBatchStep::kWait}) {
      const AiBatchTurn turn = read(step, body);
      REQUIRE(std::holds_alternative<AiFailure>(turn));
      CHECK(std::get<AiFailure>(turn).kind == AiFailureKind::kTransient);
    }
  }
  const AiBatchTurn refused =
      read(AiBatchStep::kCreate,
           R"({"type":"error","error":{"type":"authentication_error","message":"who are you?"}})", 401);
  REQUIRE(std::holds_alternative<AiFailure>(refused));
  CHECK(std::get<AiFailure>(refused).kind == AiFailureKind::kKey);
  CHECK(std::get<AiFailure>(refused).message == "who are you?");
}

TEST_CASE("a line of results is an answer of its own", "[REQ-089]") {
  std::string text;
  std::optional<AiFailure> failure;
  const auto decode = [&](std::string_view line) {
    const auto result = kBatches.result(line);
    if (!result) FAIL(result.error().message);
    failure.reset();
    text.clear();
    const auto take = [&](const AiOutput& output) {
      if (const auto* delta = std::get_if<AiTextDelta>(&output)) text += delta->text;
      if (const auto* failed = std::get_if<AiFailure>(&output)) failure = *failed;
    };
    const auto decoder = AnthropicMessages(anthropic_2023()).decoder({});
    decoder->head(result->head, take);
    decoder->bytes(result->body, take);
    decoder->end(take);
    return result->id;
  };
  CHECK(decode(R"({"custom_id":"a1","result":{"type":"succeeded","message":{"type":"message","role":"assistant",
    "content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}}})") ==
        "a1");
  CHECK(text == "Hi");
  CHECK_FALSE(failure);
  decode(R"({"custom_id":"b2","result":{"type":"errored","error":{"type":"error","error":{
    "type":"invalid_request_error","message":"too long"}}}})");
  REQUIRE(failure);
  CHECK(failure->kind == AiFailureKind::kCaller);
  CHECK(failure->message == "too long");
  for (const char* type : {"expired", "canceled"}) {
    decode(R"({"custom_id":"c3","result":{"type":")" + std::string(type) + "\"}}");
    REQUIRE(failure);
    CHECK(failure->kind == AiFailureKind::kTransient);
    CHECK(failure->message == "its batch ended without it: " + std::string(type));
  }
  for (const char* line : {"", "x", "{}", R"({"custom_id":"a"})", R"({"custom_id":1,"result":{"type":"expired"}})",
                           // It may be paid.
                           R"({"custom_id":"a","result":{"type":"succeeded"}})"}) {
    CHECK_FALSE(kBatches.result(line));
  }
  CHECK(kBatches.result_of(R"({"custom_id":"a1","result":{"type":"succeeded","mess)") == "a1");
}

TEST_CASE("an error of the service's own is told from one of what stands in front of it", "[REQ-070]") {
  CHECK(kBatches.is_own_error(R"({"type":"error","error":{"type":"api_error","message":"down"}})"));
  for (const char* body : {"", "no healthy upstream", "{}", R"({"error":{"type":"api_error"}})",
                           R"({"type":"error"})", R"({"type":"error","error":"down"})"}) {
    INFO(body);
    CHECK_FALSE(kBatches.is_own_error(body));
  }
}
