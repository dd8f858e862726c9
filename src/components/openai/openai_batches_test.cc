#include "components/openai/openai_batches.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/batch_format.h"
#include "components/openai/openai_chat.h"

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here/v1", "sk-secret", {{"OpenAI-Project", "p"}}};
const OpenAiBatches kBatches{"/v1/chat/completions"};

AiBatchTurn read(AiBatchStep step, const std::string& body, int status = 200, std::string mark = "c0ffee") {
  AiBatchPlace at;
  at.step = step;
  at.file = "file-1";
  at.batch = step == AiBatchStep::kWait || step == AiBatchStep::kFetch ? "batch_1" : "";
  if (step == AiBatchStep::kFetch) at.results = {"file-2", "file-3"};
  return kBatches.read(at, {AiTask::kChat, std::move(mark), {}}, ai::json_head(status), body);
}

AiBatchPlace place(const AiBatchTurn& turn) {
  if (const auto* failure = std::get_if<AiFailure>(&turn)) FAIL(failure->message);
  REQUIRE(std::holds_alternative<AiBatchPlace>(turn));
  return std::get<AiBatchPlace>(turn);
}

}  // namespace

TEST_CASE("requests go up as a file, a line each", "[REQ-089]") {
  const std::vector<AiBatchCall> calls = {{"a1", R"({"model":"m","n":1})"}, {"b2", R"({"model":"m"})"}};
  const AiHttpRequest http = kBatches.encode(kBatches.first(), {AiTask::kChat, "c0ffee", calls}, kAccess);
  CHECK(http.method == "POST");
  CHECK(http.url == "http://here/v1/files");
  const std::vector<std::pair<std::string, std::string>> headers{
      {"Authorization", "Bearer sk-secret"},
      {"Content-Type", "multipart/form-data; boundary=colloquium-c0ffee"},
      {"OpenAI-Project", "p"}};
  CHECK(http.headers == headers);
  CHECK(http.body ==
        "--colloquium-c0ffee\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
        "--colloquium-c0ffee\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c0ffee.jsonl\"\r\n"
        "Content-Type: application/jsonl\r\n\r\n"
        "{\"custom_id\":\"a1\",\"method\":\"POST\",\"url\":\"/v1/chat/"
        "completions\",\"body\":{\"model\":\"m\",\"n\":1}}\n"
        "{\"custom_id\":\"b2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"}}\n"
        "\r\n--colloquium-c0ffee--\r\n");
}

TEST_CASE("a request is one line of the file, as it was written", "[REQ-089]") {
  const std::vector<AiBatchCall> calls = {{"a1", "{\"text\": \"a\\nb\",\n \"n\": 1e400}"}};
  const AiHttpRequest http = kBatches.encode(kBatches.first(), {AiTask::kChat, "c0ffee", calls}, kAccess);
  CHECK(http.body.find("\"body\":{\"text\": \"a\\nb\",  \"n\": 1e400}}\n\r\n--") != std::string::npos);
}

TEST_CASE("a batch is made of the file, named by its mark, and looked after", "[REQ-089]") {
  const AiBatchSending embeds{AiTask::kEmbed, "c0ffee", {}};
  AiBatchPlace at = place(read(AiBatchStep::kUpload, R"({"id":"file-1","object":"file"})"));
  CHECK(at == AiBatchPlace{AiBatchStep::kCreate, "file-1", {}, {}});
  AiHttpRequest http = kBatches.encode(at, embeds, kAccess);
  CHECK(http.url == "http://here/v1/batches");
  CHECK(Json::parse(http.body) == Json::parse(R"({"input_file_id":"file-1","endpoint":"/v1/embeddings",
    "completion_window":"24h","metadata":{"colloquium":"c0ffee"}})"));
  at = place(read(AiBatchStep::kCreate, R"({"id":"batch_1","status":"validating"})"));
  CHECK(at == AiBatchPlace{AiBatchStep::kWait, "file-1", "batch_1", {}});
  http = kBatches.encode(at, embeds, kAccess);
  CHECK(http.method == "GET");
  CHECK(http.url == "http://here/v1/batches/batch_1");
  CHECK(http.headers.front().second == "Bearer sk-secret");
  for (const char* status : {"validating", "in_progress", "finalizing", "cancelling", "something new"}) {
    CHECK(std::holds_alternative<AiBatchWaits>(
        read(AiBatchStep::kWait, R"({"id":"batch_1","status":")" + std::string(status) + "\"}")));
  }
}

TEST_CASE("both files of answers are fetched, those that there are", "[REQ-089]") {
  AiBatchPlace at =
      place(read(AiBatchStep::kWait,
                 R"({"id":"batch_1","status":"completed","output_file_id":"file-2","error_file_id":"file-3"})"));
  CHECK(at == AiBatchPlace{AiBatchStep::kFetch, "file-1", "batch_1", {"file-2", "file-3"}});
  CHECK(kBatches.encode(at, {}, kAccess).url == "http://here/v1/files/file-2/content");
  at = place(read(AiBatchStep::kFetch, ""));
  CHECK(at.step == AiBatchStep::kFetch);
  CHECK(at.results == std::vector<std::string>{"file-3"});
  CHECK(place(kBatches.read(at, {}, ai::json_head(200), "")).step == AiBatchStep::kEnd);
  at = place(read(AiBatchStep::kWait, R"({"status":"expired","error_file_id":"file-3","output_file_id":null})"));
  CHECK(at.results == std::vector<std::string>{"file-3"});
  CHECK(place(read(AiBatchStep::kWait, R"({"status":"cancelled"})")).step == AiBatchStep::kEnd);
}

TEST_CASE("a batch that failed as a whole says why", "[REQ-089]") {
  const AiBatchTurn turn = read(AiBatchStep::kWait, R"({"status":"failed","errors":{"object":"list","data":[
    {"code":"invalid_json_line","message":"line 1 is no JSON"},{"message":"line 2 neither"}]}})");
  REQUIRE(std::holds_alternative<AiBatchRefused>(turn));
  CHECK(std::get<AiBatchRefused>(turn).failure.message == "line 1 is no JSON; line 2 neither");
  CHECK(std::get<AiBatchRefused>(turn).failure.kind == AiFailureKind::kCaller);
  const auto kind = [](const std::string& code) {
    const AiBatchTurn failed = read(AiBatchStep::kWait, R"({"status":"failed","errors":{"data":[{"code":")" +
                                                            code + R"(","message":"no"}]}})");
    return std::get<AiBatchRefused>(failed).failure.kind;
  };
  CHECK(kind("token_limit_exceeded") == AiFailureKind::kThrottled);
  CHECK(kind("billing_hard_limit_reached") == AiFailureKind::kQuota);
  CHECK(kind("mismatched_model") == AiFailureKind::kCaller);
  CHECK(kind("something new") == AiFailureKind::kTransient);
}

TEST_CASE("a batch is found by its mark", "[REQ-070]") {
  CHECK(kBatches.encode({AiBatchStep::kFind, "file-1", {}, {}}, {}, kAccess).url ==
        "http://here/v1/batches?limit=100");
  const std::string list = R"({"object":"list","data":[{"id":"batch_9","metadata":null},
    {"id":"batch_7","metadata":{"colloquium":"c0ffee"}}]})";
  CHECK(place(read(AiBatchStep::kFind, list)) == AiBatchPlace{AiBatchStep::kWait, "file-1", "batch_7", {}});
  CHECK(place(read(AiBatchStep::kFind, list, 200, "deadbeef")).step == AiBatchStep::kCreate);
  // Page by page.
  const std::string page = R"({"data":[{"id":"batch_9"}],"has_more":true,"last_id":"batch_9"})";
  const AiBatchPlace next = place(read(AiBatchStep::kFind, page));
  CHECK(next.step == AiBatchStep::kFind);
  CHECK(kBatches.encode(next, {}, kAccess).url == "http://here/v1/batches?limit=100&after=batch_9");
  const AiBatchPlace found = place(kBatches.read(next, {AiTask::kChat, "c0ffee", {}}, ai::json_head(200), list));
  CHECK(found == AiBatchPlace{AiBatchStep::kWait, "file-1", "batch_7", {}});
}

TEST_CASE("a list of batches that goes on is not said to be without it", "[REQ-070]") {
  const auto look = [](const std::string& after, const std::string& body) {
    AiBatchPlace at{AiBatchStep::kFind, "file-1", {}, {}};
    if (!after.empty()) at.results = {after};
    return kBatches.read(at, {AiTask::kChat, "c0ffee", {}}, ai::json_head(200), body);
  };
  const std::string page = R"({"data":[{"id":"batch_9"},{"id":"batch_8"}],"has_more":true)";
  // As the official SDKs do.
  CHECK(place(look("", page + "}")).results == std::vector<std::string>{"batch_8"});
  CHECK(place(look("batch_9", page + R"(,"last_id":"batch_8"})")).step == AiBatchStep::kFind);
  // A server that does not know `after` says the same again, and one of these says nothing to go on with.
  CHECK(std::holds_alternative<AiFailure>(look("batch_8", page + R"(,"last_id":"batch_8"})")));
  CHECK(std::holds_alternative<AiFailure>(look("", page + R"(,"last_id":"../x"})")));
  CHECK(std::holds_alternative<AiFailure>(look("", R"({"data":[],"has_more":true})")));
  CHECK(place(look("batch_8", R"({"data":[],"has_more":false,"last_id":null})")).step == AiBatchStep::kCreate);
  const std::string found = R"({"data":[{"id":"batch_7","metadata":{"colloquium":"c0ffee"}}],"has_more":true})";
  CHECK(place(look("batch_7", found)) == AiBatchPlace{AiBatchStep::kWait, "file-1", "batch_7", {}});
}

TEST_CASE("an error of the service's own is told from one of what stands in front of it", "[REQ-070]") {
  CHECK(kBatches.is_own_error(R"({"error":{"message":"overloaded","type":"server_error","code":null}})"));
  for (const char* body : {"", "upstream connect error or disconnect/reset before headers", "{}",
                           R"({"error":"no healthy upstream"})", R"({"error":null})", R"({"message":"down"})",
                           R"({"error":{"message":"down"}})"}) {
    INFO(body);
    CHECK_FALSE(kBatches.is_own_error(body));
  }
}

TEST_CASE("a line that is too long to be read says whose it is", "[REQ-070]") {
  CHECK(kBatches.result_of(R"({"id": "batch_req_1", "custom_id": "a1", "response": {"status_code": 200, "bo)") ==
        "a1");
  CHECK(kBatches.result_of(R"({"custom_id":"a1","response":{)") == "a1");
  for (const char* line : {"", "x", R"({"custom_id)", R"({"custom_id":)", R"({"custom_id":7,"a":"b")",
                           R"({"custom_id":"a)", R"({"id":"a"})"}) {
    INFO(line);
    CHECK(kBatches.result_of(line).empty());
  }
}

TEST_CASE("what a server says that makes no sense is asked again", "[REQ-089]") {
  for (const AiBatchStep step :
       {AiBatchStep::kUpload, AiBatchStep::kCreate, AiBatchStep::kFind, AiBatchStep::kWait}) {
    for (const char* body :
         {"", "<html>", "[]", "{}", R"({"id":7,"data":{},"status":1})", R"({"id":"../../admin"})"}) {
      INFO(body);
      const AiBatchTurn turn = read(step, body);
      REQUIRE(std::holds_alternative<AiFailure>(turn));
      CHECK(std::get<AiFailure>(turn).kind == AiFailureKind::kTransient);
    }
  }
  CHECK(std::holds_alternative<AiFailure>(
      read(AiBatchStep::kWait, R"({"status":"completed","output_file_id":"../x"})")));
  CHECK(std::get<AiFailure>(read(AiBatchStep::kWait, R"({"error":{"message":"gone"}})", 404)).kind ==
        AiFailureKind::kCaller);
  CHECK(std::get<AiFailure>(read(AiBatchStep::kWait, "", 401)).kind == AiFailureKind::kKey);
}

TEST_CASE("a line of results is an answer of its own", "[REQ-089]") {
  const auto good = kBatches.result(R"({"id":"batch_req_1","custom_id":"a1","response":{"status_code":200,
    "request_id":"r","body":{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":3,"completion_tokens":1}}},"error":null})");
  REQUIRE(good);
  CHECK(good->id == "a1");
  std::string text;
  bool finished = false;
  std::optional<AiFailure> failure;
  const auto take = [&](const AiOutput& output) {
    if (const auto* delta = std::get_if<AiTextDelta>(&output)) text += delta->text;
    if (const auto* failed = std::get_if<AiFailure>(&output)) failure = *failed;
    finished = finished || std::holds_alternative<AiFinished>(output);
  };
  const auto decode = [&](const AiBatchResult& result) {
    failure.reset();
    const auto decoder = OpenAiChat().decoder({});
    decoder->head(result.head, take);
    decoder->bytes(result.body, take);
    decoder->end(take);
  };
  decode(*good);
  CHECK(text == "Hi");
  CHECK(finished);
  const auto bad = kBatches.result(R"({"custom_id":"b2","response":{"status_code":400,"body":{"error":{
    "message":"too long","code":"context_length_exceeded"}}},"error":null})");
  REQUIRE(bad);
  decode(*bad);
  REQUIRE(failure);
  CHECK(failure->kind == AiFailureKind::kCaller);
  const auto late = kBatches.result(R"({"custom_id":"c3","response":null,"error":{"code":"batch_expired",
    "message":"not in time"}})");
  REQUIRE(late);
  decode(*late);
  REQUIRE(failure);
  CHECK(failure->kind == AiFailureKind::kTransient);
  CHECK(failure->message == "not in time");
  const auto null = kBatches.result(R"({"custom_id":"c3","response":{"status_code":0,"body":null},
    "error":{"code":"batch_expired","message":"nor that"}})");
  REQUIRE(null);
  decode(*null);
  CHECK(failure->message == "nor that");
  for (const char* line : {"", "x", "{}", R"({"custom_id":"a"})", R"({"custom_id":1,"response":{"body":{}}})",
                           R"({"custom_id":"a","response":null,"error":null})",
                           R"({"custom_id":"a","response":{"status_code":200},"error":null})"}) {
    CHECK_FALSE(kBatches.result(line));
  }
}
