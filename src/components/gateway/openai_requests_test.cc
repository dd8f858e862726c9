#include "components/gateway/openai_requests.h"

#include <catch2/catch.hpp>

#include "components/gateway/openai_answers.h"
#include "json/walk.h"

namespace colloquium::components {
namespace {

std::string problem_of(std::string_view body) {
  const auto parsed = parse_chat_completion(body, {});
  return parsed ? "" : parsed.error().message;
}

std::string with(const std::string& members) {
  return R"({"model":"m","messages":[{"role":"user","content":"x"}],)" + members + "}";
}

TEST_CASE("a chat has its messages, tools and parameters") {
  const auto parsed = parse_chat_completion(R"({
    "model": "gpt-4o-mini", "max_tokens": 5, "max_completion_tokens": 7, "temperature": 0, "top_p": 0.5, "seed": 3,
    "stop": "END", "stream": true, "stream_options": {"include_usage": true}, "user": "me", "reasoning_effort": "low",
    "messages": [
      {"role": "developer", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://h/i.png"}}]},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": ""}}]},
      {"role": "tool", "tool_call_id": "a", "content": "1"},
      {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}})",
                                            {"reasoning_effort"});
  REQUIRE(parsed);
  const AiRequest& request = parsed->request;
  CHECK(parsed->model == "gpt-4o-mini");
  CHECK((parsed->stream && parsed->stream_usage));
  REQUIRE(request.messages.size() == 4);
  CHECK(request.messages[0].role == AiRole::kSystem);
  REQUIRE(request.messages[1].parts.size() == 3);
  CHECK(std::get<AiImage>(request.messages[1].parts[1]).media_type == "image/png");
  CHECK(std::get<AiImage>(request.messages[1].parts[1]).base64 == "AAAA");
  CHECK(std::get<AiImage>(request.messages[1].parts[2]).url == "https://h/i.png");
  REQUIRE(request.messages[2].parts.size() == 2);
  CHECK(std::get<AiToolCall>(request.messages[2].parts[0]).arguments == R"({"x":1})");
  CHECK(std::get<AiToolCall>(request.messages[2].parts[1]).arguments == "{}");
  CHECK(request.messages[3].role == AiRole::kUser);
  REQUIRE(request.messages[3].parts.size() == 2);
  CHECK(std::get<AiToolResult>(request.messages[3].parts[1]).content == "2");
  CHECK(request.tools.at(0).parameters == R"({"type":"object","properties":{}})");
  CHECK(request.tool_choice.name == "f");
  CHECK(request.output_schema == R"({"type": "object"})");
  CHECK(request.schema_terms == AiSchemaTerms{.strict = false, .name = "n", .description = ""});
  CHECK(request.parameters.max_output_tokens == 7);
  CHECK(request.parameters.temperature == 0);
  CHECK(request.parameters.seed == 3);
  CHECK(request.parameters.stop == std::vector<std::string>{"END"});
  CHECK(request.parameters.extra == R"({"reasoning_effort":"low"})");
}

TEST_CASE("what is no request is told by its place") {
  CHECK(problem_of("").find("no JSON") != std::string::npos);
  CHECK(problem_of("{\"model\":").find("no JSON") != std::string::npos);
  CHECK(problem_of("{\"model\":\"\xff\"}").find("no JSON") != std::string::npos);
  CHECK(problem_of(std::string(100'000, '[')).find("no JSON") != std::string::npos);
  CHECK(problem_of("[]") == "the body has to be an object");
  CHECK(problem_of("{}") == "'model' is missing");
  CHECK(problem_of(R"({"model":1})") == "'model' has to be a string");
  CHECK(problem_of(R"({"model":"m"})") == "'messages' is missing");
  CHECK(problem_of(R"({"model":"m","messages":"none"})") == "'messages' has to be a list");
  CHECK(problem_of(R"({"model":"m","messages":[]})") == "'messages' is empty");
  CHECK(problem_of(R"({"model":"m","messages":[1]})") == "'messages[0]' has to be an object");
  CHECK(problem_of(R"({"model":"m","messages":[{"role":"user"}]})") == "'messages[0]': 'content' is missing");
  CHECK(problem_of(R"({"model":"m","messages":[{"role":"god","content":"x"}]})").find("no role 'god'") !=
        std::string::npos);
  CHECK(problem_of(R"({"model":"m","messages":[{"role":"user","content":[{"type":"input_audio"}]}]})")
            .find("'input_audio'") != std::string::npos);
  CHECK(problem_of(with(R"("max_tokens":"5")")) == "'max_tokens' has to be an integer");
  CHECK(problem_of(with(R"("max_tokens":99999999999999999999)")) == "'max_tokens' has to be an integer");
  CHECK(problem_of(with(R"("max_tokens":0)")) == "'max_completion_tokens' has to be 1 or more");
  CHECK(problem_of(with(R"("n":2)")) == "'n' has to be 1 here");
  CHECK(problem_of(with(R"("logprobs":true)")) == "'logprobs' can't be asked for here");
  CHECK(problem_of(with(R"("functions":[])")) == "'functions' can't be asked for here");
  CHECK(problem_of(with(R"("stop":[1])")) == "'stop' has to be a string or a list of strings");
  CHECK(problem_of(with(R"("tools":[{"type":"web_search"}])")).find("only tools of type") != std::string::npos);
  CHECK(problem_of(with(R"("tool_choice":"maybe")")).find("'tool_choice' is") == 0);
  CHECK(problem_of(with(R"("response_format":{"type":"json_schema"})")).find("is missing") != std::string::npos);
  CHECK(problem_of(R"({"model":"m","messages":[{"role":"assistant","tool_calls":[)"
                   R"({"id":"a","function":{"name":"f","arguments":"[]"}}]}]})")
            .find("JSON object") != std::string::npos);
  CHECK(problem_of(R"({"model":"m","messages":[{"role":"user","content":[)"
                   R"({"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]})")
            .find("https://") != std::string::npos);
}

TEST_CASE("a schema has the terms that the client gives it, and goes out once") {
  const auto parsed =
      parse_chat_completion(with(R"("response_format":{"type":"json_schema","json_schema":)"
                                 R"({"name":"n","description":"d","strict":true,"schema":{"type":"object"}}})"),
                            {});
  REQUIRE(parsed);
  CHECK(parsed->request.schema_terms == AiSchemaTerms{.strict = true, .name = "n", .description = "d"});
  CHECK(problem_of(with(R"("response_format":{"type":"json_schema","json_schema":{"strict":1,"schema":{}}})"))
            .find("'response_format.json_schema.strict' has to be true or false") == 0);
  const auto any = parse_chat_completion(with(R"("response_format":{"type":"json_object"})"), {"response_format"});
  REQUIRE(any);
  CHECK(any->request.parameters.extra == R"({"response_format":{"type":"json_object"}})");
}

TEST_CASE("a request has a bound of values, as each takes many times its bytes") {
  const auto of = [](size_t count, const std::string& value) {
    std::string list = value;
    for (size_t i = 1; i < count; ++i) list += "," + value;
    return with("\"x\":[" + list + "]");
  };
  const std::string problem = problem_of(of(500'000, "[]"));
  CHECK(problem == "the body is of more than 500000 values");
  CHECK(problem_of(of(100'000, "[]")).empty());
  // Text may be of anything.
  CHECK(problem_of(of(10, R"("\\\")" + std::string(1'000'000, ',') + R"([")")).empty());
  std::string inputs = R"("a")";
  for (size_t i = 1; i < 2048; ++i) inputs += R"(,"a")";
  CHECK(parse_embeddings(R"({"model":"e","input":[)" + inputs + "]}", {}));
  const auto many = parse_embeddings(R"({"model":"e","input":[)" + inputs + R"(,"a"]})", {});
  REQUIRE_FALSE(many);
  CHECK(many.error().message == "'input' is a list of more than 2048 texts");
}

TEST_CASE("embeddings are of texts") {
  const auto parsed = parse_embeddings(
      R"({"model":"e","input":["a","b"],"encoding_format":"base64","dimensions":3,"user":"me"})", {});
  REQUIRE(parsed);
  CHECK(parsed->request.inputs == std::vector<std::string>{"a", "b"});
  CHECK(parsed->base64);
  CHECK(parsed->request.parameters.extra == R"({"dimensions":3})");
  CHECK_FALSE(parse_embeddings(R"({"model":"e","input":[1,2]})", {}));
  CHECK_FALSE(parse_embeddings(R"({"model":"e","input":[]})", {}));
  CHECK_FALSE(parse_embeddings(R"({"model":"e","input":"x","encoding_format":"hex"})", {}));
}

TEST_CASE("a stream has a beginning, its pieces, and an end with what it took") {
  ApiRequest request;
  request.model = "m";
  request.stream_usage = true;
  OpenAiAnswerWriter writer(request, {"1", 5000});
  std::string out;
  writer.output(AiUsage{.input = 3}, out);
  CHECK(out.empty());
  writer.output(AiTextDelta{"a \"b\"\n\xff"}, out);
  writer.output(AiToolCallDelta{.index = 1, .id = "c", .name = "f", .arguments = "{"}, out);
  AiAnswer answer;
  answer.finished.reason = AiFinish::kLength;
  answer.usage = {.input = 3, .cache_read = 2, .output = 5, .reasoning = 1};
  writer.finish(answer, out);
  const std::string head = R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m",)";
  const std::string wanted[] = {
      head +
          R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null})",
      R"("delta":{"tool_calls":[{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]})",
      R"("delta":{},"logprobs":null,"finish_reason":"length"}],"usage":null})",
      head + R"("choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11,)",
      "data: [DONE]\n\n"};
  size_t from = 0;
  for (const std::string& text : wanted) {
    INFO(out << " lacks " << text);
    from = out.find(text, from);
    REQUIRE(from != out.npos);
  }
}

TEST_CASE("an embedding in base64 is of little-endian floats") {
  ApiRequest request;
  request.request.task = AiTask::kEmbed;
  request.base64 = true;
  AiAnswer answer;
  answer.embeddings = {{1.0F}};
  CHECK(OpenAiAnswerWriter(request, {}).whole(answer).find(R"("embedding":"AACAPw==")") != std::string::npos);
  request.base64 = false;
  CHECK(OpenAiAnswerWriter(request, {}).whole(answer).find(R"("embedding":[1])") != std::string::npos);
}

}  // namespace
}  // namespace colloquium::components
