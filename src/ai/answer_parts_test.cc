#include "ai/answer_parts.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

TEST_CASE("an answer is put together of what came") {
  AnswerParts parts(1000);
  parts.take(AiTextDelta{"he"});
  parts.take(AiTextDelta{"llo"});
  parts.take(AiReasoningDelta{"hm"});
  parts.take(AiToolCallDelta{1, "id1", "look", "{\"a\""});
  parts.take(AiToolCallDelta{1, "", "", ":1}"});
  parts.take(AiEmbedding{1, {0.5F}});
  AiUsage usage;
  usage.input = 5;
  usage.output = 1;
  parts.take(usage);
  usage = {};
  usage.output = 2;
  parts.take(usage);
  CHECK_FALSE(parts.ended());
  parts.take(AiFinished{AiFinish::kLength, "max"});
  parts.take(AiTextDelta{"more"});
  CHECK(parts.finished()->said == "max");
  CHECK_FALSE(parts.failure());
  CHECK(parts.content().text == "hello");
  REQUIRE(parts.content().tool_calls.size() == 2);
  CHECK(parts.content().tool_calls[1].arguments == "{\"a\":1}");
  CHECK(parts.content().embeddings[1] == std::vector<float>{0.5F});
  CHECK(parts.content().finished.reason == AiFinish::kLength);
  CHECK(parts.reasoning_bytes() == 2);
  CHECK(parts.usage().input == 5);
  CHECK(parts.usage().output == 2);
}

TEST_CASE("an answer that is too long has failed") {
  AnswerParts parts(10);
  parts.take(AiTextDelta{"0123456789"});
  CHECK_FALSE(parts.ended());
  parts.take(AiReasoningDelta{"x"});
  REQUIRE(parts.failure());
  CHECK(parts.failure()->kind == AiFailureKind::kCaller);
  parts.take(AiFinished{});
  CHECK_FALSE(parts.finished());
}

TEST_CASE("numbers that no provider gives are not followed") {
  AnswerParts parts(1000);
  parts.take(AiToolCallDelta{size_t{1} << 40, "id", "name", ""});
  parts.take(AiEmbedding{size_t{1} << 40, {1}});
  CHECK(parts.content().tool_calls.empty());
  CHECK(parts.content().embeddings.empty());
}

TEST_CASE("a finished answer is told in few pieces") {
  CallContent content;
  content.text = "hello";
  content.tool_calls = {{"i", "n", "{}"}};
  std::string told;
  AnswerParts::tell(content, [&](const AiOutput& output) {
    if (const auto* text = std::get_if<AiTextDelta>(&output)) told += text->text;
    if (const auto* call = std::get_if<AiToolCallDelta>(&output)) told += call->name;
  });
  CHECK(told == "hellon");
}

}  // namespace
}  // namespace colloquium::ai
