#include "components/bedrock/bedrock_converse.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ai/heard_test.h"
#include "net/aws_signature.h"

using namespace colloquium;
using namespace colloquium::components;
using Json = nlohmann::json;

namespace {

constexpr char kModel[] = "anthropic.claude-3-haiku-20240307-v1:0";
constexpr int64_t kWallMs = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
const AiSigningKeys kKeys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const AiAccess kAccess{"https://bedrock-runtime.us-east-1.amazonaws.com", "", {}, kKeys, kWallMs};

AiRequest asking(std::string text) {
  AiRequest request;
  request.model = kModel;
  request.messages.push_back({AiRole::kUser, {AiText{std::move(text)}}});
  return request;
}

Json body_of(const AiRequest& request) {
  const BedrockConverse provider("us-east-1");
  const Status checked = provider.check(request);
  if (!checked) FAIL(checked.error().describe());
  return Json::parse(provider.encode(request, kAccess).body);
}

std::string refusal(const AiRequest& request) {
  const Status checked = BedrockConverse("us-east-1").check(request);
  return checked ? "" : checked.error().message;
}

std::string header(const AiHttpRequest& http, std::string_view name) {
  return std::string(AiHead{0, http.headers}.find(name).value_or("none"));
}

}  // namespace

TEST_CASE("a chat goes to its model's path, percent-encoded, streamed or not", "[REQ-060]") {
  const BedrockConverse provider("us-east-1");
  AiRequest request = asking("hello \"you\"");
  const AiHttpRequest http = provider.encode(request, kAccess);
  CHECK(http.url ==
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/"
        "anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream");
  CHECK(Json::parse(http.body) ==
        Json::parse(R"({"messages":[{"role":"user","content":[{"text":"hello \"you\""}]}],
    "inferenceConfig":{}})"));
  request.stream = false;
  request.model = "arn:aws:bedrock:us-east-1:1:inference-profile/x";
  CHECK(provider.encode(request, kAccess).url ==
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/"
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse");
}

// The signer itself is proved by AWS's vectors; here, that what is signed is what goes out.
TEST_CASE("a request is signed as it goes out: its headers, its path encoded twice, its body", "[REQ-060]") {
  const BedrockConverse provider("us-east-1");
  AiRequest request = asking("hi");
  request.stream = false;
  const AiHttpRequest http = provider.encode(request, kAccess);
  CHECK(header(http, "x-amz-date") == "20150830T123600Z");
  CHECK(header(http, "authorization")
            .find("Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, "
                  "SignedHeaders=content-type;host;x-amz-date, Signature=") != std::string::npos);
  const auto signer =
      net::AwsSigner::create({kKeys.access_key_id, kKeys.secret_access_key, ""}, {"us-east-1", "bedrock"});
  const std::vector<std::pair<std::string, std::string>> headers{
      {"Content-Type", "application/json"}, {"Host", "bedrock-runtime.us-east-1.amazonaws.com"}};
  const auto expected = signer->sign({.method = "POST",
                                      .path = "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
                                      .query = {},
                                      .headers = headers,
                                      .body = http.body},
                                     kWallMs);
  REQUIRE(expected);
  CHECK(expected->canonical_request.find("%253A0/converse\n") != std::string::npos);
  CHECK(header(http, "authorization").ends_with("Signature=" + expected->signature));
  CHECK(header(http, "host") == "none");
}

TEST_CASE("keys that expire go with their token, and a base URL may have a path and a port", "[REQ-060]") {
  AiAccess access = kAccess;
  access.signing->session_token = "tok";
  access.base_url = "http://127.0.0.1:4010/aws";
  access.headers = {{"X-Team", "t"}};
  const AiHttpRequest http = BedrockConverse("eu-west-1").encode(asking("hi"), access);
  CHECK(http.url.starts_with("http://127.0.0.1:4010/aws/model/"));
  CHECK(header(http, "x-amz-security-token") == "tok");
  CHECK(header(http, "authorization")
            .find("/eu-west-1/bedrock/aws4_request, "
                  "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-team") != std::string::npos);
}

TEST_CASE("a key is a bearer's, and nothing is signed with it, or without any", "[REQ-060]") {
  const BedrockConverse provider("us-east-1");
  AiAccess access = kAccess;
  access.key = "abc";
  CHECK(header(provider.encode(asking("hi"), access), "authorization") == "Bearer abc");
  CHECK(header(provider.encode(asking("hi"), access), "x-amz-date") == "none");
  access = {"http://here", "", {}};
  CHECK(provider.encode(asking("hi"), access).headers.size() == 1);
  // What no header can carry is left out, and the service refuses.
  access.signing = AiSigningKeys{"a\nb", "", ""};
  CHECK(provider.encode(asking("hi"), access).headers.size() == 1);
}

TEST_CASE("parameters of Bedrock's, and what is added by hand goes before them", "[REQ-060]") {
  AiRequest request = asking("hi");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.parameters = {.max_output_tokens = 7,
                        .temperature = 0.5,
                        .top_p = 1,
                        .stop = {"a"},
                        .extra = R"({"inferenceConfig":{"topP":0.2},"additionalModelRequestFields":{"top_k":5}})"};
  request.output_schema = R"({"type": "object"})";
  const Json body = body_of(request);
  CHECK(body["system"] == Json::parse(R"([{"text":"be short"}])"));
  CHECK(body["inferenceConfig"] ==
        Json::parse(R"({"maxTokens":7,"temperature":0.5,"topP":0.2,"stopSequences":["a"]})"));
  CHECK(body["additionalModelRequestFields"]["top_k"] == 5);
  CHECK(body["outputConfig"] == Json::parse(R"({"textFormat":{"type":"json_schema","structure":{"jsonSchema":
    {"name":"answer","schema":"{\"type\": \"object\"}"}}}})"));
}

TEST_CASE("images, tools, what was called and what that gave, as Bedrock has them", "[REQ-060]") {
  AiRequest request = asking("what is it?");
  request.messages[0].parts.push_back(AiImage{"", "image/png", "AAAA"});
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", R"({"at":1})"}}});
  request.messages.push_back(
      {AiRole::kUser, {AiToolResult{"c1", "a cat", false}, AiToolResult{"c2", "oh", true}}});
  request.tools.push_back({"look", "Looks.", R"({"type":"object"})"});
  request.tool_choice = {AiToolChoice::Kind::kNamed, "look"};
  const Json body = body_of(request);
  CHECK(body["messages"] == Json::parse(R"([
    {"role":"user","content":[{"text":"what is it?"},{"image":{"format":"png","source":{"bytes":"AAAA"}}}]},
    {"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"look","input":{"at":1}}}]},
    {"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"a cat"}]}},
      {"toolResult":{"toolUseId":"c2","content":[{"text":"oh"}],"status":"error"}}]}])"));
  CHECK(body["toolConfig"] == Json::parse(R"({"tools":[{"toolSpec":{"name":"look","description":"Looks.",
    "inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"tool":{"name":"look"}}})"));
  request.tool_choice = {AiToolChoice::Kind::kAny, ""};
  CHECK(body_of(request)["toolConfig"]["toolChoice"] == Json::parse(R"({"any":{}})"));
  request.tool_choice = {};
  CHECK_FALSE(body_of(request)["toolConfig"].contains("toolChoice"));
  request.messages.resize(1);
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK_FALSE(body_of(request).contains("toolConfig"));
}

TEST_CASE("embeddings are asked for in the shape of their maker", "[REQ-060]") {
  AiRequest request;
  request.task = AiTask::kEmbed;
  request.model = "amazon.titan-embed-text-v2:0";
  request.inputs = {"a"};
  request.parameters.extra = R"({"dimensions":256})";
  CHECK(body_of(request) == Json::parse(R"({"inputText":"a","dimensions":256})"));
  CHECK(BedrockConverse("us-east-1")
            .encode(request, kAccess)
            .url.ends_with("/model/amazon.titan-embed-text-v2%3A0/invoke"));
  request.inputs.push_back("b");
  CHECK(refusal(request) == "'amazon.titan-embed-text-v2:0' embeds one text at a time");
  request.model = "eu.cohere.embed-v4:0";
  request.parameters.extra.clear();
  CHECK(body_of(request) == Json::parse(R"({"texts":["a","b"],"input_type":"search_document"})"));
  request.parameters.extra = R"({"input_type":"search_query"})";
  CHECK(body_of(request)["input_type"] == "search_query");
  request.model = kModel;
  CHECK(refusal(request).find("amazon.titan-embed") != std::string::npos);
}

TEST_CASE("what Bedrock can't be asked is said before anything is sent", "[REQ-060]") {
  AiRequest request = asking("hi");
  request.messages[0].parts.push_back(AiImage{"https://example.org/a.png", "", ""});
  CHECK(refusal(request) == "Bedrock fetches no images: give their bytes, not their URL");
  request.messages[0].parts.back() = AiImage{"", "image/bmp", "AAAA"};
  CHECK(refusal(request).ends_with("and image/webp, not 'image/bmp'"));
  request = asking("hi");
  request.parameters.seed = 1;
  CHECK(refusal(request).starts_with("Bedrock knows no seed"));
  request = asking("hi");
  request.messages[0].role = AiRole::kSystem;
  CHECK(refusal(request) == "a chat needs a message that is not the system's");
  request = asking("hi");
  request.messages.push_back({AiRole::kAssistant, {AiToolCall{"c1", "look", "{}"}}});
  request.tool_choice = {AiToolChoice::Kind::kNone, ""};
  CHECK(refusal(request).starts_with("Bedrock can't be kept from calling tools"));
  request = asking("hi");
  request.parameters.extra = R"({"messages":[]})";
  CHECK(refusal(request) == "extra: 'messages' is set by the stage itself");
  request.parameters.extra = R"({"inferenceConfig":1})";
  CHECK(refusal(request).find("extra.inferenceConfig") != std::string::npos);
}

TEST_CASE("what Bedrock counts is signed for its own path", "[REQ-062]") {
  const BedrockConverse provider("us-east-1");
  AiRequest request = asking("hi");
  request.messages.insert(request.messages.begin(), {AiRole::kSystem, {AiText{"be short"}}});
  request.parameters.temperature = 0.5;
  const auto counting = provider.counting(request, kAccess);
  REQUIRE(counting);
  const AiHttpRequest& http = counting->request;
  CHECK(http.url == kAccess.base_url + "/model/anthropic.claude-3-haiku-20240307-v1%3A0/count-tokens");
  CHECK(header(http, "authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock"));
  CHECK(header(http, "authorization") != header(provider.encode(request, kAccess), "authorization"));
  CHECK(Json::parse(http.body) == Json::parse(R"({"input":{"converse":{
    "messages":[{"role":"user","content":[{"text":"hi"}]}],"system":[{"text":"be short"}]}}})"));
  CHECK(*counting->read(R"({"inputTokens":12})") == 12);
}
