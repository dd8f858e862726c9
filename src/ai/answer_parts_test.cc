#include "ai/answer_parts.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

namespace colloquium::ai {
namespace {

TEST_CASE("an answer is put together of what came") {
  AnswerParts parts(1000);
  parts.take(AiTextDelta{"he"});
  parts.take(AiTextDelta{"llo"});
  parts.take(AiReasoningDelta{"hm"});
  parts.take(AiToolCallDelta{1, "id1", "look", "{\"a\""});
  parts.take(AiToolCallDelta{1, "", "", ":1}"});
  parts.take(AiEmbedding{0, {0.25F}});
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

TEST_CASE("vectors are of finite numbers, none is missing, and there are as many as are to be") {
  const auto failure = [](const std::vector<AiEmbedding>& vectors, size_t wanted) {
    AnswerParts parts(1000, wanted);
    for (const AiEmbedding& each : vectors) parts.take(each);
    AiUsage usage;
    usage.input = 4;
    parts.take(usage);
    parts.take(AiFinished{});
    CHECK(parts.usage().input == 4);
    CHECK(parts.finished().has_value() != parts.failure().has_value());
    return parts.failure() ? parts.failure()->message : "";
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(failure({{0, {1, 2}}, {1, {3, 4}}}, 2).empty());
  CHECK(failure({{0, {1, 2}}}, 0).empty());
  CHECK(failure({{0, {1, kNaN}}}, 1) == "the answer has a vector of what is no finite number");
  CHECK(failure({{0, {kInfinity}}, {1, {1}}}, 2) == "the answer has a vector of what is no finite number");
  CHECK(failure({{0, {1}}}, 2) == "the answer has 1 vectors for 2 texts");
  CHECK(failure({}, 1) == "the answer has 0 vectors for 1 texts");
  CHECK(failure({{1, {1}}}, 2) == "the answer lacks one of its vectors");
  CHECK(failure({{1, {1}}}, 0) == "the answer lacks one of its vectors");
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
