#include "components/plugin/plugin_decoder.h"

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

namespace {

constexpr char kLines[] = "application/x-ndjson";

Heard hear(const Answer& answer, size_t inputs = 0) {
  PluginDecoder decoder(inputs);
  return ai::hear(decoder, answer);
}

std::string joined(std::initializer_list<const char*> lines) {
  std::string all;
  for (const char* line : lines) all += std::string(line) + "\n";
  return all;
}

const std::string kStream =
    joined({R"({"id":7,"reasoning":"well"})", R"({"id":7,"text":"He said "})", R"({"id":7})",
            R"({"id":7,"text":"\"h\u00e9llo\"","usage":{"input":26}})",
            R"({"id":7,"tool_call":{"id":"c1","name":"look","arguments":"{\"at\""}})",
            R"({"id":7,"tool_call":{"arguments":":1}"}})",
            R"({"id":7,"usage":{"output":11,"reasoning":2},"finish":{"reason":"stop","said":"end_turn"}})"});

std::string why(const std::string& line) {
  const Heard heard = hear({.body = line + "\n", .type = kLines});
  return heard.failure ? heard.failure->message : "none";
}

}  // namespace

TEST_CASE("a plugin's answer is heard as it comes, wherever its bytes are cut", "[REQ-090]") {
  for (size_t step = 1; step < kStream.size(); ++step) {
    const Heard heard = hear({.body = kStream, .type = kLines, .step = step});
    CHECK(heard.text == "He said \"h\u00e9llo\"");
    CHECK(heard.reasoning == "well");
    CHECK(heard.calls == std::vector<std::string>{R"(c1 look {"at":1})"});
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kToolCalls);
    CHECK(heard.finished->said == "end_turn");
    CHECK(heard.usage.input == 26);
    CHECK(heard.usage.output == 11);
    CHECK(heard.usage.reasoning == 2);
    CHECK_FALSE(heard.usage.cache_read);
  }
}

TEST_CASE("one line is enough, and the type of an endpoint's answer is not asked for", "[REQ-090]") {
  const std::string line = R"({"text":"hi","usage":{"input":1,"output":2,"cache_read":3},"finish":"length"})";
  for (const char* type : {kLines, "application/json", "text/plain", ""}) {
    const Heard heard = hear({.body = line, .type = type});
    CHECK(heard.text == "hi");
    CHECK(heard.usage.cache_read == 3);
    CHECK(heard.finished->reason == AiFinish::kLength);
    CHECK(hear({.body = kStream, .type = type}).finished);
  }
  CHECK(hear({.body = "{\n  \"text\": \"hi\",\n  \"finish\": \"stop\"\n}\n", .type = "application/json"}).text ==
        "hi");
  CHECK(hear({.body = R"({"finish":"content_filter"})", .type = kLines}).finished->reason ==
        AiFinish::kContentFilter);
  const Heard other = hear({.body = R"({"finish":"moon"})", .type = kLines});
  CHECK(other.finished->reason == AiFinish::kOther);
  CHECK(other.finished->said == "moon");
}

TEST_CASE("calls of tools come whole or in pieces, one after the other", "[REQ-090]") {
  const Heard heard =
      hear({.body = joined({R"({"tool_call":{"name":"a","arguments":{"x": 1}}})",
                            R"({"tool_call":{"id":"two","name":"b"}})",
                            R"({"tool_call":{"index":2,"name":"c","arguments":"{"}})",
                            R"({"tool_call":{"index":2,"arguments":"}"}})", R"({"finish":"stop"})"}),
            .type = kLines});
  CHECK(heard.calls == std::vector<std::string>{R"(call-0 a {"x": 1})", "two b {}", "call-2 c {}"});
  CHECK(heard.finished->reason == AiFinish::kToolCalls);
}

TEST_CASE("vectors come in any order, one for each input", "[REQ-090]") {
  const auto vectors = [](std::initializer_list<const char*> lines) {
    return hear({.body = joined(lines), .type = kLines}, 2);
  };
  const Heard heard =
      vectors({R"({"embedding":{"index":1,"vector":[0.5]}})", R"({"embedding":{"vector":[1,-2.5]}})",
               R"({"usage":{"input":8},"finish":"stop"})"});
  REQUIRE(heard.embeddings.size() == 2);
  CHECK(heard.embeddings[0].index == 1);
  CHECK(heard.embeddings[1].vector == std::vector<float>{1.0F, -2.5F});
  CHECK(heard.finished);
  CHECK(vectors({R"({"embedding":{"vector":[1]}})", R"({"finish":"stop"})"}).failure->message ==
        "the answer is finished, and has no vector for each input");
  for (const char* bad :
       {R"({"embedding":{"index":2,"vector":[1]}})", R"({"embedding":{"vector":[]}})",
        R"({"embedding":{"index":"1","vector":[1]}})", R"({"embedding":{"index":1.0,"vector":[1]}})",
        R"({"embedding":{"index":-1,"vector":[1]}})", R"({"embedding":{"vector":["x"]}})",
        R"({"embedding":[1]})"}) {
    CHECK(vectors({bad, R"({"finish":"stop"})"}).failure->message.starts_with("`embedding` can't be understood"));
  }
  CHECK(why(R"({"embedding":{"vector":[1]}})").starts_with("`embedding` can't"));
}

TEST_CASE("a failure says whose matter it is, in the answer and by a status", "[REQ-090]") {
  const auto failure = [](int status, const std::string& body) {
    const Heard heard = hear({.body = body, .type = kLines, .status = status, .step = 7});
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == (status == 200 ? 0 : status));
    return *heard.failure;
  };
  for (const int status : {200, 503}) {
    const AiFailure said =
        failure(status, R"({"id":1,"failure":{"kind":"throttled","message":"later","retry_after_ms":1500}})");
    CHECK(said.kind == AiFailureKind::kThrottled);
    CHECK(said.message == "later");
    CHECK(said.retry_after_ms == 1500);
    CHECK(failure(status, R"({"failure":{"kind":"caller"}})").kind == AiFailureKind::kCaller);
    CHECK(failure(status, R"({"failure":{"kind":"key"}})").kind == AiFailureKind::kKey);
    CHECK(failure(status, R"({"failure":{"kind":"quota"}})").kind == AiFailureKind::kQuota);
    CHECK(failure(status, R"({"failure":{"kind":"?","retry_after_ms":-1}})").kind == AiFailureKind::kTransient);
    CHECK(failure(status, R"({"failure":"boom"})").message == "boom");
    CHECK(failure(status, R"({"failure":{}})").message == "the plugin did not say why");
  }
  CHECK(failure(401, "go away").kind == AiFailureKind::kKey);
  CHECK(failure(401, "go away").message == "go away");
  CHECK(failure(429, R"({"failure":{"message":"m"}})").kind == AiFailureKind::kThrottled);
  const Heard hinted = hear({.body = "", .type = kLines, .status = 429, .headers = {{"Retry-After", "2"}}});
  CHECK(hinted.failure->retry_after_ms == 2000);
  const Heard late =
      hear({.body = joined({R"({"text":"a"})", R"({"failure":"boom"})", R"({"text":"b"})"}), .type = kLines});
  CHECK(late.text == "a");
  CHECK(late.failure->message == "boom");
}

TEST_CASE("an answer that breaks off, or says what nobody knows, has failed", "[REQ-090]") {
  CHECK(why(R"({"text":"a"})") == "the answer broke off");
  CHECK(why(R"({"id":7})") == "the answer broke off");
  CHECK(why("{oops") == "a line of the answer is no JSON object: {oops");
  CHECK(why("[1]") == "a line of the answer is no JSON object: [1]");
  CHECK(why(R"({"id":7,"txet":"a"})") == R"(a line says nothing that is known: {"id":7,"txet":"a"})");
  CHECK(why(R"({"text":7})") == R"(`text` can't be understood: {"text":7})");
  for (const char* bad : {R"({"tool_call":{"arguments":"x"}})", R"({"tool_call":{"index":1,"name":"a"}})",
                          R"({"tool_call":{"index":"0","name":"a"}})", R"({"tool_call":{"index":0.0,"name":"a"}})",
                          R"({"tool_call":{"name":7}})", R"({"tool_call":{"name":"a","id":7}})",
                          R"({"usage":{"input":"7"}})", R"({"usage":{"output":1.5}})",
                          R"({"usage":{"reasoning":-1}})", R"({"tool_call":{"name":"a","arguments":7}})",
                          R"({"usage":7})", R"({"finish":7})", R"({"finish":{}})", R"({"reasoning":[]})"}) {
    CHECK(why(bad).find("can't be understood") != std::string::npos);
  }
  const Heard oops =
      hear({.body = joined({R"({"tool_call":{"name":"a"}})", R"({"tool_call":"oops"})"}), .type = kLines});
  REQUIRE(oops.failure);
  CHECK(oops.failure->message == R"(`tool_call` can't be understood: {"tool_call":"oops"})");
  CHECK(hear({.body = R"({"text":"a"})", .type = "application/json"}).failure->message ==
        "the answer ends without a `finish`");
  CHECK(hear({.body = std::string(size_t{17} << 20, ' '), .type = kLines}).failure->message ==
        "a piece of the answer is larger than 16 MiB");
  CHECK(why("{\"text\":\"" + std::string(5000, 'x')).size() < 400);
  // What is null is not there, and what comes behind the end is not heard.
  CHECK(
      hear({.body = joined({R"({"text":"a","failure":null,"finish":"stop"})", R"({"text":"b"})"}), .type = kLines})
          .text == "a");
}

TEST_CASE("what is null is not there, and a line of nothing else is as good as an empty one", "[REQ-090]") {
  const Heard heard = hear({.body = joined({R"({"text":null})", R"({"id":7,"embedding":null,"mine":null})",
                                            R"({"text":"a","usage":{"input":3,"output":null},"finish":"stop"})"}),
                            .type = kLines});
  CHECK(heard.text == "a");
  CHECK(heard.usage.input == 3);
  CHECK(heard.finished);
}

TEST_CASE("a failure is a refusal where nothing came before it", "[REQ-090]") {
  const auto refused = [](std::initializer_list<const char*> lines, const char* type = kLines) {
    const Heard heard = hear({.body = joined(lines), .type = type});
    REQUIRE(heard.failure);
    return heard.failure->refused;
  };
  CHECK(refused({R"({"failure":"no"})"}));
  CHECK(refused({R"({"failure":"no"})"}, "application/json"));
  CHECK(refused({"{}", R"({"failure":"no"})"}));
  CHECK_FALSE(refused({R"({"text":"a"})", R"({"failure":"no"})"}));
  CHECK_FALSE(refused({R"({"usage":{"input":3},"failure":"no"})"}));
  CHECK_FALSE(refused({R"({"text":7})"}));
  CHECK_FALSE(refused({R"({"usage":{"input":3}})", R"({"failure":"no"})"}, "application/json"));
}

TEST_CASE("a delay of thousands of years is none", "[REQ-090]") {
  const auto after = [](const char* line) { return hear({.body = line, .type = kLines}).failure->retry_after_ms; };
  CHECK(after(R"({"failure":{"retry_after_ms":1000000000000}})") == 1'000'000'000'000);
  CHECK_FALSE(after(R"({"failure":{"retry_after_ms":1000000000001}})"));
  CHECK_FALSE(after(R"({"failure":{"retry_after_ms":9223372036854775807}})"));
}

TEST_CASE("no answer of a plugin's, however damaged, does more than fail", "[REQ-090]") {
  std::mt19937_64 random(23);
  for (int i = 0; i < 3000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : kLines,
                .step = random() % 40 + 1},
               i % 3);
  }
}
