#include "components/google/google_generate.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here", "secret", {}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "gemini-2.5-flash";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request) {
  const GoogleGenerate provider;
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

}  // namespace

TEST_CASE("each task has a path of the model's, and the key a header of its own", "[REQ-058]") {
  AiRequest request = asking("hi");
  const AiHttpRequest http = GoogleGenerate().encode(request, kAccess);
  CHECK(http.url == "http://here/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  const std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                                 {"x-goog-api-key", "secret"}};
  CHECK(http.headers == headers);
  CHECK(Json::parse(http.body) ==
        Json::parse(R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{}})"));
  request.stream = false;
  CHECK(GoogleGenerate().encode(request, kAccess).url == "http://here/v1beta/models/gemini-2.5-flash:generateContent");
  request.task = AiTask::kEmbed;
  request.inputs = {"a", "b"};
  request.parameters.extra = R"({"outputDimensionality":4})";
  CHECK(GoogleGenerate().encode(request, kAccess).url ==
        "http://here/v1beta/models/gemini-2.5-flash:batchEmbedContents");
  CHECK(body_of(request) == Json::parse(R"({"requests":[
    {"model":"models/gemini-2.5-flash","content":{"parts":[{"text":"a"}]},"outputDimensionality":4},
    {"model":"models/gemini-2.5-flash","content":{"parts":[{"text":"b"}]},"outputDimensionality":4}]})"));
}

TEST_CASE("parameters, and what is set by hand beside them", "[REQ-058]") {
  AiRequest request = asking("hi");
  request.parameters = {.max_output_tokens = 7, .temperature = 0.5, .top_p = 0.25, .seed = 3, .stop = {"a"},
                        .extra = R"({"safetySettings":[],"generationConfig":{"seed":9,"topK":2}})"};
  request.output_schema = R"({"type":"object"})";
  const Json body = body_of(request);
  CHECK(body["generationConfig"] == Json::parse(R"({"maxOutputTokens":7,"temperature":0.5,"topP":0.25,"seed":9,"topK":2,
    "stopSequences":["a"],"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}})"));
  CHECK(body["safetySettings"] == Json::array());
}

TEST_CASE("roles, images, tools and what they gave, by the tool's name", "[REQ-058]") {
  AiRequest request = asking("what is it?");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"Be short."}}});
  request.messages[1].parts.push_back(AiImage{"gs://a.png", "image/png", ""});
  request.messages[1].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", R"({"at":1})"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", false}, AiToolResult{"c1", "none", true}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  Json body = body_of(request);
  CHECK(body["systemInstruction"] == Json::parse(R"({"parts":[{"text":"Be short."}]})"));
  CHECK(body["contents"] == Json::parse(R"([
    {"role":"user","parts":[{"text":"what is it?"},{"fileData":{"mimeType":"image/png","fileUri":"gs://a.png"}},
      {"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},
    {"role":"model","parts":[{"functionCall":{"id":"c1","name":"look","args":{"at":1}}}]},
    {"role":"user","parts":[{"functionResponse":{"id":"c1","name":"look","response":{"output":"a cat"}}},
      {"functionResponse":{"id":"c1","name":"look","response":{"error":"none"}}}]}])"));
  CHECK(body["tools"] == Json::parse(R"([{"functionDeclarations":[{"name":"look","description":"Looks.",
    "parametersJsonSchema":{"type":"object"}}]}])"));
  CHECK(body["toolConfig"] ==
        Json::parse(R"({"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["look"]}})"));
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK(body_of(request)["toolConfig"] == Json::parse(R"({"functionCallingConfig":{"mode":"NONE"}})"));
}

TEST_CASE("in a second turn a result names the tool of that turn", "[REQ-058]") {
  AiRequest request = asking("what is it?");
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  for (const std::string tool : {"look", "ask"}) {
    const ai::Heard heard = ai::hear(*GoogleGenerate().decoder(request),
                                     {.body = R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":")" +
                                              tool + R"("}}]},"finishReason":"STOP"}]})",
                                      .type = "application/json"});
    REQUIRE(heard.calls.size() == 1);
    const std::string id = heard.calls[0].substr(0, heard.calls[0].find(' '));
    request.messages.push_back({AiRole::kAssistant, {AiToolCall{id, tool, "{}"}}});
    request.messages.push_back({AiRole::kUser, {AiToolResult{id, "1", false}}});
  }
  const Json contents = body_of(request)["contents"];
  const Json first = contents[2]["parts"][0]["functionResponse"];
  const Json second = contents[4]["parts"][0]["functionResponse"];
  CHECK(first["name"] == "look");
  CHECK(second["name"] == "ask");
  CHECK(first["id"] != second["id"]);
}

TEST_CASE("what Google can't be asked is said before anything is sent") {
  const auto refusal = [](const AiRequest& request) {
    const Status checked = GoogleGenerate().check(request);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::kInvalidConfig);
    return checked.error().message;
  };
  AiRequest request = asking("hi");
  request.model = "../secrets";
  CHECK(refusal(request) == "'../secrets' is no name of a model of Google's");
  request = asking("hi");
  request.messages[0].role = AiRole::kSystem;
  CHECK(refusal(request) == "a chat needs a message that is not the system's");
  request = asking("hi");
  request.parameters.extra = R"({"contents":[]})";
  CHECK(refusal(request) == "extra: 'contents' is set by the stage itself");
  request.parameters.extra = R"({"generationConfig":7})";
  CHECK(refusal(request) == "extra.generationConfig is a JSON object");
  request.parameters.extra = R"({"generationConfig":{"responseSchema":{}}})";
  request.output_schema = "{}";
  CHECK(refusal(request) == "extra: 'responseSchema' is set by the stage itself");
}

TEST_CASE("Google counts a whole request, with the system's word and the tools", "[REQ-062]") {
  AiRequest request = asking("hi");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.tools.push_back({"look", "", R"({"type":"object"})"});
  request.parameters.temperature = 0.5;
  const auto counting = GoogleGenerate().counting(request, kAccess);
  REQUIRE(counting);
  CHECK(counting->request.url == "http://here/v1beta/models/gemini-2.5-flash:countTokens");
  CHECK(counting->request.headers == GoogleGenerate().encode(request, kAccess).headers);
  CHECK(Json::parse(counting->request.body) == Json::parse(R"({"generateContentRequest":{
    "model":"models/gemini-2.5-flash","systemInstruction":{"parts":[{"text":"be short"}]},
    "contents":[{"role":"user","parts":[{"text":"hi"}]}],
    "tools":[{"functionDeclarations":[{"name":"look","parametersJsonSchema":{"type":"object"}}]}]}})"));
  CHECK(*counting->read(R"({"totalTokens":31,"promptTokensDetails":[]})") == 31);
  CHECK_FALSE(counting->read(R"({"input_tokens":31})"));
}
