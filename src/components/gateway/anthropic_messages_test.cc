#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/manual_clock.h"
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

// What clients put together of a stream: its blocks in their order, each begun and ended once.
struct Stream {
  std::vector<std::string> blocks;
  std::string problem;

  explicit Stream(const std::string& events) {
    bool open = false;
    for (size_t at = events.find("data: "); at != events.npos; at = events.find("data: ", at + 1)) {
      const auto event = nlohmann::json::parse(events.substr(at + 6, events.find('\n', at) - at - 6));
      const std::string type = event["type"];
      if (!type.starts_with("content_block")) continue;
      const size_t index = event["index"];
      if (type == "content_block_start") {
        if (open || index != blocks.size()) problem += "begins " + std::to_string(index) + "; ";
        const auto& block = event["content_block"];
        blocks.push_back(block["type"] == "tool_use"
                             ? block["id"].get<std::string>() + " " + block["name"].get<std::string>() + " "
                             : block["type"].get<std::string>() + " ");
        open = true;
      } else if (!open || index + 1 != blocks.size()) {
        problem += type + " " + std::to_string(index) + "; ";
      } else if (type == "content_block_delta") {
        for (const char* key : {"text", "thinking", "partial_json"})
          blocks.back() += event["delta"].value(key, "");
      } else {
        open = false;
      }
    }
    if (open) problem += "is not ended";
  }
};

struct Written {
  AnthropicAnswerWriter writer{ApiRequest{.model = "c"}, ApiAnswerHead{.id = "1"}};
  std::string events;

  Written& call(size_t index, std::string_view id, std::string_view name, std::string_view arguments) {
    writer.output(AiToolCallDelta{index, id, name, arguments}, events);
    return *this;
  }
  Written& text(std::string_view text) {
    writer.output(AiTextDelta{text}, events);
    return *this;
  }
  Stream end() {
    writer.finish({}, events);
    return Stream(events);
  }
};

TEST_CASE("calls that come piece by piece in turns are blocks one behind the other") {
  Written written;
  written.text("Let me look.").call(0, "a", "find", "{\"q\": \"}").call(1, "b", "get", "{\"n\":");
  // The first is shown as it comes, though the second has begun.
  CHECK(written.events.find("\\\"}") != std::string::npos);
  CHECK(written.events.find("get") == std::string::npos);
  written.call(0, "", "", "\\\"\"}").call(1, "", "", "[1]}").call(2, "c", "no_arguments", "").call(1, "", "", " ");
  const Stream stream = written.end();
  CHECK(stream.problem.empty());
  CHECK(stream.blocks == std::vector<std::string>{"text Let me look.", "a find {\"q\": \"}\\\"\"}",
                                                  "b get {\"n\":[1]}", "c no_arguments "});
}

TEST_CASE(
    "a call that is whole ends as soon as something else begins, and one that is not holds back what follows") {
  Written written;
  written.call(0, "a", "find", "{}").text("And");
  CHECK(written.events.find("\"And\"") != std::string::npos);
  written.call(1, "b", "get", "").text(" then");
  CHECK(written.events.find("then") == std::string::npos);
  const Stream stream = written.text(" more").end();
  CHECK(stream.problem.empty());
  CHECK(stream.blocks == std::vector<std::string>{"a find {}", "text And", "b get ", "text  then more"});
}

TEST_CASE("what a model calls a tool with is an object in a whole answer, whatever it wrote") {
  AiAnswer answer;
  answer.finished.reason = AiFinish::kLength;
  answer.tool_calls = {
      {"a", "f", ""}, {"b", "f", "{\"a\": "}, {"c", "f", " "}, {"d", "f", "[1]"}, {"e", "f", "\xff"}};
  AnthropicAnswerWriter writer(ApiRequest{.model = "m"}, {"1", 0});
  const auto message = nlohmann::json::parse(writer.whole(answer), nullptr, true);
  const auto input = [&](size_t call) { return message["content"].at(call)["input"].dump(); };
  CHECK(input(0) == "{}");
  CHECK(input(1) == R"({"_raw":"{\"a\": "})");
  CHECK(input(2) == "{}");
  CHECK(input(3) == R"({"_raw":"[1]"})");
  CHECK(message["content"].at(4)["input"].contains("_raw"));
}

TEST_CASE("calls of tools in any order of pieces become the same blocks") {
  SeededRandom random(7);
  const std::vector<std::string> arguments = {R"({"a":"[{\\\"","b":[1,{"c":2}]})", R"({})", R"({"x":{"y":"}"}})"};
  for (int round = 0; round < 200; ++round) {
    Written written;
    std::vector<size_t> sent(arguments.size(), 0);
    std::vector<std::string> expected(arguments.size());
    std::vector<size_t> order;
    for (size_t left = arguments.size(); left > 0;) {
      const size_t call = random.next() % arguments.size();
      const std::string& text = arguments[call];
      if (sent[call] == text.size()) continue;
      const size_t size = std::min<size_t>(1 + random.next() % 4, text.size() - sent[call]);
      const std::string id = "id" + std::to_string(call);
      const bool first = sent[call] == 0;
      if (first) order.push_back(call);
      written.call(call, first ? id : "", first ? "tool" : "", std::string_view(text).substr(sent[call], size));
      sent[call] += size;
      if (sent[call] == text.size()) --left;
    }
    const Stream stream = written.end();
    CHECK(stream.problem.empty());
    for (size_t i = 0; i < order.size(); ++i)
      expected[i] = "id" + std::to_string(order[i]) + " tool " + arguments[order[i]];
    CHECK(stream.blocks == expected);
  }
}

}  // namespace
}  // namespace colloquium::components
