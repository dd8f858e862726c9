#include <catch2/catch.hpp>

#include "components/gateway/anthropic_answers.h"
#include "components/gateway/anthropic_requests.h"

namespace colloquium::components {
namespace {

std::string problem_of(std::string_view body) {
  const auto parsed = parse_messages(body, {});
  return parsed ? "" : parsed.error().message;
}

TEST_CASE("messages have a system, blocks and tools") {
  const auto parsed = parse_messages(R"({"model": "c", "max_tokens": 9, "stream": true, "stop_sequences": ["E"],
    "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}],
    "messages": [
      {"role": "user", "content": [{"type": "text", "text": "x"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"type": "image", "source": {"type": "url", "url": "https://h/i"}}]},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "?", "signature": "s"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": true,
        "content": [{"type": "text", "text": "no"}]}]}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "tool", "name": "f"},
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}})",
                                     {});
  REQUIRE(parsed);
  const AiRequest& request = parsed->request;
  REQUIRE(request.messages.size() == 4);
  CHECK(std::get<AiText>(request.messages[0].parts[0]).text == "a\n\nb");
  CHECK(std::get<AiImage>(request.messages[1].parts[1]).base64 == "AA");
  CHECK(std::get<AiImage>(request.messages[1].parts[2]).url == "https://h/i");
  REQUIRE(request.messages[2].parts.size() == 1);
  CHECK(std::get<AiToolCall>(request.messages[2].parts[0]).arguments == R"({"x": 1})");
  CHECK(std::get<AiToolResult>(request.messages[3].parts[0]).is_error);
  CHECK(request.tool_choice.name == "f");
  CHECK(request.output_schema == R"({"type": "object"})");
  CHECK(request.parameters.max_output_tokens == 9);
  CHECK(parsed->stream);
}

TEST_CASE("what are no messages is told by its place") {
  const std::string head = R"({"model":"m","max_tokens":1,"messages":)";
  CHECK(problem_of("{\"model\":\"\xff\"}").find("no JSON") != std::string::npos);
  CHECK(problem_of(R"({"model":"m","messages":[]})") == "max_tokens has to be 1 or more");
  CHECK(problem_of(head + "[]}") == "messages is empty");
  CHECK(problem_of(head + "{}}") == "messages has to be a list");
  CHECK(problem_of(head + R"([{"role":"tool","content":"x"}]})").find("no role 'tool'") != std::string::npos);
  CHECK(problem_of(head + R"([{"role":"user","content":[{"type":"document"}]}]})").find("messages.0.content.0") ==
        0);
  CHECK(problem_of(head + R"([{"role":"user","content":"x"}],"tools":[{"type":"bash_1","name":"b"}]})")
            .find("tools.0") == 0);
  CHECK(problem_of(head + R"([{"role":"user","content":"x"}],"tool_choice":{"type":"?"}})").find("tool_choice") ==
        0);
}

TEST_CASE("a stream of messages has blocks that begin and stop") {
  ApiRequest request;
  request.model = "m";
  AnthropicAnswerWriter writer(request, {"1", 0});
  std::string out;
  writer.output(AiReasoningDelta{"hm"}, out);
  writer.output(AiTextDelta{"a"}, out);
  writer.output(AiTextDelta{"b"}, out);
  writer.output(AiToolCallDelta{.index = 0, .id = "t", .name = "f", .arguments = ""}, out);
  writer.output(AiToolCallDelta{.index = 0, .id = "", .name = "", .arguments = "{}"}, out);
  writer.output(AiToolCallDelta{.index = 1, .id = "u", .name = "f", .arguments = "{}"}, out);
  AiAnswer answer;
  answer.tool_calls = {{"t", "f", "{}"}, {"u", "f", "{}"}};
  answer.usage = {.input = 3, .cache_read = 2, .output = 5, .reasoning = 1};
  writer.finish(answer, out);
  std::string types;
  for (size_t at = out.find("event: "); at != out.npos; at = out.find("event: ", at + 1)) {
    types += out.substr(at + 7, out.find('\n', at) - at - 7) + " ";
  }
  CHECK(
      types ==
      "message_start content_block_start content_block_delta content_block_stop content_block_start "
      "content_block_delta content_block_delta content_block_stop content_block_start content_block_delta "
      "content_block_stop content_block_start content_block_delta content_block_stop message_delta message_stop ");
  CHECK(out.find(R"("stop_reason":"tool_use")") != out.npos);
  CHECK(out.find(R"("usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,)"
                 R"("output_tokens":6})") != out.npos);
}

}  // namespace
}  // namespace colloquium::components
