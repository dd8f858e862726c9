#include "components/anthropic/anthropic_messages.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

const AiAccess kAccess{"http://here", "sk-secret", {{"anthropic-beta", "b"}}};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = "claude-haiku-4-5";
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  request.parameters.max_output_tokens = 50;
  return request;
}

Json body_of(const AiRequest& request, const AnthropicDialect& dialect = anthropic_2023()) {
  const AnthropicMessages provider(dialect);
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

}  // namespace

TEST_CASE("a message goes to its path, with the key as the version wants it", "[REQ-057]") {
  const AiHttpRequest old = AnthropicMessages(anthropic_2023()).encode(asking("hi"), kAccess);
  CHECK(old.url == "http://here/v1/messages");
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                           {"anthropic-version", "2023-06-01"},
                                                           {"x-api-key", "sk-secret"},
                                                           {"anthropic-beta", "b"}};
  CHECK(old.headers == headers);
  CHECK(Json::parse(old.body) == Json::parse(R"({"model":"claude-haiku-4-5","max_tokens":50,"stream":true,
    "messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]})"));
  headers[1].second = "2026-10-21";
  headers[2] = {"Authorization", "Bearer sk-secret"};
  CHECK(AnthropicMessages(anthropic_2026()).encode(asking("hi"), kAccess).headers == headers);
}

TEST_CASE("sampling is left out where the version does not know it", "[REQ-057]") {
  AiRequest request = asking("hi");
  request.parameters.temperature = 0.5;
  request.parameters.top_p = 0.25;
  request.parameters.stop = {"x"};
  request.parameters.extra = R"({"top_k":3})";
  Json body = body_of(request);
  CHECK(body["temperature"] == 0.5);
  CHECK(body["top_p"] == 0.25);
  CHECK(body["top_k"] == 3);
  CHECK(body["stop_sequences"] == Json::parse(R"(["x"])"));
  body = body_of(request, anthropic_2026());
  CHECK_FALSE(body.contains("temperature"));
  CHECK_FALSE(body.contains("top_p"));
}

TEST_CASE("the system's words, images, tools, what was called and what that gave", "[REQ-057]") {
  AiRequest request = asking("what is it?");
  request.stream = false;
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"Be short."}}});
  request.messages[1].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  request.messages[1].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back({AiRole::kAssistant, {AiText{"hm"}, AiToolCall{"c1", "look", R"({"at":1})"}}});
  request.messages.push_back({AiRole::kSystem, {AiText{"Be kind."}}});
  request.messages.push_back({AiRole::kUser, {AiToolResult{"c1", "a cat", true}, AiText{"and?"}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  request.output_schema = R"({"type":"object"})";
  CHECK(body_of(request) == Json::parse(R"({"model":"claude-haiku-4-5","max_tokens":50,
    "system":"Be short.\n\nBe kind.","messages":[
    {"role":"user","content":[{"type":"text","text":"what is it?"},
      {"type":"image","source":{"type":"url","url":"https://example.org/a.png"}},
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
    {"role":"assistant","content":[{"type":"text","text":"hm"},
      {"type":"tool_use","id":"c1","name":"look","input":{"at":1}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"a cat","is_error":true},
      {"type":"text","text":"and?"}]}],
    "tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object"}}],
    "tool_choice":{"type":"tool","name":"look"},
    "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}})"));
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  CHECK(body_of(request)["tool_choice"] == Json::parse(R"({"type":"any"})"));
}

TEST_CASE("what Anthropic can't be asked is said before anything is sent") {
  const auto refusal = [](const AiRequest& request) {
    const Status checked = AnthropicMessages(anthropic_2023()).check(request);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::kInvalidConfig);
    return checked.error().message;
  };
  AiRequest request = asking("hi");
  request.parameters.max_output_tokens.reset();
  CHECK(refusal(request) == "Anthropic has to be told max_output_tokens");
  request = asking("hi");
  request.parameters.seed = 1;
  CHECK(refusal(request) == "Anthropic knows no seed");
  request = asking("hi");
  request.task = AiTask::kEmbed;
  CHECK(refusal(request) == "Anthropic has no embeddings");
  request = asking("hi");
  request.messages[0].role = AiRole::kSystem;
  CHECK(refusal(request) == "a chat needs a message that is not the system's");
  request = asking("hi");
  request.parameters.extra = R"({"max_tokens":5})";
  CHECK(refusal(request) == "extra: 'max_tokens' is set by the stage itself");
  request = asking("hi");
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", "at"}}});
  CHECK(refusal(request).find("arguments of the call c1") != std::string::npos);
}

TEST_CASE("what is counted is what goes in, and nothing of how it is answered", "[REQ-062]") {
  AiRequest request = asking("hi");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.tools.push_back({"look", "", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  request.output_schema = R"({"type":"object"})";
  request.parameters.temperature = 0.5;
  request.parameters.extra = R"({"thinking":{"type":"enabled","budget_tokens":1024},"service_tier":"auto"})";
  for (const AnthropicDialect& dialect : {anthropic_2023(), anthropic_2026()}) {
    const AnthropicMessages provider(dialect);
    const auto counting = provider.counting(request, kAccess);
    REQUIRE(counting);
    CHECK(counting->request.url == "http://here/v1/messages/count_tokens");
    CHECK(counting->request.headers == provider.encode(request, kAccess).headers);
    CHECK(Json::parse(counting->request.body) == Json::parse(R"({"model":"claude-haiku-4-5","system":"be short",
      "messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],
      "tools":[{"name":"look","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},
      "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},
      "thinking":{"type":"enabled","budget_tokens":1024}})"));
    CHECK(*counting->read(R"({"input_tokens":2095})") == 2095);
    for (const char* bad : {"", "{}", "[1]", R"({"input_tokens":"5"})", R"({"input_tokens":-5})", "<html>"}) {
      CHECK_FALSE(counting->read(bad));
    }
  }
}
