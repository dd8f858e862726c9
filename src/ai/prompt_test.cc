#include "ai/prompt.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

using namespace colloquium;
using namespace colloquium::ai;

namespace {

ConfigMark at(int line = 1, int column = 1) {
  return {std::make_shared<const std::string>("prompts/triage@3.md"), line, column};
}

PromptText parsed(std::string_view text) {
  ConfigProblems problems;
  PromptText prompt = parse_prompt(text, at(), {}, problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem.describe());
  REQUIRE(problems.empty());
  return prompt;
}

std::string wrong(std::string_view text) {
  ConfigProblems problems;
  parse_prompt(text, at(), {}, problems);
  REQUIRE(problems.size() == 1);
  return problems[0].describe();
}

std::shared_ptr<const Batch> event(std::string_view json) {
  BatchBuilder builder;
  builder.add(json, {}, {.key = "k"});
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

std::string text_of(const AiMessage& message) {
  REQUIRE(message.parts.size() == 1);
  return std::get<AiText>(message.parts[0]).text;
}

}  // namespace

TEST_CASE("a prompt is messages with expressions of the event in them", "[REQ-087]") {
  Prompt prompt(parsed("--- system\nYou sort bug reports.\n\n--- user\nTitle: {{ $input/title }}\n"
                       "Labels: {{ $input/labels }}, {{ $input/n + 1 }}\n"),
                nullptr);
  const auto messages = prompt.render(*event(R"({"title":"It \"breaks\"\n","labels":["a", "b"],"n":2})"), 0);
  REQUIRE(messages);
  REQUIRE(messages->size() == 2);
  CHECK((*messages)[0].role == AiRole::kSystem);
  CHECK(text_of((*messages)[0]) == "You sort bug reports.");
  CHECK((*messages)[1].role == AiRole::kUser);
  CHECK(text_of((*messages)[1]) == "Title: It \"breaks\"\n\nLabels: [\"a\", \"b\"], 3");
}

TEST_CASE("what stands before the first role is the user's, and an empty message is left out") {
  Prompt prompt(parsed("{{ $input/a }}\n--- assistant\n{{ $input/b }}"), nullptr);
  const auto both = prompt.render(*event(R"({"a":"x","b":"y"})"), 0);
  REQUIRE(both->size() == 2);
  CHECK((*both)[0].role == AiRole::kUser);
  CHECK((*both)[1].role == AiRole::kAssistant);
  CHECK(prompt.render(*event(R"({"a":"x","b":" "})"), 0)->size() == 1);
  CHECK(prompt.render(*event(R"({"a":"","b":""})"), 0).error().code == ErrorCode::kInvalidInput);
}

TEST_CASE("braces and rules that belong to the text, or to an expression, end nothing") {
  Prompt prompt(parsed("A\n---\nB {{ {a: {b: $input/x}} }} {{ \"}}\" }}\n-----\n"), nullptr);
  const auto messages = prompt.render(*event(R"({"x":1})"), 0);
  REQUIRE(messages);
  REQUIRE(messages->size() == 1);
  CHECK(text_of((*messages)[0]) == "A\n---\nB {\"a\":{\"b\":1}} }}\n-----");
}

TEST_CASE("an expression that fails on an event says where it stands") {
  Prompt prompt(parsed("Hello\n{{ $input/missing }}"), nullptr);
  const auto failed = prompt.render(*event("{}"), 0);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().describe().find("prompts/triage@3.md:2:") != std::string::npos);
}

TEST_CASE("what is wrong with a prompt is told with its place") {
  CHECK(wrong("a\n{{ $inputt }}").rfind("prompts/triage@3.md:2:4: error: ", 0) == 0);
  CHECK(wrong("a {{ 1 ") == "prompts/triage@3.md:1:3: error: '{{' has no '}}'");
  CHECK(wrong("--- robot\nhi") ==
        "prompts/triage@3.md:1:1: error: '--- robot' begins no message; known: --- system, "
        "--- user, --- assistant");
  CHECK(wrong(" \n") == "prompts/triage@3.md:2:1: error: the prompt has no message");
}

TEST_CASE("prompts are files by name and version") {
  CHECK(prompt_file("prompts/triage@3") == "prompts/triage@3.md");
  CHECK(prompt_file("a.md") == "a.md");
  CHECK(prompt_label("prompts/triage@3") == "triage@3");
  CHECK(prompt_label("a.md") == "a");
}

TEST_CASE("messages may be made by a script, images by address or bytes included") {
  const auto messages = messages_of(
      R"([{"role":"system","content":"s"},{"role":"user","content":[{"text":"t"},{"image":"https://example.org/a.png"},
          {"image":{"media_type":"image/png","base64":"AA=="}}]}])");
  REQUIRE(messages);
  REQUIRE(messages->size() == 2);
  const auto& parts = (*messages)[1].parts;
  REQUIRE(parts.size() == 3);
  CHECK(std::get<AiImage>(parts[1]).url == "https://example.org/a.png");
  CHECK(std::get<AiImage>(parts[2]).base64 == "AA==");
  CHECK(messages_of("[]").error().message == "'messages' gives no list of messages");
  CHECK(messages_of(R"([{"role":"user","content":"a"},{"content":"b"}])").error().message ==
        "message 2 has no role of 'system', 'user' and 'assistant'");
  CHECK(messages_of(R"([{"role":"user","content":[{"video":1}]}])").error().message ==
        "message 1 has a part that is neither {text} nor {image}");
  CHECK(messages_of(R"([{"role":"user"}])").error().message ==
        "message 1 has a content that is neither a text nor a list of parts");
}
