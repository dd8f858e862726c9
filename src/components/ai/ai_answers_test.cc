#include "components/ai/ai_answers.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

using namespace colloquium;
using namespace colloquium::components;

namespace {

AiStageProgram program(AiStageTask task, std::string_view schema = {}) {
  AiStageProgram made;
  made.task = task;
  if (schema.empty()) return made;
  made.schema = std::move(*ai::JsonSchema::parse(schema));
  made.request.output_schema = std::string(schema);
  return made;
}

AiAnswer said(std::string text) {
  AiAnswer answer;
  answer.text = std::move(text);
  return answer;
}

constexpr std::string_view kLabels =
    R"({"type":"object","properties":{"label":{"type":"string","enum":["bug","feature"]}},"required":["label"]})";

}  // namespace

TEST_CASE("an answer's text is a JSON string") {
  CHECK(*value_of(program(AiStageTask::kChat), said("Hi \"you\"\n"), 1, false) == R"("Hi \"you\"\n")");
}

TEST_CASE("a label is one of those there are, with or without the JSON around it") {
  AiStageProgram labels = program(AiStageTask::kClassify, kLabels);
  labels.labels = {"bug", "feature"};
  CHECK(*value_of(labels, said(R"({"label": "bug"})"), 1, false) == "\"bug\"");
  CHECK(*value_of(labels, said("```json\n{\"label\":\"feature\"}\n```\n"), 1, false) == "\"feature\"");
  CHECK(*value_of(labels, said(" feature\n"), 1, false) == "\"feature\"");
  CHECK(value_of(labels, said(R"({"label":"other"})"), 1, false).error().code == ErrorCode::kInvalidInput);
  CHECK_FALSE(value_of(labels, said("It is a bug."), 1, false));
}

TEST_CASE("what is extracted is JSON of its schema, as the model wrote it", "[REQ-074]") {
  const AiStageProgram facts = program(AiStageTask::kExtract, R"({"type":"object","required":["n"]})");
  CHECK(*value_of(facts, said("{\"n\": 1.50}"), 1, false) == "{\"n\": 1.50}");
  CHECK(*value_of(facts, said("```\n{\"n\":1}\n```"), 1, false) == "{\"n\":1}");
  CHECK(value_of(facts, said("{}"), 1, false).error().message.find("expected a member") != std::string::npos);
  CHECK_FALSE(value_of(facts, said(""), 1, false));
}

TEST_CASE("vectors keep every digit of a float and no more") {
  AiAnswer answer;
  answer.embeddings = {{0.1F, -2.5F, 1e-7F}};
  CHECK(*value_of(program(AiStageTask::kEmbed), answer, 1, false) == "[0.1,-2.5,1e-07]");
  CHECK_FALSE(value_of(program(AiStageTask::kEmbed), answer, 2, true));
  answer.embeddings.push_back({1});
  CHECK(*value_of(program(AiStageTask::kEmbed), answer, 2, true) == "[[0.1,-2.5,1e-07],[1]]");
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    answer.embeddings[1] = {1, bad};
    CHECK(value_of(program(AiStageTask::kEmbed), answer, 2, true).error().code == ErrorCode::kInvalidInput);
  }
  answer.embeddings[1] = {};
  CHECK_FALSE(value_of(program(AiStageTask::kEmbed), answer, 2, true));
}

TEST_CASE("calls of tools come with the text") {
  AiStageProgram tools = program(AiStageTask::kChat);
  tools.request.tools.push_back({"look_up", "", "{}"});
  AiAnswer answer = said("let me see");
  answer.tool_calls.push_back({"call-1", "look_up", R"({"id": 7})"});
  CHECK(*value_of(tools, answer, 1, false) ==
        R"({"text":"let me see","tool_calls":[{"arguments":{"id": 7},"id":"call-1","name":"look_up"}]})");
  answer.tool_calls[0].arguments = "";
  CHECK(value_of(tools, answer, 1, false)->find(R"("arguments":{})") != std::string::npos);
  for (const char* bad : {"{\"id\": 7", "id=7", "{} {}"}) {
    answer.tool_calls[0].arguments = bad;
    CHECK(value_of(tools, answer, 1, false).error().code == ErrorCode::kInvalidInput);
  }
  CHECK(*value_of(tools, said("done"), 1, false) == R"({"text":"done","tool_calls":[]})");
}

TEST_CASE("details say who answered, and what it took") {
  AiAnswer answer = said("x");
  answer.call = "c-1";
  answer.model = {"openai", "gpt-4o-mini", 1};
  answer.usage.input = 12;
  answer.usage.output = 3;
  answer.cost_nano_usd = 3'600;
  AiStageProgram::Arm arm;
  arm.prompt_label = "triage@3";
  CHECK(details_of(answer, arm, 0) ==
        R"({"call":"c-1","cost_usd":0.0000036,"finish":"stop","model":"openai/gpt-4o-mini","prompt":"triage@3",)"
        R"("tokens":{"input":12,"output":3}})");
  arm.name = "b";
  CHECK(details_of(answer, arm, 2).rfind(R"({"arm":"b",)", 0) == 0);
  CHECK(details_of(answer, arm, 2).find(R"("repairs":2)") != std::string::npos);
}
