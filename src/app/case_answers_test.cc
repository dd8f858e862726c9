#include "app/case_answers.h"

#include <catch2/catch.hpp>

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::app {
namespace {

struct Read {
  CaseAnswersByStage answers;
  std::string problems;
};

// `yaml`: a list of answers, of the stage "s".
Read read(const std::string& yaml) {
  ConfigProblems problems;
  const auto list = config::load_yaml(yaml, "x.test.yaml", problems);
  REQUIRE(list);
  Read out;
  for (const ConfigNode& item : list->items) {
    WrittenAnswer written;
    read_object(item, ConfigObject<WrittenAnswer>::spec().object(), "answer", &written, problems);
    out.answers["s"].push_back(read_answer(written, item, problems));
  }
  out.problems = config::describe(problems);
  return out;
}

AiQuestion question(const std::string& text) {
  AiQuestion question;
  question.who = "s";
  question.models = {{"one", "m", 1}};
  question.request.messages = {{AiRole::kSystem, {AiText{"Be brief."}}}, {AiRole::kUser, {AiText{text}}}};
  return question;
}

AiAnswer answered(const std::string& yaml) {
  const Read read_answers = read("[" + yaml + "]");
  INFO(read_answers.problems);
  REQUIRE(read_answers.problems.empty());
  CaseAnswers answers(read_answers.answers);
  const auto outcome = answers.answer(question("x"), "{}");
  REQUIRE((outcome && outcome->answer));
  return *outcome->answer;
}

std::string problem_of(const std::string& yaml) {
  return read("[" + yaml + "]").problems;
}

TEST_CASE("an answer is a text, a value, calls of tools, or vectors") {
  CHECK(answered("bug").text == "bug");
  CHECK(answered("bug").model.model == "m");
  CHECK(answered("{json: {b: [1, null], a: x}}").text == R"({"b":[1,null],"a":"x"})");
  CHECK(answered("{json: null}").text == "null");
  const AiAnswer calls =
      answered("{text: ok, tool_calls: [{name: find, arguments: {id: 7}}, {name: raw, arguments: '{', id: c}]}");
  CHECK(calls.text == "ok");
  REQUIRE(calls.tool_calls.size() == 2);
  CHECK(calls.tool_calls[0].id == "call_1");
  CHECK(calls.tool_calls[0].arguments == R"({"id":7})");
  CHECK(calls.tool_calls[1].arguments == "{");
  CHECK(calls.finished.reason == AiFinish::kToolCalls);
  CHECK(answered("{embedding: [0.5, 1]}").embeddings == std::vector<std::vector<float>>{{0.5F, 1.0F}});
  CHECK(answered("{embedding: [[1], [2]]}").embeddings == std::vector<std::vector<float>>{{1.0F}, {2.0F}});
}

TEST_CASE("an answer may be a failure, of a kind and with what the provider says of it") {
  const Read given = read("[{error: transient, message: Overloaded., status: 503}, {error: key}]");
  CaseAnswers answers(given.answers);
  const auto first = answers.answer(question("x"), "{}");
  REQUIRE((first && !first->answer));
  CHECK(first->refusal.failure.kind == AiFailureKind::kTransient);
  CHECK(first->refusal.failure.message == "Overloaded.");
  CHECK(first->refusal.failure.status == 503);
  CHECK(answers.answer(question("x"), "{}")->refusal.failure.kind == AiFailureKind::kKey);
}

TEST_CASE("answers are given in their order, to the events that they are for") {
  const Read given = read(
      "[{text: b, for: {/id: 2, /tags/0: x}}, {text: a, for: {/id: 1.0}}, {text: any}, {text: last, for: {/id: "
      "2}}]");
  REQUIRE(given.problems.empty());
  CaseAnswers answers(given.answers);
  const auto text = [&](const std::string& event) {
    const auto outcome = answers.answer(question("x"), event);
    return outcome ? outcome->answer->text : "(nothing)";
  };
  CHECK(text(R"({"id":1})") == "a");
  CHECK(text(R"({"id":2,"tags":["x"]})") == "b");
  CHECK(text(R"({"id":2,"tags":[]})") == "any");
  CHECK(answers.left_over().find("x.test.yaml:1:81") != std::string::npos);
  CHECK(answers.problem().empty());
  CHECK(text(R"({"id":3})") == "(nothing)");
  CHECK(answers.problem() ==
        "stage s: no answer is left for what it asked:\n    --- system\n    Be brief.\n    --- user\n    x");
  CHECK(text(R"({"id":2})") == "last");
  CHECK(answers.left_over().empty());
}

TEST_CASE("a long question is cut where a character ends") {
  CaseAnswers answers({});
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "é";
  CHECK_FALSE(answers.answer(question(text), "{}"));
  CHECK(answers.problem().size() < 4200);
  CHECK(answers.problem().ends_with("é…"));
}

TEST_CASE("what is no answer is told with its place") {
  CHECK(problem_of("{asked: [x]}").find("1:2: error: an answer is a text, or has one of") != std::string::npos);
  CHECK(problem_of("{text: a, json: 1}").find("has one of") != std::string::npos);
  CHECK(problem_of("null").find("has one of") != std::string::npos);
  CHECK(problem_of("{error: busy}").find("error") != std::string::npos);
  CHECK(problem_of("{text: a, status: 500}").find("are of an 'error'") != std::string::npos);
  CHECK(problem_of("{embedding: [a]}").find("1:14: error: an embedding is a list of numbers") !=
        std::string::npos);
  CHECK(problem_of("{embedding: 1}").find("an embedding is a list of numbers") != std::string::npos);
  CHECK(problem_of("{text: a, for: {id: 1}}").find("'id' is no JSON pointer") != std::string::npos);
  CHECK(problem_of("{text: a, for: 1}").find("'for' maps JSON pointers") != std::string::npos);
  CHECK(problem_of("{txt: a}").find("did you mean 'text'?") != std::string::npos);
}

}  // namespace
}  // namespace colloquium::app
