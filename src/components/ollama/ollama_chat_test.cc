#include "components/ollama/ollama_chat.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/heard_test.h"

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here:11434", "", {{"X-Team", "t"}}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "llama3.2";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request) {
  const OllamaChat provider;
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

std::string refusal(const AiRequest& request) {
  const Status checked = OllamaChat().check(request);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("a chat goes to Ollama's path, and says whether it streams") {
  AiRequest request = asking("hello \"you\"");
  const AiHttpRequest http = OllamaChat().encode(request, kAccess);
  CHECK(http.url == "http://here:11434/api/chat");
  const std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                                 {"X-Team", "t"}};
  CHECK(http.headers == headers);
  CHECK(Json::parse(http.body) == Json::parse(R"({"model":"llama3.2","stream":true,"options":{},
    "messages":[{"role":"user","content":"hello \"you\""}]})"));
  request.stream = false;
  CHECK(body_of(request)["stream"] == false);
  CHECK(OllamaChat().encode(request, {"http://here", "k", {}}).headers[1].second == "Bearer k");
}

TEST_CASE("parameters are options of Ollama's, and what is added by hand goes before them") {
  AiRequest request = asking("hi");
  request.parameters = {.max_output_tokens = 7,
                        .temperature = 0.5,
                        .top_p = 1,
                        .seed = 3,
                        .stop = {"a"},
                        .extra = R"({"keep_alive":"5m","options":{"seed":9,"num_ctx":4096}})"};
  request.output_schema = R"({"type":"object"})";
  const Json body = body_of(request);
  CHECK(body["options"] == Json::parse(R"({"num_predict":7,"temperature":0.5,"top_p":1,"stop":["a"],"seed":9,
    "num_ctx":4096})"));
  CHECK(body["keep_alive"] == "5m");
  CHECK(body["format"] == Json::parse(R"({"type":"object"})"));
}

TEST_CASE("images are bytes, arguments are objects, and a result names its tool") {
  AiRequest request = asking("what is it?");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.messages[1].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", R"({"at": 1})"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", false}, AiText{"and?"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c9", "none", false}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  const Json body = body_of(request);
  CHECK(body["messages"] == Json::parse(R"([
    {"role":"system","content":"be short"},
    {"role":"user","content":"what is it?","images":["AAAA"]},
    {"role":"assistant","content":"","tool_calls":[{"id":"c1","function":{"name":"look","arguments":{"at":1}}}]},
    {"role":"tool","tool_name":"look","tool_call_id":"c1","content":"a cat"},
    {"role":"user","content":"and?"},
    {"role":"tool","tool_name":"","tool_call_id":"c9","content":"none"}])"));
  CHECK(body["tools"] == Json::parse(R"([{"type":"function","function":{"name":"look","description":"Looks.",
    "parameters":{"type":"object"}}}])"));
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK_FALSE(body_of(request).contains("tools"));
}

TEST_CASE("in a second turn a result names the tool of that turn") {
  AiRequest request = asking("what is it?");
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  for (const std::string tool : {"look", "ask"}) {
    const ai::Heard heard =
        ai::hear(*OllamaChat().decoder(request),
                 {.body = R"({"message":{"tool_calls":[{"function":{"name":")" + tool + R"("}}]},"done":true})",
                  .type = "application/json"});
    REQUIRE(heard.calls.size() == 1);
    const std::string id = heard.calls[0].substr(0, heard.calls[0].find(' '));
    request.messages.push_back({AiRole::kAssistant, {AiToolCall{id, tool, "{}"}}});
    request.messages.push_back({AiRole::kUser, {AiToolResult{id, "1", false}}});
  }
  const Json body = body_of(request);
  CHECK(body["messages"][2]["tool_name"] == "look");
  CHECK(body["messages"][4]["tool_name"] == "ask");
  CHECK(body["messages"][2]["tool_call_id"] != body["messages"][4]["tool_call_id"]);
}

TEST_CASE("embeddings are asked for all at once") {
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.model = "all-minilm";
  request.inputs = {"a", "b"};
  request.parameters.extra = R"({"truncate":false})";
  CHECK(OllamaChat().encode(request, kAccess).url == "http://here:11434/api/embed");
  CHECK(body_of(request) == Json::parse(R"({"model":"all-minilm","input":["a","b"],"truncate":false})"));
}

TEST_CASE("what Ollama can't do is told before anything is sent") {
  AiRequest request = asking("hi");
  request.model.clear();
  CHECK(refusal(request) == "a model has to be named");
  request = asking("hi");
  request.messages.clear();
  CHECK(refusal(request) == "a chat needs a message");
  request = asking("hi");
  request.messages[0].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  CHECK(refusal(request) == "Ollama fetches no images: give their bytes, not their URL");
  request = asking("hi");
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  CHECK(refusal(request) == "Ollama can't be told to call a tool: leave the choice to the model");
  request = asking("hi");
  request.parameters.extra = R"({"stream":false})";
  CHECK(refusal(request) == "extra: 'stream' is set by the stage itself");
  request.parameters.extra = R"({"options":7})";
  CHECK(refusal(request).find("extra.options") != std::string::npos);
  request = asking("hi");
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", "[1]"}}});
  CHECK(refusal(request).find("arguments of the call c1") != std::string::npos);
}
