#include "components/plugin/plugin_format.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here:9100/ask", "k", {{"X-Team", "t"}}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "tiny";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request) {
  const PluginFormat provider;
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

}  // namespace

TEST_CASE("a chat is one object, sent to just the URL that is set", "[REQ-090]") {
  const AiHttpRequest http = PluginFormat().encode(asking("hello \"you\""), kAccess);
  CHECK(http.url == "http://here:9100/ask");
  const std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                                 {"Accept", "application/x-ndjson"},
                                                                 {"Authorization", "Bearer k"},
                                                                 {"X-Team", "t"}};
  CHECK(http.headers == headers);
  CHECK(Json::parse(http.body) == Json::parse(R"({"version":1,"task":"chat","model":"tiny","stream":true,
    "messages":[{"role":"user","parts":[{"type":"text","text":"hello \"you\""}]}],"parameters":{}})"));
  CHECK(PluginFormat().encode(asking("a"), {"http://here", "", {}}).headers.size() == 2);
}

TEST_CASE("all that can be asked of a model is there by its own name", "[REQ-090]") {
  AiRequest request = asking("what is it?");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.messages[1].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages[1].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", R"({"at": 1})"}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", true}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tools.push_back({"ask", "", "{}"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  request.output_schema = R"({"type":"object"})";
  request.stream = false;
  request.parameters = {.max_output_tokens = 7,
                        .temperature = 0.5,
                        .top_p = 1,
                        .seed = 3,
                        .stop = {"a"},
                        .extra = R"({"seed":9,"beams":4})"};
  CHECK(body_of(request) == Json::parse(R"({"version":1,"task":"chat","model":"tiny","stream":false,"messages":[
    {"role":"system","parts":[{"type":"text","text":"be short"}]},
    {"role":"user","parts":[{"type":"text","text":"what is it?"},{"type":"image","media_type":"image/png","base64":"AAAA"},
      {"type":"image","url":"https://example.org/a.png"}]},
    {"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"look","arguments":{"at":1}}]},
    {"role":"user","parts":[{"type":"tool_result","id":"c1","content":"a cat","is_error":true}]}],
    "tools":[{"name":"look","description":"Looks.","parameters":{"type":"object"}},{"name":"ask","parameters":{}}],
    "tool_choice":{"kind":"named","name":"look"},"output_schema":{"type":"object"},
    "parameters":{"max_output_tokens":7,"temperature":0.5,"top_p":1.0,"stop":["a"],"seed":9,"beams":4}})"));
  for (const auto& [kind, name] : {std::pair{AiToolChoice::Kind::kAuto, "auto"},
                                   {AiToolChoice::Kind::kNone, "none"},
                                   {AiToolChoice::Kind::kAny, "any"}}) {
    request.tool_choice = {kind, ""};
    CHECK(body_of(request)["tool_choice"] == Json{{"kind", name}});
  }
}

TEST_CASE("vectors are asked for by the inputs", "[REQ-090]") {
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.model = "vectors";
  request.inputs = {"a", "b"};
  CHECK(body_of(request) ==
        Json::parse(R"({"version":1,"task":"embed","model":"vectors","inputs":["a","b"],"parameters":{}})"));
}

TEST_CASE("what the format can't say is refused before it is sent") {
  const auto refusal = [](const AiRequest& request) {
    const Status checked = PluginFormat().check(request);
    return checked ? "" : checked.error().message;
  };
  AiRequest request = asking("hi");
  request.model.clear();
  CHECK(refusal(request) == "a model has to be named");
  request = asking("hi");
  request.parameters.extra = "[1]";
  CHECK_FALSE(refusal(request).empty());
  request = asking("hi");
  request.output_schema = "oops";
  CHECK_FALSE(refusal(request).empty());
}
