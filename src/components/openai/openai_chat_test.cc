#include "components/openai/openai_chat.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here/v1", "sk-secret", {{"OpenAI-Project", "p"}}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "gpt-4o-mini";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request, ai::OpenAiDialect dialect = {}) {
  const OpenAiChat provider(dialect);
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

}  // namespace

TEST_CASE("a chat goes to its path with the key, and asks for the usage of a stream", "[REQ-056]") {
  const AiHttpRequest http = OpenAiChat().encode(asking("hello \"you\""), kAccess);
  CHECK(http.url == "http://here/v1/chat/completions");
  const std::vector<std::pair<std::string, std::string>> headers{
      {"Content-Type", "application/json"}, {"Authorization", "Bearer sk-secret"}, {"OpenAI-Project", "p"}};
  CHECK(http.headers == headers);
  CHECK(Json::parse(http.body) == Json::parse(R"({"model":"gpt-4o-mini","messages":[{"role":"user",
    "content":"hello \"you\""}],"stream":true,"stream_options":{"include_usage":true}})"));
}

TEST_CASE("without a stream, and without a key, nothing is said of either") {
  AiRequest request = asking("hi");
  request.stream = false;
  CHECK(body_of(request) == Json::parse(R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]})"));
  CHECK(OpenAiChat().encode(request, {"http://here/v1", "", {}}).headers.size() == 1);
}

TEST_CASE("parameters go by the names that the server knows", "[REQ-056]") {
  AiRequest request = asking("hi");
  request.stream = false;
  request.parameters = {.max_output_tokens = 7, .temperature = 0.5, .top_p = 1, .seed = 3, .stop = {"a", "b"},
                        .extra = R"({"seed":9,"logit_bias":{"1":2}})"};
  Json body = body_of(request);
  CHECK(body["max_completion_tokens"] == 7);
  CHECK(body["temperature"] == 0.5);
  CHECK(body["top_p"] == 1);
  CHECK(body["stop"] == Json::parse(R"(["a","b"])"));
  CHECK(body["seed"] == 9);
  CHECK(body["logit_bias"]["1"] == 2);
  body = body_of(request, {.old_max_tokens = true});
  CHECK(body["max_tokens"] == 7);
  CHECK_FALSE(body.contains("max_completion_tokens"));
  request.stream = true;
  CHECK_FALSE(body_of(request, {.stream_usage = false}).contains("stream_options"));
}

TEST_CASE("images, tools, what was called and what that gave", "[REQ-056]") {
  AiRequest request = asking("what is it?");
  request.stream = false;
  request.messages[0].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  request.messages[0].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", R"({"at":1})"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", false}, AiText{"and?"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c2", "none", false}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  request.output_schema = R"({"type":"object","properties":{}})";
  const Json body = body_of(request);
  CHECK(body["messages"] == Json::parse(R"([
    {"role":"user","content":[{"type":"text","text":"what is it?"},
      {"type":"image_url","image_url":{"url":"https://example.org/a.png"}},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
    {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
      "function":{"name":"look","arguments":"{\"at\":1}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"a cat"},
    {"role":"user","content":"and?"},
    {"role":"tool","tool_call_id":"c2","content":"none"}])"));
  CHECK(body["tools"] == Json::parse(R"([{"type":"function","function":{"name":"look","description":"Looks.",
    "parameters":{"type":"object"}}}])"));
  CHECK(body["tool_choice"] == Json::parse(R"({"type":"function","function":{"name":"look"}})"));
  CHECK(body["response_format"] == Json::parse(R"({"type":"json_schema","json_schema":{"name":"answer","strict":true,
    "schema":{"type":"object","properties":{}}}})"));
  request.schema_terms = {.strict = false, .name = "n", .description = "d"};
  CHECK(body_of(request)["response_format"] == Json::parse(R"({"type":"json_schema","json_schema":{"name":"n",
    "description":"d","strict":false,"schema":{"type":"object","properties":{}}}})"));
  request.parameters.extra = R"({"response_format":{"type":"json_object"}})";
  CHECK_FALSE(OpenAiChat().check(request));
  request.parameters.extra = "";
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  CHECK(body_of(request)["tool_choice"] == "required");
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK(body_of(request)["tool_choice"] == "none");
}

TEST_CASE("embeddings are asked for in base64", "[REQ-056]") {
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.model = "text-embedding-3-small";
  request.inputs = {"a", "b"};
  request.parameters.extra = R"({"dimensions":5})";
  CHECK(OpenAiChat().encode(request, kAccess).url == "http://here/v1/embeddings");
  CHECK(body_of(request) == Json::parse(R"({"model":"text-embedding-3-small","input":["a","b"],
    "encoding_format":"base64","dimensions":5})"));
}

TEST_CASE("what can't be asked is said before anything is sent") {
  const auto refusal = [](const AiRequest& request) {
    const Status checked = OpenAiChat().check(request);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::kInvalidConfig);
    return checked.error().message;
  };
  AiRequest request = asking("hi");
  request.model = "";
  CHECK(refusal(request) == "a model has to be named");
  request = asking("hi");
  request.messages.clear();
  CHECK(refusal(request) == "a chat needs a message");
  request = asking("hi");
  request.task = AiTask::kEmbed;
  CHECK(refusal(request) == "an embedding needs an input");
  request = asking("hi");
  request.parameters.extra = R"({"stream":false})";
  CHECK(refusal(request) == "extra: 'stream' is set by the stage itself");
  request.parameters.extra = "[1]";
  CHECK(refusal(request) == "extra is a JSON object");
  request = asking("hi");
  request.output_schema = "{";
  CHECK(refusal(request).find("output.schema") != std::string::npos);
  request = asking("hi");
  request.tools.push_back({"look", "", "nope"});
  CHECK(refusal(request).find("parameters of tool look") != std::string::npos);
}
