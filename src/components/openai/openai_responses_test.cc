#include "components/openai/openai_responses.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here/v1", "sk-secret", {}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "gpt-5";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request) {
  const OpenAiResponses provider;
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

std::string refusal(const AiRequest& request) {
  const Status checked = OpenAiResponses().check(request);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("a response is asked for at its path, and kept by nobody", "[REQ-056]") {
  AiRequest request = asking("hello \"you\"");
  const AiHttpRequest http = OpenAiResponses().encode(request, kAccess);
  CHECK(http.url == "http://here/v1/responses");
  CHECK(http.headers[1] == std::pair<std::string, std::string>{"Authorization", "Bearer sk-secret"});
  CHECK(Json::parse(http.body) == Json::parse(R"({"model":"gpt-5","store":false,"stream":true,
    "input":[{"role":"user","content":"hello \"you\""}]})"));
  request.stream = false;
  request.parameters.extra = R"({"store":true,"reasoning":{"effort":"low"}})";
  const Json body = body_of(request);
  CHECK_FALSE(body.contains("stream"));
  CHECK(body["store"] == true);
  CHECK(body["reasoning"]["effort"] == "low");
}

TEST_CASE("parameters of a response, and the format of its text", "[REQ-056]") {
  AiRequest request = asking("hi");
  request.parameters = {.max_output_tokens = 7,
                        .temperature = 0.5,
                        .top_p = 1,
                        .extra = R"({"temperature":0.1,"text":{"verbosity":"low"}})"};
  request.output_schema = R"({"type":"object"})";
  const Json body = body_of(request);
  CHECK(body["max_output_tokens"] == 7);
  CHECK(body["temperature"] == 0.1);
  CHECK(body["top_p"] == 1);
  CHECK(body["text"] ==
        Json::parse(R"({"verbosity":"low","format":{"type":"json_schema","name":"answer","strict":true,
    "schema":{"type":"object"}}})"));
  request.output_schema.reset();
  CHECK(body_of(request)["text"] == Json::parse(R"({"verbosity":"low"})"));
}

TEST_CASE("calls of tools and what they gave are items of a response's input", "[REQ-056]") {
  AiRequest request = asking("what is it?");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.messages[1].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  request.messages[1].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back(
      {AiRole::kAssistant, {AiText{"let me see"}, AiToolCall{"c1", "look", R"({"at":1})"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", false}, AiText{"and?"}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  const Json body = body_of(request);
  CHECK(body["input"] == Json::parse(R"([
    {"role":"system","content":"be short"},
    {"role":"user","content":[{"type":"input_text","text":"what is it?"},
      {"type":"input_image","image_url":"https://example.org/a.png"},
      {"type":"input_image","image_url":"data:image/png;base64,AAAA"}]},
    {"role":"assistant","content":"let me see"},
    {"type":"function_call","call_id":"c1","name":"look","arguments":"{\"at\":1}"},
    {"type":"function_call_output","call_id":"c1","output":"a cat"},
    {"role":"user","content":"and?"}])"));
  CHECK(body["tools"] == Json::parse(R"([{"type":"function","name":"look","description":"Looks.","strict":false,
    "parameters":{"type":"object"}}])"));
  CHECK(body["tool_choice"] == Json::parse(R"({"type":"function","name":"look"})"));
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  CHECK(body_of(request)["tool_choice"] == "required");
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK(body_of(request)["tool_choice"] == "none");
}

TEST_CASE("embeddings do not care which API is used for chats", "[REQ-056]") {
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.model = "text-embedding-3-small";
  request.inputs = {"a"};
  CHECK(OpenAiResponses().encode(request, kAccess).url == "http://here/v1/embeddings");
  CHECK(body_of(request)["encoding_format"] == "base64");
}

TEST_CASE("what the responses API doesn't know is said before anything is sent", "[REQ-056]") {
  AiRequest request = asking("hi");
  request.parameters.stop = {"a"};
  CHECK(refusal(request) == "the responses API knows no stop: use `api: chat`");
  request = asking("hi");
  request.parameters.seed = 1;
  CHECK(refusal(request) == "the responses API knows no seed");
  request = asking("hi");
  request.parameters.extra = R"({"input":"x"})";
  CHECK(refusal(request) == "extra: 'input' is set by the stage itself");
  request.parameters.extra = R"({"text":{"format":{}}})";
  CHECK(refusal(request).empty());
  request.output_schema = "{}";
  CHECK(refusal(request) == "extra: 'format' is set by the stage itself");
  request.parameters.extra = R"({"text":[]})";
  CHECK(refusal(request).find("extra.text") != std::string::npos);
}
