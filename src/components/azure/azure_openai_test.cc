#include "components/azure/azure_openai.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using ai::Heard;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"https://res.openai.azure.com", "k", {}};

AiRequest asking(const std::string& model = "gpt-4o") {
  AiRequest request;
  request.model = model;
  request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
  return request;
}

Heard hear(const ai::Answer& answer, AiTask task = AiTask::kChat) {
  AiRequest request = asking();
  request.task = task;
  return ai::hear(*AzureOpenAi({}).decoder(request), answer);
}

// As Azure streams: the filter's verdict on the prompt in a chunk of its own, on the answer beside each choice.
const std::string kStream =
    R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})"
    "\n\n"
    R"(data: {"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},)"
    R"("finish_reason":null,"index":0,"logprobs":null}],"object":"chat.completion.chunk","usage":null})"
    "\n\n"
    R"(data: {"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":"h\u00e9"},)"
    R"("finish_reason":null,"index":0}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{},"finish_reason":"stop","index":0}]})"
    "\n\n"
    R"(data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}})"
    "\n\ndata: [DONE]\n\n";

}  // namespace

TEST_CASE("a chat goes to its deployment, in the version that is set, with the key in Azure's header",
          "[REQ-059]") {
  const AzureOpenAi provider({.deployments = {{"gpt-4o", "our-4o"}}});
  const AiHttpRequest http = provider.encode(asking(), kAccess);
  CHECK(http.url ==
        "https://res.openai.azure.com/openai/deployments/our-4o/chat/completions?api-version=2024-10-21");
  const std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                                 {"api-key", "k"}};
  CHECK(http.headers == headers);
  CHECK(Json::parse(http.body)["messages"][0]["content"] == "hi");
  CHECK(Json::parse(http.body)["stream_options"]["include_usage"] == true);
  // A model without an entry is a deployment of that name.
  CHECK(provider.encode(asking("o3"), kAccess).url.find("/deployments/o3/chat") != std::string::npos);
}

TEST_CASE("a token of Entra's is a bearer's, and embeddings have a path of their own", "[REQ-059]") {
  const AzureOpenAi provider(
      {.api_version = "2025-01-01-preview", .bearer = true, .format = {.stream_usage = false}});
  AiRequest request = asking("text-embedding-3-small");
  CHECK_FALSE(Json::parse(provider.encode(request, kAccess).body).contains("stream_options"));
  request.task = AiTask::kEmbed;
  request.inputs = {"a"};
  const AiHttpRequest http = provider.encode(request, kAccess);
  CHECK(http.url ==
        "https://res.openai.azure.com/openai/deployments/text-embedding-3-small/embeddings"
        "?api-version=2025-01-01-preview");
  CHECK(http.headers[1] == std::pair<std::string, std::string>{"Authorization", "Bearer k"});
  CHECK(AzureOpenAi({}).encode(asking(), {"https://x", "", {}}).headers.size() == 1);
}

TEST_CASE("what can't be asked of Azure is said before anything is sent", "[REQ-059]") {
  const Status bad = AzureOpenAi({}).check(asking("a/b?c"));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message == "'a/b?c' is no name of a deployment: say in deployments which one serves it");
  CHECK(AzureOpenAi({.deployments = {{"a/b?c", "d-1.x_2"}}}).check(asking("a/b?c")));
  CHECK_FALSE(AzureOpenAi({}).check(asking("")));
}

TEST_CASE("a stream of Azure's is the same, wherever its bytes are cut", "[REQ-059][REQ-071]") {
  for (size_t step = 1; step < kStream.size(); ++step) {
    const Heard heard = hear({.body = kStream, .step = step});
    CHECK(heard.text == "h\u00e9");
    REQUIRE(heard.finished);
    CHECK(heard.finished->reason == AiFinish::kStop);
    CHECK(heard.usage.input == 9);
    CHECK(heard.usage.output == 2);
  }
}

TEST_CASE("filters, and errors behind a 200, are Azure's answer", "[REQ-059]") {
  const Heard cut = hear({.body = R"(data: {"choices":[{"delta":{},"finish_reason":"content_filter","index":0}]})"
                                  "\n\ndata: [DONE]\n\n"});
  CHECK(cut.finished->reason == AiFinish::kContentFilter);
  const Heard late = hear({.body = R"(data: {"error":{"code":"429","message":"Please retry after 6 seconds."}})"
                                   "\n\n"});
  CHECK(late.failure->kind == AiFailureKind::kThrottled);
  CHECK(late.failure->retry_after_ms == 6000);
  const Heard timeout = hear({.body = R"({"error":{"code":"Timeout","message":"The operation was timeout."}})",
                              .type = "application/json"});
  CHECK(timeout.failure->kind == AiFailureKind::kTransient);
  CHECK(hear({.body = kStream.substr(0, kStream.find("stop"))}).failure->message == "the answer broke off");
}

TEST_CASE("refusals of Azure's are told by who has to do something", "[REQ-059][REQ-064]") {
  const auto failure = [](int status, const std::string& body,
                          std::vector<std::pair<std::string, std::string>> headers = {}) {
    const Heard heard = hear(
        {.body = body, .type = "application/json", .status = status, .step = 5, .headers = std::move(headers)});
    REQUIRE(heard.failure);
    CHECK(heard.failure->status == status);
    return *heard.failure;
  };
  const auto error = [](const std::string& code, const std::string& message) {
    return R"({"error":{"code":")" + code + R"(","message":")" + message + "\"}}";
  };
  const AiFailure throttled =
      failure(429, error("429", "Requests have exceeded the rate. Please retry after 6 seconds."));
  CHECK(throttled.kind == AiFailureKind::kThrottled);
  CHECK(throttled.retry_after_ms == 6000);
  CHECK(failure(429, error("429", "Please retry after 6 seconds."), {{"retry-after-ms", "250"}}).retry_after_ms ==
        250);
  const AiFailure filtered = failure(
      400, R"({"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400,)"
           R"("innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}})");
  CHECK(filtered.kind == AiFailureKind::kCaller);
  CHECK(filtered.message == "filtered");
  CHECK(failure(404, error("DeploymentNotFound", "no such")).kind == AiFailureKind::kCaller);
  CHECK(failure(401, error("401", "Access denied")).kind == AiFailureKind::kKey);
  CHECK(failure(401, R"({"statusCode":401,"message":"Unauthorized. Access token is missing"})").message ==
        "Unauthorized. Access token is missing");
  CHECK(failure(403, error("insufficient_quota", "used up")).kind == AiFailureKind::kQuota);
  CHECK(failure(503, "<html>").kind == AiFailureKind::kTransient);
}

TEST_CASE("no stream of Azure's, however damaged, does more than fail", "[REQ-059][REQ-071]") {
  std::mt19937_64 random(19);
  for (int i = 0; i < 1000; ++i) {
    (void)hear({.body = ai::damaged(kStream, random),
                .type = i % 5 == 0 ? "application/json" : "text/event-stream",
                .step = random() % 40 + 1});
  }
}
