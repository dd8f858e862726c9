#include "components/ollama/ollama_decoder.h"

#include <catch2/catch.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;

namespace {

constexpr char kLines[] = "application/x-ndjson";

std::string line(const std::string& message, const std::string& more = R"("done":false)") {
  return R"({"model":"m","created_at":"2026-11-01T00:00:00Z","message":{"role":"assistant",)" + message + "}," +
         more + "}\n";
}

const std::string kDone =
    R"("done":true,"done_reason":"stop","total_duration":9,"prompt_eval_count":26,"eval_count":11)";
const std::string kStream = line(R"("content":"","thinking":"well")") + line(R"("content":"He said \"h\u00e9")") +
                            "\r\n\n" + line(R"("content":"llo\"")") + line(R"("content":"")", kDone);

Heard hear(const ai::Answer& answer, AiTask task = AiTask::kChat) {
  OllamaDecoder decoder(task, "call");
  return ai::hear(decoder, answer);
}

}  // namespace

TEST_CASE("a stream of Ollama's is the same, wherever its bytes are cut", "[REQ-071]") {
  for (size_t step = 1; step < kStream.size(); ++step) {
    const Heard heard = hear({.body = kStream, .type = kLines, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.reasoning == "well");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.usage.input == 26);
    CHECK(heard.usage.output == 11);
  }
  // The last line may come without its end.
  CHECK(hear({.body = kStream.substr(0, kStream.size() - 1), .type = kLines}).finished);
  CHECK(
      hear({.body = kStream + line(R"("content":"late")"), .type = "application/x-ndjson; charset=utf-8"}).text ==
      "He said \"h\u00e9llo\"");
}

TEST_CASE("calls of tools are whole, and make the reason why it stopped") {
  const Heard calls =
      hear({.body = line(R"("content":"","tool_calls":[{"function":{"name":"look","arguments":{"at":1}}}])") +
                    line(R"("content":"","tool_calls":[{"id":"x","function":{"index":1,"name":"ask"}}])") +
                    line(R"("content":"")", kDone),
            .type = kLines});
  CHECK(calls.calls == std::vector<std::string>{R"(call-0 look {"at":1})", "x ask {}"});
  CHECK(calls.finished->reason == AiFinish::kToolCalls);
  CHECK(calls.finished->said == "stop");
}

TEST_CASE("an answer of Ollama's in one piece says the same, and counts of nothing are left out") {
  const Heard heard =
      hear({.body = line(R"("content":"hi")", R"("done":true,"done_reason":"length","eval_count":4)"),
            .type = "application/json; charset=utf-8"});
  CHECK(heard.text == "hi");
  CHECK(heard.finished->reason == AiFinish::kLength);
  CHECK(heard.usage.input == 0);
  CHECK(heard.usage.output == 4);
  // Servers before 0.1.35 did not say why.
  CHECK(hear({.body = R"({"done":true})", .type = kLines}).finished->reason == AiFinish::kStop);
  CHECK(hear({.body = R"({"done":true,"done_reason":"load"})", .type = kLines}).finished->reason ==
        AiFinish::kOther);
  const Heard half = hear({.body = line(R"("content":"hi")"), .type = "application/json"});
  CHECK(half.failure->message == "the answer does not say that it is done");
  CHECK(hear({.body = "<html>", .type = "text/html"}).failure->message == "the answer is no JSON: <html>");
}

TEST_CASE("a stream of Ollama's that ends early, or fails after a 200, has failed", "[REQ-071]") {
  const Heard broken = hear({.body = line(R"("content":"a")"), .type = kLines});
  CHECK(broken.text == "a");
  CHECK(broken.failure->message == "the answer broke off");
  CHECK(broken.failure->kind == AiFailureKind::kTransient);
  const Heard failed = hear(
      {.body = line(R"("content":"a")") + "{\"error\":\"the runner died\"}\n" + line(R"("content":"b")", kDone),
       .type = kLines});
  CHECK(failed.text == "a");
  CHECK(failed.failure->message == "the runner died");
  CHECK(failed.failure->status == 0);
  CHECK(hear({.body = line(R"("content":"a")") + "{oops\n", .type = kLines}).failure->message ==
        "a piece of the answer is no JSON: {oops");
  CHECK(hear({.body = "", .type = kLines}).failure->message == "the answer broke off");
  const Heard long_line = hear({.body = std::string(size_t{17} << 20, ' '), .type = kLines});
  CHECK(long_line.failure->message == "a piece of the answer is larger than 16 MiB");
}

TEST_CASE("refusals of Ollama's are told by who has to do something") {
  const auto failure = [](int status, const std::string& body) {
    const Heard heard = hear({.body = body,
                              .type = "application/json",
                              .status = status,
                              .step = 7,
                              .headers = {{"Retry-After", "2"}}});
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == status);
    CHECK(heard.failure->retry_after_ms == 2000);
    return *heard.failure;
  };
  CHECK(failure(400, R"({"error":"model is required"})").kind == AiFailureKind::kCaller);
  CHECK(failure(404, R"({"error":"model 'x' not found"})").message == "model 'x' not found");
  CHECK(failure(404, R"({"error":"model 'x' not found"})").kind == AiFailureKind::kCaller);
  CHECK(failure(401, R"({"error":{"message":"no key"}})").message == "no key");
  CHECK(failure(401, "").kind == AiFailureKind::kKey);
  CHECK(failure(429, "").kind == AiFailureKind::kThrottled);
  CHECK(failure(500, "boom").message == "boom");
  CHECK(failure(502, "").kind == AiFailureKind::kTransient);
}

TEST_CASE("embeddings of Ollama's come as numbers") {
  const auto vectors = [](const std::string& body) {
    return hear({.body = body, .type = "application/json"}, AiTask::kEmbed);
  };
  const Heard heard = vectors(R"({"embeddings":[[1,-2.5],[0.5]],"prompt_eval_count":8})");
  REQUIRE(heard.embeddings.size() == 2);
  CHECK(heard.embeddings[0].vector == std::vector<float>{1.0F, -2.5F});
  CHECK(heard.embeddings[1].index == 1);
  CHECK(heard.usage.input == 8);
  CHECK(heard.finished);
  for (const char* bad : {"{}", R"({"embeddings":[]})", R"({"embeddings":[[]]})", R"({"embeddings":[["x"]]})",
                          R"({"embeddings":7})", "7", R"({"error":"no"})"}) {
    CHECK(vectors(bad).failure);
  }
}

TEST_CASE("no stream of Ollama's, however damaged, does more than fail", "[REQ-071]") {
  std::mt19937_64 random(17);
  for (int i = 0; i < 3000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : kLines,
                .step = random() % 40 + 1});
  }
}
